"""The demo library: sounds made by formula, under the poor names real libraries have."""
