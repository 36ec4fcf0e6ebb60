"""Tags of files and what is written into them, over HTTP."""
