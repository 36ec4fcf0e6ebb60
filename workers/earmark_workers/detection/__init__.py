"""Running a detector over recordings: `listening` streams a file, `outputs` writes what was found.

Knows no database: a detection is an answer on the spot, not a tag.
"""
