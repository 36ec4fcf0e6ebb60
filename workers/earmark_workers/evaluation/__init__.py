"""Trying classifiers on labelled sounds, and looking into single sounds; no database.

- `listening`: an installed classifier, loaded in this process, over files
- `trial`, `evaluated`, `compared`: classifiers over labelled clips, and what is told of it
- `looking`, `inspected`: one sound, and what is told of it
- `survey`: a set of labelled sounds, and what is told of it
- `documents`: reports and pictures as files
- `asking`: what the commands share on the command line
"""
