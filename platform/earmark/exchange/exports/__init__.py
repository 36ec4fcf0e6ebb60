"""Files and their tags as other programs read them.

`values` and `cells` are plain; `formats` turns values into bytes; `selectors` reads the rows of a
million files a batch at a time; `services` puts the two together.
"""
