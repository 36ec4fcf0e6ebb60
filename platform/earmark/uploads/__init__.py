"""Sounds that are classified without being kept, and the drop-in for IBM's container."""
