"""Uploads in the REST API."""
