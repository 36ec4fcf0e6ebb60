"""From predictions to the tags of a file."""
