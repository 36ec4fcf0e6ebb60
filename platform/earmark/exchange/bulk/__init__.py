"""The same done to many files: asked for at once, worked off by workers in slices."""
