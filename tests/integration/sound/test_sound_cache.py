"""What is kept of drawings is whole, and no more than allowed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from earmark.library.sound.cache import SoundCache


def test_what_was_put_is_got_and_the_rest_is_not(tmp_path: Path):
    cache = SoundCache(tmp_path, 1000)
    cache.put("../../a", b"one")

    assert cache.get("../../a") == b"one"
    assert cache.get("b") is None
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [""]
    assert SoundCache(tmp_path, 1000).get("../../a") == b"one"


@pytest.mark.parametrize("left", [0, 3, 16, 20])
def test_what_is_left_of_a_damaged_file_counts_as_nothing(tmp_path: Path, left: int):
    cache = SoundCache(tmp_path, 1000)
    cache.put("a", b"one two three")
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    os.truncate(path, left)

    assert cache.get("a") is None
    cache.put("a", b"one")
    assert cache.get("a") == b"one"


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path):
    cache = SoundCache(tmp_path, 1160)
    for number in range(10):
        cache.put(str(number), bytes(100))
        for path in tmp_path.rglob("*"):
            if path.is_file():
                state = path.stat()
                os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns - 1_000_000_000))
    cache.get("0")

    cache.put("new", bytes(200))

    left = [number for number in range(10) if cache.get(str(number)) is not None]
    assert left == [0, 3, 4, 5, 6, 7, 8, 9]
    assert cache.get("new") is not None


def test_what_a_killed_process_left_half_written_goes_in_the_end(tmp_path: Path):
    cache = SoundCache(tmp_path, 100)
    draft = tmp_path / "ab" / "x.part"
    draft.parent.mkdir()
    draft.write_bytes(bytes(90))
    os.utime(draft, (0, 0))

    cache.put("a", bytes(50))

    assert not draft.exists()
