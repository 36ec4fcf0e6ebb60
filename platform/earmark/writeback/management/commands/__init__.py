"""Commands of the write-back app."""
