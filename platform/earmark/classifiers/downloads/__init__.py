"""Fetching the weights that do not come with Earmark; plain code without Django or torch."""
