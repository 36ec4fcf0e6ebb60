"""Damage files the way disks, crashes, careless writers and attackers do; seeded, so repeatable."""

from __future__ import annotations

import random
from collections.abc import Callable

_INTERESTING = (0, 1, 2, 7, 8, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 1 << 24, 0x7FFFFFFF)
_HUGE = (0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)
_HEAD = 4096


def _place(data: bytearray, rng: random.Random) -> int:
    """Return an offset, more often in the first and last kilobytes where the structure is."""
    size = len(data)
    kind = rng.random()
    if kind < 0.5:
        return rng.randrange(min(size, _HEAD))
    if kind < 0.8:
        return max(0, size - 1 - rng.randrange(min(size, _HEAD)))
    return rng.randrange(size)


def _flip(data: bytearray, rng: random.Random) -> None:
    data[_place(data, rng)] ^= 1 << rng.randrange(8)


def _integer(data: bytearray, rng: random.Random) -> None:
    width = rng.choice((1, 2, 4, 8))
    value = rng.choice(_INTERESTING + _HUGE) & ((1 << (8 * width)) - 1)
    at = _place(data, rng)
    data[at : at + width] = value.to_bytes(width, rng.choice(("little", "big")))


def _truncate(data: bytearray, rng: random.Random) -> None:
    del data[max(1, _place(data, rng)) :]


def _delete(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    if len(data) > 1:
        del data[at : at + min(rng.choice((1, 2, 4, 8, 100)), len(data) - 1)]


def _insert(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 100)))


def _repeat(data: bytearray, rng: random.Random) -> None:
    start = _place(data, rng)
    piece = data[start : start + rng.choice((8, 32, 200, 1000))]
    at = _place(data, rng)
    data[at:at] = piece


def _overwrite(data: bytearray, rng: random.Random) -> None:
    source, target = _place(data, rng), _place(data, rng)
    piece = data[source : source + rng.choice((4, 8, 64))]
    data[target : target + len(piece)] = piece


def _zeros(data: bytearray, rng: random.Random) -> None:
    at = _place(data, rng)
    length = rng.choice((4, 64, 512))
    data[at : at + length] = bytes(min(length, len(data) - at))


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip,
    _flip,
    _integer,
    _integer,
    _integer,
    _truncate,
    _delete,
    _insert,
    _repeat,
    _overwrite,
    _zeros,
)


def mutate(original: bytes, seed: int) -> bytes:
    """Return a damaged copy: one to six mutations, chosen by `seed` alone."""
    rng = random.Random(seed)
    data = bytearray(original)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        rng.choice(MUTATIONS)(data, rng)
    return bytes(data)
