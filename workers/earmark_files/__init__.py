"""Everything Earmark does with a sound file itself: find, decode, identify, read and write tags.

No Django, no torch: this package can be used from a notebook. Importing the package imports
none of its parts, so that a decoder process starts quickly; import the module you need:

- `earmark_files.walk`: which sound files a folder holds
- `earmark_files.paths`: file names as text for databases, JSON and terminals
- `earmark_files.decoding`: what a file holds, and its samples as a stream of mono blocks
- `earmark_files.guard`: the same in a child process with limits, for files nobody has vetted
- `earmark_files.identity`: a hash of the audio that edits of the tags do not change
- `earmark_files.metadata`: tags, read and written without changing anything else
- `earmark_files.errors`: what all of them raise
"""
