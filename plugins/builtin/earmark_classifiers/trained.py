"""The folder of a trained classifier: what is in it, how it is read, how it comes into being.

``classifiers/<name>/<version>/`` holds ``classifier.json`` and the files it lists with their
SHA-256: weights as safetensors or arrays as ``.npz``. Never a pickle: opening somebody else's
classifier must not run somebody else's code. See ``docs/adr/0007-trained-classifiers.md``.

Backends build on `TrainedFolder` (`earmark_classifiers.cnn` shows how); trainers return a `Draft`.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from earmark_plugin_api import (
    ClassifierError,
    InvalidInputError,
    InvalidManifestError,
    Label,
    Manifest,
    WeightsMissingError,
    Window,
)

FORMAT = 1
"""Version of this layout. A folder of a later one is refused, not guessed at."""

DESCRIPTION_FILE = "classifier.json"

_ALLOWED_SUFFIXES = frozenset({".safetensors", ".npz"})


class TrainedFolderError(WeightsMissingError):
    """The folder of a trained classifier is damaged, or was made by a later Earmark."""

    code = "trained_folder_unusable"


class AlreadyInstalledError(ClassifierError):
    """A classifier of that name and version exists; it is never overwritten."""

    code = "already_installed"


@dataclass(frozen=True)
class Draft:
    """What a trainer hands over: a classifier without name and version.

    Attributes
    ----------
    backend : str
        Name in the entry-point group ``earmark.trained_classifiers``.
    labels : tuple of Label
        In the order of the score columns.
    sample_rate : int
        In hertz.
    window : Window
        How a file is cut.
    description : str
        One sentence for people.
    files : mapping of str to bytes
        Contents by file name.
    settings : mapping
        What the backend needs beside its weights, as JSON values: sizes, thresholds.
    training : mapping
        How it was made, as JSON values: data, seed, options, figures. Free in form.
    calibrated, embedding_size, devices, memory_mb
        As in `earmark_plugin_api.Manifest`.
    """

    backend: str
    labels: tuple[Label, ...]
    sample_rate: int
    window: Window
    description: str
    files: Mapping[str, bytes]
    settings: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    calibrated: bool = False
    embedding_size: int = 0
    devices: tuple[str, ...] = ("cpu",)
    memory_mb: int = 0


@dataclass(frozen=True)
class TrainedFolder:
    """A trained classifier on disk.

    Attributes
    ----------
    path : Path
        The folder of this version.
    backend : str
    manifest : Manifest
        Name, version, labels and needs.
    settings, training : mapping
        See `Draft`.
    files : mapping of str to str
        SHA-256 in hexadecimal by file name.
    """

    path: Path
    backend: str
    manifest: Manifest
    settings: Mapping[str, Any]
    training: Mapping[str, Any]
    files: Mapping[str, str]

    def read_file(self, name: str) -> bytes:
        """Return the contents of one of `files`, after comparing its checksum.

        Raises
        ------
        TrainedFolderError
            If it is not listed, missing, unreadable or not what was written.
        """
        try:
            content = (self.path / name).read_bytes()
        except OSError as error:
            raise _damaged(self.path, f"{name} cannot be read ({error.strerror})") from error
        if hashlib.sha256(content).hexdigest() != self.files.get(name):
            raise _damaged(self.path, f"{name} is not the file that was written with it")
        return content


def require_name(name: str) -> None:
    """Refuse what cannot be the name of a classifier, before any work is done for it.

    Raises
    ------
    InvalidManifestError
    """
    Manifest(name, "1.0.0", (Label("-", "-"),), 1, Window(1.0, 1.0), "-", "-")


def read_trained(folder: Path) -> TrainedFolder:
    """Read the description of a trained classifier; its weights are left alone.

    Raises
    ------
    TrainedFolderError
        If it cannot be read or says nothing that makes sense.
    """
    try:
        told = json.loads((folder / DESCRIPTION_FILE).read_text("utf-8"))
        if told["format"] != FORMAT:
            raise TrainedFolderError(
                f"{folder} has format {told['format']!r}, this Earmark reads {FORMAT}; "
                "update Earmark or train it again."
            )
        return TrainedFolder(
            path=folder,
            backend=str(told["backend"]),
            manifest=_read_manifest(told),
            settings=dict(told["settings"]),
            training=dict(told["training"]),
            files=dict(told["files"]),
        )
    except OSError as error:
        raise _damaged(folder, f"{DESCRIPTION_FILE}: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, InvalidInputError, InvalidManifestError) as error:
        raise _damaged(folder, f"{DESCRIPTION_FILE}: {type(error).__name__}: {error}") from error


def write_trained(
    folder: Path, draft: Draft, *, name: str, version: str, licence: str
) -> TrainedFolder:
    """Install a trained classifier as `folder`.

    Everything is written beside it under a hidden name and synced; one rename makes it visible.
    Whoever lists classifiers sees all of it or nothing.

    Parameters
    ----------
    folder : Path
        ``<classifiers>/<name>/<version>``; its parents are made.
    draft : Draft
    name, version : str
        As a manifest takes them.
    licence : str
        SPDX expression of the weights, such as ``LicenseRef-own``.

    Raises
    ------
    InvalidManifestError
        If name, version or labels are none.
    AlreadyInstalledError
        If `folder` exists.
    OSError
        If the disk is full or may not be written to; nothing is left behind.
    """
    told = _describe(draft, name=name, version=version, licence=licence)
    _read_manifest(told)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        raise AlreadyInstalledError(f"{folder} exists already; choose another version.")
    temporary = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        temporary.chmod(0o755)  # mkdtemp's folders are for their maker only
        for file, content in draft.files.items():
            _write_synced(temporary / file, content)
        text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
        _write_synced(temporary / DESCRIPTION_FILE, text.encode())
        _sync_folder(temporary)
        temporary.rename(folder)
    except BaseException as error:
        shutil.rmtree(temporary, ignore_errors=True)
        # A version that appeared meanwhile is somebody's work: a folder with files stays.
        if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise AlreadyInstalledError(f"{folder} has just appeared; try again.") from error
        raise
    _sync_folder(folder.parent)
    return read_trained(folder)


def _describe(draft: Draft, *, name: str, version: str, licence: str) -> dict[str, Any]:
    for file in draft.files:
        if file != Path(file).name or Path(file).suffix not in _ALLOWED_SUFFIXES:
            raise ValueError(f"{file!r} is no name for a file of a trained classifier")
    return {
        "format": FORMAT,
        "name": name,
        "version": version,
        "backend": draft.backend,
        "labels": [[label.id, label.name] for label in draft.labels],
        "sample_rate": draft.sample_rate,
        "window": {"seconds": draft.window.seconds, "hop_seconds": draft.window.hop_seconds},
        "calibrated": draft.calibrated,
        "licence": licence,
        "description": draft.description,
        "devices": list(draft.devices),
        "embedding_size": draft.embedding_size,
        "memory_mb": draft.memory_mb,
        "settings": dict(draft.settings),
        "training": dict(draft.training),
        "files": {
            file: hashlib.sha256(content).hexdigest() for file, content in draft.files.items()
        },
    }


def _read_manifest(told: Mapping[str, Any]) -> Manifest:
    return Manifest(
        name=told["name"],
        version=told["version"],
        labels=tuple(Label(identifier, name) for identifier, name in told["labels"]),
        sample_rate=told["sample_rate"],
        window=Window(told["window"]["seconds"], told["window"]["hop_seconds"]),
        licence=told["licence"],
        description=told["description"],
        devices=tuple(told["devices"]),
        embedding_size=told["embedding_size"],
        memory_mb=told["memory_mb"],
        calibrated=told["calibrated"],
    )


def _damaged(folder: Path, what: str) -> TrainedFolderError:
    return TrainedFolderError(
        f"The classifier in {folder} cannot be used: {what}. Train it again or delete the folder."
    )


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
