"""Decoding files nobody has vetted, in a child process with limits on time and memory.

A decoder that crashes, hangs or eats memory takes the child with it and becomes an
`earmark_files.errors.AudioFileError` here; the next file gets a new child.

- `decoder`: `GuardedDecoder`, what callers use
- `process`: starting, feeding and ending the child
- `child`: what runs in it
- `protocol`: the messages between them
"""

from __future__ import annotations

from earmark_files.guard.decoder import GuardedDecoder, GuardedStream

__all__ = ["GuardedDecoder", "GuardedStream"]
