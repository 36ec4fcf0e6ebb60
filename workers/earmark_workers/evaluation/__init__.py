"""Trying classifiers on labelled sounds, and looking into single sounds; no database.

- `listening`: an installed classifier, loaded in this process, over files
- `trial`: a classifier over a set of labelled clips
- `survey`: what a set of labelled clips is like
- `documents`: reports and pictures as files
- `tables`: what is shown on the terminal
"""
