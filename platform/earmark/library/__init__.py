"""Sound libraries and their files: register, scan, identify."""
