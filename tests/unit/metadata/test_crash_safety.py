"""Killed or failing at any system call: the file is exactly old or exactly new, never between."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from earmark_files.identity import audio_identity
from earmark_files.metadata import (
    ConflictError,
    LockedError,
    MetadataError,
    NoSpaceError,
    Policy,
    VerificationError,
    WritePlan,
    apply,
    copying,
    plan_write,
    read_tags,
    remove_stale_in,
    temporaries,
    undo,
)
from earmark_files.metadata.disk import Disk
from tests.audio_factory import Tone, write_tone
from tests.unit.metadata import riff_builder as build
from tests.unit.metadata.contract import OTHER, TAGS
from tests.unit.metadata.faults import (
    ERRORS,
    CountingDisk,
    FailingDisk,
    FullDisk,
    KillingDisk,
    LyingDisk,
)

COPY, IN_PLACE = Policy(), Policy(in_place_from=0)
METHODS = {"copy": COPY, "in_place": IN_PLACE}
CONTENT = build.wav(build.FOREIGN, [build.info(INAM="x")])
# Nothing lies behind its audio, so a write in place only makes it longer.
PLAIN = build.wav()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "library" / "sound.wav"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


def own_files(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name.startswith(".earmark-"))


def calls_of(path: Path, policy: Policy) -> list[str]:
    """Return the system calls of an undisturbed write to a copy of the file."""
    twin = path.parent.parent / f"twin{path.suffix}"
    shutil.copy2(path, twin)
    disk = CountingDisk()
    apply(plan_write(twin, TAGS, policy), disk=disk)
    twin.unlink()
    return disk.calls


def run_and_die(plan: WritePlan, at: int, *, half: bool) -> int:
    """Apply a plan in a child process that is killed; returns how the child ended."""
    child = os.fork()
    if child == 0:
        apply(plan, disk=KillingDisk(at, half=half))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(
    ("method", "content"),
    [("copy", CONTENT), ("in_place", CONTENT), ("in_place", PLAIN)],
    ids=["copy", "in_place", "in_place_at_the_end"],
)
@pytest.mark.parametrize("half", [False, True], ids=["before", "half-way"])
def test_killed_at_any_call_the_file_is_old_or_new(
    path: Path, method: str, content: bytes, half: bool
) -> None:
    path.write_bytes(content)
    policy = METHODS[method]
    calls = calls_of(path, policy)
    new = None
    outcomes = set()
    for at in range(len(calls)):
        path.write_bytes(content)
        plan = plan_write(path, TAGS, policy)
        assert run_and_die(plan, at, half=half) == -9, calls[at]
        if method == "copy":
            # Nothing but the replacement itself may be seen, even before the next run.
            assert path.read_bytes() == content or calls[at] == "sync_folder"
        again = plan_write(path, TAGS, policy)
        found = path.read_bytes()
        outcomes.add(again.is_noop)
        if not again.is_noop:
            assert found == content, (at, calls[at])
        apply(again)
        new = new or path.read_bytes()
        assert path.read_bytes() == new, (at, calls[at])
        remove_stale_in(path.parent, grace=0.0)
        assert own_files(path.parent) == [], (at, calls[at])
    assert outcomes == {False, True}


@pytest.mark.parametrize("format_name", ["flac-16", "ogg-vorbis", "mp3", "m4a", "aiff-16"])
def test_killed_at_any_call_in_every_container(tmp_path: Path, format_name: str) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    path = write_tone(folder, format_name, Tone(seconds=0.1, rate=48000))
    content = path.read_bytes()
    for at, call in enumerate(calls_of(path, COPY)):
        path.write_bytes(content)
        assert run_and_die(plan_write(path, TAGS), at, half=True) == -9
        plan = plan_write(path, TAGS)
        assert plan.is_noop or path.read_bytes() == content, call
        apply(plan)
        assert read_tags(path).keywords == TAGS.keywords
        remove_stale_in(folder, grace=0.0)
        assert own_files(folder) == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("error", ERRORS, ids=[errno.errorcode[e] for e in ERRORS])
def test_an_error_of_any_call_leaves_the_old_file(path: Path, method: str, error: int) -> None:
    policy = METHODS[method]
    calls = calls_of(path, policy)
    for at, call in enumerate(calls):
        path.write_bytes(CONTENT)
        status = path.stat()
        plan = plan_write(path, TAGS, policy)
        with pytest.raises(MetadataError) as failed:
            apply(plan, disk=FailingDisk(at, error, half=True))
        assert failed.value.path == path
        if failed.value.code == "not_synced":
            assert call == "sync_folder" or (call, method) == ("remove", "in_place")
            assert plan_write(path, TAGS).is_noop
        else:
            assert path.read_bytes() == CONTENT, (at, call)
            assert path.stat().st_mode == status.st_mode
        if failed.value.code != "interrupted_write":
            assert [n for n in own_files(path.parent) if n.endswith(".tmp")] == []


def test_a_full_disk_is_noticed_before_anything_is_written(path: Path) -> None:
    plan = plan_write(path, TAGS)
    with pytest.raises(NoSpaceError, match="no room"):
        apply(plan, disk=FullDisk())
    assert path.read_bytes() == CONTENT


@pytest.fixture(params=["small", "huge"])
def any_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the file as what it is, and as one whose audio is hashed while it is written."""
    if request.param == "huge":
        monkeypatch.setattr(copying, "_FOLLOW_FROM", 0)
        monkeypatch.setattr(copying, "_PIECE", 1000)


@pytest.mark.usefixtures("any_size")
def test_a_copy_is_proven_at_any_size(path: Path) -> None:
    identity = audio_identity(path)
    apply(plan_write(path, TAGS))
    assert (audio_identity(path), read_tags(path).keywords) == (identity, TAGS.keywords)


@pytest.mark.usefixtures("any_size")
def test_audio_that_is_not_the_planned_one_is_a_conflict_at_any_size(path: Path) -> None:
    plan = plan_write(path, TAGS, audio_hash=f"wav-data:{'0' * 64}")
    with pytest.raises(ConflictError):
        apply(plan)
    assert path.read_bytes() == CONTENT
    assert own_files(path.parent) == []


@pytest.mark.usefixtures("any_size")
def test_a_volume_that_loses_the_end_is_found_out(path: Path) -> None:
    class Losing(Disk):
        def sync(self, descriptor: int) -> None:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size // 2)
            super().sync(descriptor)

    plan = plan_write(path, TAGS)
    with pytest.raises(MetadataError):
        apply(plan, disk=Losing())
    assert path.read_bytes() == CONTENT
    assert own_files(path.parent) == []


@pytest.mark.usefixtures("any_size")
def test_a_volume_that_lies_is_found_out(path: Path) -> None:
    plan = plan_write(path, TAGS)
    with pytest.raises(VerificationError):
        apply(plan, disk=LyingDisk())
    assert path.read_bytes() == CONTENT
    assert own_files(path.parent) == []


def test_a_vanished_file_or_folder_is_a_clear_error(path: Path) -> None:
    plan = plan_write(path, TAGS)
    shutil.rmtree(path.parent)
    with pytest.raises(MetadataError) as failed:
        apply(plan)
    assert failed.value.code == "file_not_found"
    with pytest.raises(MetadataError) as failed:
        plan_write(path, TAGS)
    assert failed.value.code == "file_not_found"


def test_a_file_replaced_during_the_copy_is_a_conflict(path: Path) -> None:
    class Intruder(Disk):
        def sync(self, descriptor: int) -> None:
            path.with_name("new").write_bytes(CONTENT + b"somebody else's")
            path.with_name("new").replace(path)
            super().sync(descriptor)

    plan = plan_write(path, TAGS)
    with pytest.raises(ConflictError):
        apply(plan, disk=Intruder())
    assert path.read_bytes() == CONTENT + b"somebody else's"
    assert own_files(path.parent) == []


def test_a_second_writer_of_the_same_file_is_turned_away(path: Path) -> None:
    plan = plan_write(path, TAGS)

    class Slow(Disk):
        def sync(self, descriptor: int) -> None:
            with pytest.raises(LockedError):
                apply(plan)
            super().sync(descriptor)

    apply(plan, disk=Slow())
    assert read_tags(path).keywords == TAGS.keywords


def test_a_living_writers_temporary_file_is_not_swept_away(path: Path) -> None:
    removed: list[Path] = []

    class Swept(Disk):
        def sync(self, descriptor: int) -> None:
            removed.extend(remove_stale_in(path.parent, grace=0.0))
            super().sync(descriptor)

    apply(plan_write(path, TAGS), disk=Swept())
    assert removed == []
    assert read_tags(path).keywords == TAGS.keywords


def test_fresh_temporary_files_get_a_minute_of_grace(path: Path) -> None:
    assert run_and_die(plan_write(path, TAGS), 3, half=False) == -9
    assert len(own_files(path.parent)) == 1
    assert remove_stale_in(path.parent) == []
    assert len(remove_stale_in(path.parent, grace=0.0)) == 1


def test_an_old_modification_time_does_not_make_a_temporary_file_stale(path: Path) -> None:
    fresh = temporaries.copy_name(path)
    fresh.touch()
    os.utime(fresh, (0, 0))
    assert remove_stale_in(path.parent) == []


def test_where_no_locks_are_known_no_temporary_file_is_swept_away(path: Path) -> None:
    class Lockless(Disk):
        def lock(self, descriptor: int, *, without_locks: bool = True) -> bool:
            return without_locks

    temporaries.copy_name(path).touch()
    assert remove_stale_in(path.parent, grace=0.0, disk=Lockless()) == []
    apply(plan_write(path, TAGS), disk=Lockless())
    assert own_files(path.parent) == []


def test_a_writer_that_came_in_between_keeps_its_temporary_file(path: Path) -> None:
    temporary = temporaries.copy_name(path)
    temporary.touch()

    class Overtaken(Disk):
        def lock(self, descriptor: int, *, without_locks: bool = True) -> bool:
            temporary.unlink()
            temporary.write_text("of the living")
            return super().lock(descriptor, without_locks=without_locks)

    assert remove_stale_in(path.parent, grace=0.0, disk=Overtaken()) == []
    assert temporary.read_text() == "of the living"


def test_an_interrupt_from_the_keyboard_leaves_nothing_behind(path: Path) -> None:
    class Interrupted(Disk):
        def sync(self, descriptor: int) -> None:
            raise KeyboardInterrupt

    for policy in METHODS.values():
        with pytest.raises(KeyboardInterrupt):
            apply(plan_write(path, TAGS, policy), disk=Interrupted())
        if policy is COPY:
            assert own_files(path.parent) == []
        plan_write(path, TAGS)
        assert path.read_bytes() == CONTENT


class TestInPlace:
    def test_tags_behind_the_audio_are_written_without_a_copy(self, path: Path) -> None:
        inode = path.stat().st_ino
        result = apply(plan_write(path, TAGS, IN_PLACE))
        assert (result.method, path.stat().st_ino) == ("in_place", inode)
        copied = path.with_name("copied.wav")
        copied.write_bytes(CONTENT)
        apply(plan_write(copied, TAGS))
        assert copied.read_bytes() == path.read_bytes()

    def test_shrinking_and_undo_work_in_place_too(self, path: Path) -> None:
        first = apply(plan_write(path, TAGS, IN_PLACE))
        policy = Policy(default=Policy.replace_own().default, in_place_from=0)
        assert apply(plan_write(path, OTHER, policy)).method == "in_place"
        size = path.stat().st_size
        second = plan_write(path, TAGS, policy)
        apply(second)
        assert undo(second.undo, in_place_from=0).method == "in_place"
        assert path.stat().st_size == size
        with pytest.raises(ConflictError):
            undo(first.record, in_place_from=0)

    def test_audio_that_would_move_is_copied(self, path: Path) -> None:
        path.write_bytes(build.wav([build.bext(b""), build.info(IKEY="x")]))
        assert apply(plan_write(path, TAGS, IN_PLACE)).method == "copy"

    def test_small_files_and_hard_links_are_copied(self, path: Path) -> None:
        assert apply(plan_write(path, TAGS, Policy(in_place_from=10**9))).method == "copy"
        path.write_bytes(CONTENT)
        backup = path.with_name("backup.wav")
        backup.hardlink_to(path)
        assert apply(plan_write(path, TAGS, IN_PLACE)).method == "copy"
        assert backup.read_bytes() == CONTENT

    def test_somebody_elses_change_before_recovery_is_kept(self, path: Path) -> None:
        plan = plan_write(path, TAGS, IN_PLACE)
        calls = calls_of(path, IN_PLACE)
        assert run_and_die(plan, calls.index("truncate"), half=False) == -9
        changed = bytearray(path.read_bytes())
        changed[50:54] = b"edit"
        path.write_bytes(changed)
        with pytest.raises(ConflictError) as refused:
            plan_write(path, TAGS)
        assert refused.value.code == "interrupted_write"
        assert path.read_bytes() == changed
        assert len(own_files(path.parent)) == 1


PROGRAM = """
import sys
from pathlib import Path
from earmark_files.metadata import TagSet, apply, plan_write
plan = plan_write(Path(sys.argv[1]), TagSet(keywords=("dog",)))
open(sys.argv[2], "w").close()
apply(plan)
"""
CHANGING_CALLS = {
    "openat", "flock", "write", "copy_file_range", "fchown", "fchmod", "fsetxattr", "utimensat",
    "fsync", "rename", "unlink", "close",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_killed_by_a_tracer_at_every_system_call(path: Path) -> None:
    """The same from outside, where calls that go past our file layer are seen too."""
    marker, log = path.parent.parent / "planned", path.parent.parent / "log"
    program = [sys.executable, "-c", PROGRAM, str(path), str(marker)]
    trace = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={','.join(CHANGING_CALLS)}"]
    subprocess.run([*trace, *program], check=True, timeout=60)
    names = [line.split("(")[0].split()[-1] for line in log.read_text().splitlines()]
    start = next(n for n, line in enumerate(log.read_text().splitlines()) if str(marker) in line)
    assert names[start + 1 :].count("rename") == 1
    for at in range(start + 1, len(names)):
        path.write_bytes(CONTENT)
        nth = names[: at + 1].count(names[at])
        inject = ["-e", f"inject={names[at]}:signal=KILL:when={nth}"]
        killed = subprocess.run([*trace, *inject, *program], check=False, timeout=60)
        assert killed.returncode == -9
        plan = plan_write(path, TAGS)
        assert path.read_bytes() == CONTENT or read_tags(path).keywords == ("dog",), names[at]
        apply(plan)
        remove_stale_in(path.parent, grace=0.0)
        assert own_files(path.parent) == []
