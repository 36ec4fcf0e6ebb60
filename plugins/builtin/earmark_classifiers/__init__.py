"""The classifiers that ship with Earmark; each is a plugin like any other."""
