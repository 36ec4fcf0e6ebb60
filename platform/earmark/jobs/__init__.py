"""Runs and jobs: who classifies which file, what came out, and what went wrong."""
