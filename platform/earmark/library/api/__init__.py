"""The REST API of libraries, scans, roles and files."""
