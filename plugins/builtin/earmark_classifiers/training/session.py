"""From a folder of sounds to an installed classifier; ``earmark train`` without the command."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from earmark_classifiers.torch_backend import require_device
from earmark_classifiers.trained import TrainedFolder, require_name, write_trained
from earmark_classifiers.training.augment import require_known
from earmark_classifiers.training.data import Dataset, read_dataset, stratified_split
from earmark_classifiers.training.errors import EmptyClassError, TrainingError
from earmark_classifiers.training.sounds import SoundStore, Unreadable, decode_sounds
from earmark_classifiers.training.trainers import Progress, Trainer, TrainOptions, get_trainer
from earmark_files.paths import display

Report = Callable[[Progress], None]


class TrainingRunningError(TrainingError):
    """A classifier of that name is being trained right now."""

    code = "training_running"


class NoSpaceError(TrainingError):
    """The disk is full, or a folder cannot be written to."""

    code = "cannot_write"


@dataclass(frozen=True)
class TrainRequest:
    """What to train, from what, and where it goes.

    Attributes
    ----------
    backend : str
    data : Path
        See `earmark_classifiers.training.data.read_dataset`.
    name, version : str
        Of the new classifier.
    target : Path
        Folder to install it as; must not exist.
    work : Path
        Folder for checkpoints and caches; made, and deleted when all went well.
    licence : str
        SPDX expression of the weights.
    validation : float
        Share of each class that is kept back, where the data do not say it.
    seed, epochs, device, init, init_folder, freeze, augment, resume
        See `earmark_classifiers.training.trainers.TrainOptions`.
    """

    backend: str
    data: Path
    name: str
    version: str
    target: Path
    work: Path
    licence: str = "LicenseRef-own"
    validation: float = 0.2
    seed: int = 0
    epochs: int | None = None
    device: str = "cpu"
    init: str | None = None
    init_folder: Path | None = None
    freeze: int = 0
    augment: tuple[str, ...] | None = None
    resume: bool = False


def train_classifier(
    request: TrainRequest,
    report: Report,
    on_unreadable: Callable[[Unreadable], None] = lambda file: None,
) -> TrainedFolder:
    """Read the data, train, and install the classifier.

    Parameters
    ----------
    request : TrainRequest
    report : callable
        Called with where the training is. What it raises (`KeyboardInterrupt`) ends it; the last
        checkpoint is kept.
    on_unreadable : callable
        Called for each file that is left out.

    Raises
    ------
    TrainingError
        One of its kinds; nothing is installed.
    ClassifierError
        ``device_unavailable``, or the name cannot be a classifier's.
    """
    require_name(request.name)
    trainer = get_trainer(request.backend)
    require_known(request.augment or ())
    if request.device != "cpu":
        require_device(request.device)
    data = read_dataset(request.data, negatives=True)
    # Before an hour of decoding: what is wrong with names and numbers is wrong now.
    stratified_split(data, request.validation, request.seed)
    try:
        with _work_folder(request.work, keep=request.resume):
            folder = _train(request, trainer, data, report, on_unreadable)
            shutil.rmtree(request.work)
            return folder
    except OSError as error:
        where = error.filename or request.work
        raise NoSpaceError(
            f"{display(str(where))}: {error.strerror}. Make room or change the rights and go on "
            "with --resume."
        ) from error


def _train(
    request: TrainRequest,
    trainer: Trainer,
    data: Dataset,
    report: Report,
    on_unreadable: Callable[[Unreadable], None],
) -> TrainedFolder:
    sounds = decode_sounds(
        data.clips,
        trainer.sample_rate,
        request.work,
        lambda done, of: report(Progress("decoding", done, of)),
    )
    for file in sounds.unreadable:
        on_unreadable(file)
    data = _readable(data, sounds.unreadable)
    split = stratified_split(data, request.validation, request.seed)
    draft = trainer.train(data, split, _options(request, sounds), report)
    training = {
        **draft.training,
        "source": display(str(request.data)),
        "of_no_class": sum(not clip.labels for clip in data.clips),
        "unreadable": [display(str(file.path)) for file in sounds.unreadable],
    }
    return write_trained(
        request.target,
        replace(draft, training=training),
        name=request.name,
        version=request.version,
        licence=request.licence,
    )


def _readable(data: Dataset, unreadable: tuple[Unreadable, ...]) -> Dataset:
    """Leave out what cannot be read.

    Raises
    ------
    EmptyClassError
        If nothing of a class is left.
    """
    left = data.without(file.path for file in unreadable)
    gone = [label for label, count in left.counts().items() if not count]
    if gone:
        raise EmptyClassError(
            f"None of the sounds of {', '.join(map(repr, gone))} can be read; the first: "
            f"{unreadable[0].message}"
        )
    return left


def _options(request: TrainRequest, sounds: SoundStore) -> TrainOptions:
    return TrainOptions(
        sounds=sounds,
        work=request.work,
        seed=request.seed,
        epochs=request.epochs,
        device=request.device,
        init=request.init,
        init_folder=request.init_folder,
        freeze=request.freeze,
        augment=request.augment,
        resume=request.resume,
    )


@contextmanager
def _work_folder(work: Path, *, keep: bool) -> Iterator[None]:
    """Have `work` for ourselves, empty unless what is in it is to be gone on from.

    Raises
    ------
    TrainingRunningError
    """
    work.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(work.with_name(f".{work.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        # The system drops the lock when its holder dies, however that happens.
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise TrainingRunningError(
            f"{work.name} is being trained right now; wait for it, or choose another name."
        ) from error
    try:
        if not keep and work.exists():
            shutil.rmtree(work)
        work.mkdir(exist_ok=True)
        yield
    finally:
        os.close(lock)
