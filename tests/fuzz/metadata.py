"""Fuzz the tag writer: ``python -m tests.fuzz.metadata --count 20000 [--container wav ...]``.

Every mutated file is read, planned, written and undone. Anything but a typed error, a change of
the audio hash, a byte that undo does not bring back, more than five seconds or more than 200 MB
is a failure; the seed is printed so that it can be repeated.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    MetadataError,
    Policy,
    TagSet,
    VerificationError,
    apply,
    plan_write,
    read_tags,
    undo,
)
from earmark_files.metadata.disk import Disk
from earmark_files.metadata.sidecar import sidecar_path
from tests.audio_factory import Tone, chunk, write_tone
from tests.fuzz.mutate import mutate
from tests.unit.metadata import riff_builder as build

TAGS = TagSet(
    keywords=("dog", "bark", "hündisch"),
    category="ANIMALS",
    subcategory="DOG",
    catid="ANMLDog",
    description="A dög barks",
    authors=("audioset@1.0.0",),
)
VENDOR = TagSet(keywords=("kennel", "dog"), category="PETS", description="Vendor's words")
CONTAINERS = {
    "wav": "wav-16",
    "rf64": "rf64-24",
    "aiff": "aiff-16",
    "flac": "flac-16",
    "vorbis": "ogg-vorbis",
    "opus": "opus",
    "mp3": "mp3",
    "mp4": "m4a",
    "sidecar": "caf-16",
}
TONE = Tone(seconds=0.05, rate=48000)
MAX_SECONDS = 5.0
MAX_BYTES = 200 << 20


class QuickDisk(Disk):
    """Does not wait for the disk: power failures are not what is tested here."""

    def sync(self, descriptor: int) -> None:
        pass

    def sync_folder(self, folder: Path) -> None:
        pass


@dataclass
class Report:
    """What came of the files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


def originals(container: str, folder: Path) -> list[bytes]:
    """Return sound files of a container: bare, with a vendor's tags, with ours."""
    path = write_tone(folder, CONTAINERS[container], TONE)
    made = [path.read_bytes()]
    if container == "wav":
        ixml = chunk(b"iXML", build.SOUNDMINER_IXML)
        made.append(build.wav([build.bext()], [*build.FOREIGN, ixml, build.info(IKEY="x")]))
        made.append(build.wav(after=[chunk(b"iXML", build.RECORDER_IXML)]))
    if container == "rf64":
        made.append(build.rf64([build.bext()], [*build.FOREIGN, build.info(IKEY="x")]))
    for tags in (VENDOR, TAGS):
        path.write_bytes(made[0])
        plan = plan_write(path, tags)
        apply(plan, disk=QuickDisk())
        made.append(plan.target.read_bytes())
        if plan.container == "sidecar":
            plan.target.unlink()
    path.unlink()
    # A sidecar is fuzzed as a file of its own, beside a sound that is whole.
    return made[1:] if container == "sidecar" else made


def check(path: Path, content: bytes, policy: Policy, target: Path) -> str:
    """Read, write and undo one file; returns what became of it, raises on any fault."""
    target.write_bytes(content)
    disk = QuickDisk()
    try:
        read_tags(path)
        plan = plan_write(path, TAGS, policy)
    except VerificationError as error:
        raise AssertionError("a plan that would not read back was made") from error
    except MetadataError as error:
        if target.read_bytes() != content:
            raise AssertionError("a refused file was touched") from error
        return error.code
    before = audio_identity(path)
    result = apply(plan, disk=disk)
    if audio_identity(path) != before:
        raise AssertionError("the audio hash changed")
    if not plan_write(path, TAGS, policy).is_noop:
        raise AssertionError("a second write would change the file again")
    if result.record is not None:
        undo(result.record, disk=disk)
    if target.read_bytes() != content:
        raise AssertionError("undo did not bring back every byte")
    return f"written ({plan.container})" if result.record else "unchanged"


def fuzz(container: str, count: int, *, first_seed: int = 0) -> Report:
    """Check `count` mutated files of one container."""
    report = Report()
    policies = (Policy(), Policy.merge_keywords(), Policy.replace_own())
    with tempfile.TemporaryDirectory(dir=_fast_folder()) as name:
        folder = Path(name)
        bases = originals(container, folder)
        path = target = folder / "sound"
        if container == "sidecar":
            sound = write_tone(folder, CONTAINERS[container], TONE).rename(path).read_bytes()
            target = sidecar_path(path)
        for seed in range(first_seed, first_seed + count):
            started = time.perf_counter()
            content = mutate(bases[seed % len(bases)], seed)
            try:
                if target != path:
                    path.write_bytes(sound)
                outcome = check(path, content, policies[seed % 3], target)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                report.failures.append(f"{container} seed {seed}: {type(error).__name__}: {error}")
                outcome = "FAILURE"
            report.outcomes[outcome] += 1
            report.slowest = max(report.slowest, time.perf_counter() - started)
            _clear(folder)
    if report.slowest > MAX_SECONDS:
        report.failures.append(f"{container}: {report.slowest:.1f} s for one file")
    return report


def _fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def _clear(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def peak_bytes() -> int:
    """Return the most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; exit status 1 when something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="files per container")
    parser.add_argument("--seed", type=int, default=0, help="first seed")
    parser.add_argument("--container", choices=CONTAINERS, action="append")
    options = parser.parse_args(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    start = peak_bytes()
    failed = False
    for container in options.container or CONTAINERS:
        report = fuzz(container, options.count, first_seed=options.seed)
        say(f"{container}: slowest {report.slowest:.2f} s, {dict(report.outcomes)}")
        for line in report.failures[:20]:
            say(f"  {line}")
        failed = failed or bool(report.failures)
    grown = peak_bytes() - start
    say(f"memory grew by {grown >> 20} MB at most")
    return 1 if failed or grown > MAX_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
