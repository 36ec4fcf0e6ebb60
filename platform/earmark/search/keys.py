"""What files can be filtered by, as words of the index: small letters and digits only.

A filter is then looked up together with the words that people type, in one index.
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b

from earmark.search.words import fold

EVERY = "z"
"""A key that every file has: what must not be in a file needs something to be taken from."""


SLICES = 16
"""The index in its order has so many parts of about the same number of files."""


def slice_key(number: int) -> str:
    """Return the key of the files in a slice of the index."""
    return f"b{number}"


def library_key(library_id: int) -> str:
    """Return the key of the files of a library."""
    return f"l{library_id}"


def folder_key(library_id: int, folder: str) -> str:
    """Return the key of the files below a folder of a library, in text form."""
    return f"f{_digest(f'{library_id}/{folder}')}"


def folder_keys(library_id: int, path: str) -> Iterator[str]:
    """Yield the key of each folder that a file lies in, directly or not."""
    parts = path.split("/")[:-1]
    for end in range(1, len(parts) + 1):
        yield folder_key(library_id, "/".join(parts[:end]))


def tag_key(name: str) -> str:
    """Return the key of a tag, whatever its case."""
    return f"t{_digest(fold(name))}"


def catid_key(catid: str) -> str:
    """Return the key of a UCS subcategory."""
    return f"c{_digest(catid)}"


def category_key(category: str) -> str:
    """Return the key of a UCS category."""
    return f"g{_digest(fold(category))}"


def state_key(state: str) -> str:
    """Return the key of what is known about the file on disk."""
    return f"s{state}"


def container_key(container: str) -> str:
    """Return the key of a container, such as ``wav``."""
    return f"w{_digest(container)}"


def channels_key(channels: int) -> str:
    """Return the key of a number of channels."""
    return f"n{channels}"


def rate_key(sample_rate: int) -> str:
    """Return the key of a sample rate."""
    return f"r{sample_rate}"


def model_key(identity: str) -> str:
    """Return the key of a classifier, by its name or with its version: ``audioset@1.1.0``."""
    return f"m{_digest(identity)}"


@lru_cache(maxsize=10_000)
def _digest(text: str) -> str:
    """Return ten small letters and digits; 50 bits, so that no two meet by accident."""
    return b32encode(blake2b(text.encode(), digest_size=7).digest())[:10].decode().lower()
