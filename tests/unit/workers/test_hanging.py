"""A classifier that does not come back: its process ends, and one file is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark_workers.engine.messages import Classified, Failed, Hosted, Identified, Setup
from earmark_workers.engine.pool import EngineError, Event, WorkerPool
from tests.bands_classifier import Bands, Stuck
from tests.factories import make_sound

BANDS = Bands.manifest.identity


def pool_of(made: type[Bands], seconds: float) -> WorkerPool:
    hosted = Hosted(made.manifest.identity, f"tests.bands_classifier:{made.__name__}")
    return WorkerPool(Setup((hosted,), batch_timeout_s=seconds), 1)


def hear_all(pool: WorkerPool) -> Iterator[Event]:
    while pool.busy:
        for event in pool.wait(60):
            if isinstance(event, Identified):
                pool.answer(event.task, proceed=event.classifiers)
            yield event


def test_a_file_from_which_it_does_not_come_back_twice_fails_and_the_others_lose_nothing(
    tmp_path: Path,
):
    files = [make_sound(tmp_path / f"{number}.wav", seed=number) for number in range(3)]
    # See tests.bands_classifier: it stops in native code that holds the interpreter.
    files.insert(1, tmp_path / "hangs.wav")
    soundfile.write(files[1], np.full(8000, -0.8), 8000)

    with pool_of(Bands, 0.4) as pool:
        for task, path in enumerate(files):
            pool.submit(task, str(path), path.stat().st_size, [BANDS])
        said = list(hear_all(pool))

    assert sorted(event.task for event in said if isinstance(event, Classified)) == [0, 2, 3]
    (failed,) = [event for event in said if isinstance(event, Failed)]
    assert (failed.task, failed.code, failed.file_fault) == (1, "classifier_hung", False)


def test_one_that_does_not_end_loading_is_no_fault_of_a_file(tmp_path: Path):
    sound = make_sound(tmp_path / "a.wav")

    with pool_of(Stuck, 0.4) as pool:
        pool.submit(0, str(sound), 1, [Stuck.manifest.identity])
        with pytest.raises(EngineError, match=r"bands_classifier.py.* in _hang") as caught:
            list(hear_all(pool))

    assert caught.value.code == "classifier_hung"
