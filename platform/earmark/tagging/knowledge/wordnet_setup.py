"""Getting WordNet onto a machine that reaches a package index and nothing else.

Debian's package `wordnet-base` holds WordNet 3.0 without two files that NLTK wants:
``lexnames``, which is 45 fixed lines, and ``index.sense``, of which NLTK needs only that it
exists. The package is taken apart in a temporary folder and never installed, so no root rights
are needed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import structlog

from earmark.tagging.knowledge.lexicon import NLTK_DATA, find_wordnet
from earmark.tagging.knowledge.tables import DATA

PACKAGE = "wordnet-base"
INSTALLED = Path("/usr/share/wordnet")
"""Where Debian's package puts WordNet when somebody has installed it."""
FILES = (
    *(f"{part}.{word}" for part in ("data", "index") for word in ("adj", "adv", "noun", "verb")),
    *(f"{word}.exc" for word in ("adj", "adv", "noun", "verb")),
    "cntlist.rev",
)
_TIMEOUT_S = 300

log = structlog.get_logger(__name__)


class WordNetSetupError(Exception):
    """WordNet could not be had; the message says what was tried and what to do."""

    code = "wordnet_setup_failed"


def set_up_wordnet(data_dir: Path) -> Path:
    """Make sure that WordNet is on this machine.

    Tried in this order: what is already there, in Earmark's data folder or where NLTK looks;
    Debian's package where it is installed; the package fetched with ``apt-get download``, with
    fresh package lists if the machine has none; NLTK's own download.

    Parameters
    ----------
    data_dir : Path
        Earmark's data folder; WordNet goes to ``nltk_data/corpora/wordnet`` in it.

    Returns
    -------
    Path
        The NLTK data folder that holds WordNet. Nothing is fetched or written if there is one.

    Raises
    ------
    WordNetSetupError
        If it could not be had. Earmark works without it: tags then have no synonyms.
    """
    found = find_wordnet(data_dir)
    if found is not None:
        return found
    folder = data_dir / NLTK_DATA
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        # Several processes may want it at once; the second finds what the first has fetched.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find_wordnet(data_dir) is None:
            _fetch(data_dir, folder)
    return folder


def _fetch(data_dir: Path, folder: Path) -> None:
    attempts: list[str] = []
    for name, attempt in (
        ("the installed package", _from_installed_package),
        ("apt-get download", _from_apt),
        ("nltk.download", _from_nltk),
    ):
        problem = attempt(folder)
        if problem is None and find_wordnet(data_dir) is not None:
            log.info("wordnet_ready", source=name, folder=str(folder))
            return
        attempts.append(f"{name}: {problem or 'the files are not WordNet 3.0'}")
    raise WordNetSetupError(
        "WordNet could not be set up, so tags are written without synonyms. Tried "
        + "; ".join(attempts)
        + f". With a package index in reach, run `apt-get install {PACKAGE}` as root and then "
        "`earmark setup_wordnet` again."
    )


def install_from(source: Path, folder: Path) -> None:
    """Copy WordNet's files from `source` into an NLTK data folder, all or nothing.

    Raises
    ------
    FileNotFoundError
        If a file is missing in `source`.
    OSError
        If the folder cannot be written.
    """
    target = folder / "corpora" / "wordnet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".wordnet-") as scratch:
        made = Path(scratch) / "wordnet"
        made.mkdir()
        for name in FILES:
            shutil.copyfile(source / name, made / name)
        (made / "lexnames").write_bytes((DATA / "wordnet_lexnames.tsv").read_bytes())
        (made / "index.sense").touch()
        if target.exists():
            # Unreadable remains of something else: `find_wordnet` did not accept them.
            target.rename(Path(scratch) / "old")
        made.rename(target)


def _from_installed_package(folder: Path) -> str | None:
    if not (INSTALLED / "data.noun").is_file():
        return f"{INSTALLED} is not there"
    return _install(INSTALLED, folder)


def _from_apt(folder: Path) -> str | None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "this is not a Debian-like system"
    with tempfile.TemporaryDirectory(prefix="earmark-wordnet-") as scratch:
        where = Path(scratch)
        problem = _download_package(where)
        if problem is not None:
            return problem
        package = next(where.glob(f"{PACKAGE}_*.deb"))
        problem = _run(["dpkg-deb", "--extract", package.name, "unpacked"], where)
        return problem or _install(where / "unpacked" / "usr/share/wordnet", folder)


def _download_package(where: Path) -> str | None:
    """Fetch the package into a folder, with package lists of our own where the machine has none."""
    command = ["apt-get", "download", PACKAGE]
    if _run(command, where) is None:
        return None
    # A machine where `apt-get update` has never run knows no package. Lists in a private folder
    # need no root and change nothing for anybody else.
    (where / "lists" / "partial").mkdir(parents=True)
    (where / "cache" / "archives" / "partial").mkdir(parents=True)
    private = [
        "-o",
        f"Dir::State::Lists={where}/lists",
        "-o",
        f"Dir::Cache={where}/cache",
        "-o",
        "Debug::NoLocking=1",
        "-o",
        "APT::Sandbox::User=",
    ]
    return _run(["apt-get", *private, "update"], where) or _run(
        ["apt-get", *private, "download", PACKAGE], where
    )


def _from_nltk(folder: Path) -> str | None:
    import nltk

    # It prints, and returns False instead of raising when there is no network.
    fetched = nltk.download("wordnet", download_dir=str(folder), quiet=True)
    return None if fetched else "no answer from its server"


def _install(source: Path, folder: Path) -> str | None:
    try:
        install_from(source, folder)
    except OSError as error:
        return f"{error.strerror}: {error.filename}"
    return None


def _run(command: list[str], folder: Path) -> str | None:
    """Run a command quietly; return its last words if it failed."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands, no words from outside
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} did not end within {_TIMEOUT_S} s"
    if done.returncode == 0:
        return None
    words = (done.stderr or done.stdout).strip().splitlines()
    return words[-1] if words else f"{command[0]} ended with status {done.returncode}"
