"""The guarded decoder: the same results as without, and no file that can hurt the caller."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from earmark_files.decoding import probe, stream
from earmark_files.errors import AudioFileError
from earmark_files.guard import GuardedDecoder
from earmark_files.identity import audio_identity
from tests.audio_factory import FORMATS, Tone, write_tone
from tests.broken_audio import BROKEN, write_broken
from tests.hostile_decoder import COMMAND

RATE = 16_000


@pytest.fixture(scope="module")
def guard() -> Iterator[GuardedDecoder]:
    """Real decoders; the child survives from test to test, as it does in a run."""
    with GuardedDecoder(timeout_s=60, memory_mb=512) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def hostile() -> Iterator[GuardedDecoder]:
    """A misbehaving child and much patience, so that a busy machine is no hang."""
    with GuardedDecoder(timeout_s=60, memory_mb=300, command=COMMAND) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def hasty() -> Iterator[GuardedDecoder]:
    """The same with little patience, for children that hang."""
    with GuardedDecoder(timeout_s=1.0, memory_mb=300, command=COMMAND) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tone(tmp_path_factory.mktemp("good"), "wav-16", Tone(2.0, 44100, 2))


def _code(decoder: GuardedDecoder, path: Path) -> str:
    with pytest.raises(AudioFileError) as caught:
        for _ in decoder.stream(path, sample_rate=RATE):
            pass
    assert caught.value.path == path
    assert ";" in caught.value.message
    return caught.value.code


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("name", FORMATS)
def test_guarded_samples_are_the_same(name: str, guard: GuardedDecoder, tmp_path: Path) -> None:
    path = write_tone(tmp_path, name, Tone(1.7, 48000, 2))
    with guard.stream(path, sample_rate=RATE, block_seconds=0.5) as guarded:
        blocks = list(guarded)
    plain = stream(path, sample_rate=RATE, block_seconds=0.5)

    assert guarded.info == plain.info == guard.probe(path) == probe(path)
    for block, expected in zip(blocks, plain, strict=True):
        assert block.dtype == np.float32
        assert block.flags.c_contiguous
        np.testing.assert_array_equal(block, expected)


def test_several_rates_are_what_each_alone_gives(guard: GuardedDecoder, good: Path) -> None:
    rates = (16_000, 32_000, 44_100)
    pieces: dict[int, list[np.ndarray]] = {rate: [] for rate in rates}
    with guard.stream_rates(good, sample_rates=rates, block_seconds=0.3) as blocks:
        for rate, block in blocks:
            pieces[rate].append(block)

    for rate in rates:
        alone = list(guard.stream(good, sample_rate=rate, block_seconds=0.3))
        for block, expected in zip(pieces[rate], alone, strict=True):
            np.testing.assert_array_equal(block, expected)
    assert blocks.frames == 2 * 44100
    assert blocks.peak == pytest.approx(Tone(2.0, 44100, 2).mono_amplitude, abs=0.01)


def test_a_child_that_answers_at_another_rate_is_not_believed(
    hostile: GuardedDecoder, good: Path
) -> None:
    renamed = good.with_name("off-rate.wav")
    renamed.write_bytes(good.read_bytes())

    assert _code(hostile, renamed) == "decode_crashed"


@pytest.mark.parametrize("rates", [(), (16_000, 16_000), (16_000, 0)])
def test_rates_that_make_no_sense_are_a_mistake_of_the_caller(
    rates: tuple[int, ...], guard: GuardedDecoder, good: Path
) -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        guard.stream_rates(good, sample_rates=rates)


@pytest.mark.parametrize(
    "name", [name for name in BROKEN if not name.startswith("cut") or "60" in name]
)
def test_broken_files_give_the_same_codes_and_cost_no_child(
    name: str, guard: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    guard.probe(good)
    child = guard.child_pid

    assert _code(guard, write_broken(tmp_path, name)) == BROKEN[name][0]
    assert guard.child_pid == child


@pytest.mark.parametrize(
    "name", ["bwf", "rf64-16", "w64", "aiff-24", "caf-alac", "flac-16", "opus", "mp3", "m4a", "wma"]
)
def test_mutated_files_are_read_or_refused_but_never_kill_or_hang(
    name: str, guard: GuardedDecoder, tmp_path: Path
) -> None:
    whole = write_tone(tmp_path, name, Tone(0.3, 48000, 2)).read_bytes()
    path = tmp_path / "mutated"
    for seed in range(25):
        path.write_bytes(_mutated(whole, np.random.default_rng(seed)))
        try:
            blocks = list(guard.stream(path, sample_rate=RATE))
        except AudioFileError as error:
            assert error.code not in {"decode_crashed", "decode_timeout"}, f"seed {seed}"
        else:
            assert blocks
            assert all(np.isfinite(block).all() for block in blocks)


def _mutated(whole: bytes, random: np.random.Generator) -> bytes:
    data = bytearray(whole)
    for _ in range(int(random.integers(1, 6))):
        at = int(random.integers(min(len(data), int(random.choice([64, 300, len(data)])))))
        match int(random.integers(4)):
            case 0:
                data[at] = int(random.integers(256))
            case 1:
                data[at : at + 4] = random.choice([b"\xff" * 4, b"\x7f\xff\xff\xff", bytes(4)])
            case 2:
                del data[at : at + int(random.integers(1, 50))]
            case _:
                data[at:at] = data[at : at + int(random.integers(1, 200))]
    return bytes(data)


def test_identity_is_computed_in_the_child(guard: GuardedDecoder, good: Path) -> None:
    assert guard.identify(good) == audio_identity(good)


def test_missing_file_cannot_be_identified(guard: GuardedDecoder, tmp_path: Path) -> None:
    with pytest.raises(AudioFileError) as caught:
        guard.identify(tmp_path / "gone.wav")
    assert caught.value.code == "file_not_found"


def test_relative_and_undecodable_paths_reach_the_child(
    guard: GuardedDecoder, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / os.fsdecode(b"r\xff.wav")).write_bytes(good.read_bytes())
    monkeypatch.chdir(tmp_path)

    assert guard.probe(b"r\xff.wav") == probe(good)
    assert guard.identify(b"r\xff.wav") == audio_identity(good)


@pytest.mark.parametrize("when", ["", "late-"])
@pytest.mark.parametrize("deed", ["hang", "hang_in_c"])
def test_hang_is_ended_with_its_child(
    deed: str, when: str, hasty: GuardedDecoder, tmp_path: Path
) -> None:
    assert _code(hasty, tmp_path / f"{when}{deed}.wav") == "decode_timeout"
    assert hasty.child_pid is None


@pytest.mark.parametrize("when", ["", "late-"])
@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("eat_memory", "decode_memory"),
        ("eat_memory_at_once", "decode_memory"),
        ("crash", "decode_crashed"),
        ("abort", "decode_crashed"),
        ("killed", "decode_crashed"),
        ("leave", "decode_crashed"),
        ("fail", "decode_crashed"),
        ("forge", "decode_crashed"),
    ],
)
def test_hostile_file_is_an_error_and_the_next_file_is_fine(
    deed: str, code: str, when: str, hostile: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    assert _code(hostile, tmp_path / f"{when}{deed}.wav") == code

    blocks = list(hostile.stream(good, sample_rate=RATE))
    assert sum(len(block) for block in blocks) == 2 * RATE


@pytest.mark.parametrize(
    ("deed", "decoder", "code"),
    [("hang_in_c", "hasty", "decode_timeout"), ("crash", "hostile", "decode_crashed")],
)
def test_hashing_is_guarded_too(
    deed: str, decoder: str, code: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with pytest.raises(AudioFileError) as caught:
        request.getfixturevalue(decoder).identify(tmp_path / f"{deed}.wav")
    assert caught.value.code == code


def test_crash_is_named_after_its_signal(hostile: GuardedDecoder, tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="SIGSEGV"):
        hostile.probe(tmp_path / "crash.wav")


def test_endless_work_is_stopped_by_processor_time(tmp_path: Path) -> None:
    with GuardedDecoder(60, 300, cpu_seconds=0.5, command=COMMAND) as decoder:
        for name in ("spin.wav", "endless.wav"):
            start = time.monotonic()
            with pytest.raises(AudioFileError, match="processor time") as caught:
                for _ in decoder.stream(tmp_path / name, sample_rate=RATE, block_seconds=0.01):
                    pass
            assert caught.value.code == "decode_timeout"
            assert time.monotonic() - start < 40


def test_libraries_that_print_do_not_disturb(
    hostile: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    (tmp_path / "babble.wav").write_bytes(good.read_bytes())

    assert hostile.probe(tmp_path / "babble.wav") == probe(good)


def test_real_decoder_is_held_to_its_memory(good: Path) -> None:
    with GuardedDecoder(60, 8) as decoder, pytest.raises(AudioFileError) as caught:
        decoder.stream(good, sample_rate=RATE, block_seconds=600)
    assert caught.value.code == "decode_memory"


@pytest.mark.parametrize("name", ["endless.wav", "late-hang.wav", "late-crash.wav", "good"])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_stream_can_be_left_early(
    name: str, taken: int, hostile: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    path = good if name == "good" else tmp_path / name
    with hostile.stream(path, sample_rate=RATE, block_seconds=0.7) as blocks:
        for _ in range(taken):
            next(blocks)
    assert list(blocks) == []

    assert sum(len(block) for block in hostile.stream(good, sample_rate=RATE)) == 2 * RATE


def test_leaving_early_keeps_the_child(hostile: GuardedDecoder, tmp_path: Path) -> None:
    with hostile.stream(tmp_path / "endless.wav", sample_rate=RATE) as blocks:
        next(blocks)
        child = hostile.child_pid
    hostile.stream(tmp_path / "endless.wav", sample_rate=RATE).close()

    assert hostile.child_pid == child


def test_forgotten_stream_gives_way_to_the_next_file(
    hostile: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    forgotten = hostile.stream(tmp_path / "endless.wav", sample_rate=RATE)
    next(forgotten)

    assert sum(len(block) for block in hostile.stream(good, sample_rate=RATE)) == 2 * RATE
    assert list(forgotten) == []


def test_slow_consumer_is_no_timeout(hasty: GuardedDecoder, tmp_path: Path) -> None:
    with hasty.stream(tmp_path / "endless.wav", sample_rate=RATE, block_seconds=30) as blocks:
        next(blocks)
        time.sleep(1.5)
        for _ in range(10):
            next(blocks)


def test_child_that_was_killed_between_two_files_is_replaced(
    guard: GuardedDecoder, good: Path
) -> None:
    guard.probe(good)
    child = guard.child_pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    while _is_running(child):
        time.sleep(0.01)

    assert guard.probe(good) == probe(good)
    assert guard.child_pid != child


def test_closing_ends_the_child_and_leaves_nothing_open(good: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    decoder = GuardedDecoder()
    decoder.probe(good)
    child = decoder.child_pid
    assert child is not None

    decoder.close()

    assert not _is_running(child)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_decoder_that_cannot_be_started_is_an_error_that_may_be_tried_again(good: Path) -> None:
    with (
        GuardedDecoder(
            command=(sys.executable, "-c", "raise SystemExit('no such library')")
        ) as decoder,
        pytest.raises(AudioFileError, match="not this file's fault") as caught,
    ):
        decoder.probe(good)
    assert (caught.value.code, caught.value.retryable) == ("decode_crashed", True)
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__notes__ == ["The child wrote: no such library"]


_PARENT = """
import sys, threading
from earmark_files.guard import GuardedDecoder
from tests.hostile_decoder import COMMAND
decoder = GuardedDecoder(3600, 300, command=COMMAND)
# From a thread that ends: the child must outlive the thread, but not the process.
starter = threading.Thread(target=decoder.stream(sys.argv[1], sample_rate=16000).close)
starter.start(); starter.join()
print(decoder.child_pid, flush=True)
decoder.probe(sys.argv[2])
"""


@pytest.mark.parametrize("deed", ["hang", "hang_in_c", "spin"])
def test_child_dies_with_its_parent_even_in_the_middle_of_a_hang(
    deed: str, good: Path, tmp_path: Path
) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(good), str(tmp_path / f"{deed}.wav")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)  # let it reach the deed
    assert _is_running(child)

    parent.kill()
    parent.wait()
    parent.stdout.close()

    deadline = time.monotonic() + 10
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_running(child)


def test_interrupt_in_the_middle_of_a_message_leaves_a_usable_decoder(
    hostile: GuardedDecoder, good: Path, tmp_path: Path
) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            hostile.probe(tmp_path / "hang.wav")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert hostile.probe(good) == probe(good)
