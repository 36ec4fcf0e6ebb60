"""Tells other programs what has happened, by HTTP requests to addresses that people have named."""
