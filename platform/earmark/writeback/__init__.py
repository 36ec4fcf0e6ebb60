"""What was written into which file, and how to undo it."""
