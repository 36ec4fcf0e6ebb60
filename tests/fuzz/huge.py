"""A trial with files beyond 4 GiB: ``python -m tests.fuzz.huge [--folder DIR] [--gibibytes 4.01]``.

Each file is hashed, planned, written through a copy and in place, and undone; the audio must keep
its hash, and the undo must bring back every byte. The originals are sparse; a copy is not, so the
volume needs a little more than one of them as free space. Takes minutes, so no test runs it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from earmark_files.identity import audio_identity
from earmark_files.metadata import Policy, TagSet, apply, plan_write, read_tags, undo
from tests.audio_factory import chunk
from tests.unit.metadata.huge import write_huge

TAGS = TagSet(keywords=("dog", "bark"), description="A dog barks", authors=("audioset@1.0.0",))
INFO = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"Recorder\0"))
_ALMOST = 2**32 - 1024


def whole_hash(path: Path) -> str:
    """Hash every byte of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def trials(folder: Path, audio: int) -> Iterator[tuple[str, Path]]:
    """Yield one file after the other, with its name for people."""
    path = folder / "huge.wav"
    yield "RF64", write_huge(path, audio, b"RF64", after=INFO)
    yield "BW64", write_huge(path, audio, b"BW64", after=INFO)
    yield "RIFF that becomes RF64", write_huge(path, _ALMOST, b"RIFF")
    room = chunk(b"JUNK", bytes(28))
    yield "RIFF with room for ds64", write_huge(path, _ALMOST, b"RIFF", before=room)


def attempt(path: Path, policy: Policy) -> str:
    """Write and undo; returns the method, raises when anything is not as it was."""
    before, identity = whole_hash(path), audio_identity(path)
    result = apply(plan_write(path, TAGS, policy, audio_hash=identity.hash))
    if audio_identity(path) != identity or read_tags(path).keywords != TAGS.keywords:
        raise AssertionError("the audio, or the tags, are not as they should be")
    if result.record is None:
        raise AssertionError("nothing was written")
    undo(result.record, in_place_from=policy.in_place_from)
    if whole_hash(path) != before:
        raise AssertionError("undo did not bring back every byte")
    return result.method


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="on the volume to use")
    parser.add_argument("--gibibytes", type=float, default=4.01, help="audio of the RF64 files")
    options = parser.parse_args()
    audio = int(options.gibibytes * 2**29) * 2
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        for kind, path in trials(Path(name), audio):
            for in_place_from in (0, None):
                started = time.perf_counter()
                method = attempt(path, Policy(promote_rf64=True, in_place_from=in_place_from))
                seconds = time.perf_counter() - started
                sys.stdout.write(f"{kind}: written ({method}) and undone, {seconds:.1f} s\n")
                sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
