"""``earmark train``: make a classifier of one's own sounds."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from rich.console import Console

from earmark.classifiers.errors import ClassifierUnavailableError
from earmark.classifiers.installed import next_version
from earmark.classifiers.registry import get_plugin, list_plugins
from earmark.classifiers.services import require_classifier
from earmark.core.arguments import count, positive, share
from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark_classifiers.trained import TrainedFolder, require_name
from earmark_classifiers.training.augment import AUGMENTATIONS, UnknownAugmentationError
from earmark_classifiers.training.errors import (
    BadTableError,
    DataNotFoundError,
    NameTakenError,
    StartError,
    TrainingError,
)
from earmark_classifiers.training.session import TrainRequest, train_classifier
from earmark_classifiers.training.sounds import Unreadable
from earmark_classifiers.training.trainers import (
    TRAINERS,
    UnknownBackendError,
    UnsupportedOptionError,
)
from earmark_files.paths import display
from earmark_plugin_api import ClassifierError, DeviceUnavailableError, InvalidManifestError
from earmark_workers.report.training import TrainingLine

USAGE = 2
WRONG_COMMAND_LINE = (
    BadTableError,
    ClassifierUnavailableError,
    DataNotFoundError,
    DeviceUnavailableError,
    InvalidManifestError,
    NameTakenError,
    StartError,
    UnknownAugmentationError,
    UnknownBackendError,
    UnsupportedOptionError,
)
EPILOG = f"""
examples:
  earmark train embedding-linear --data ~/Doors --name doors   one folder a class below ~/Doors
  earmark train cnn --data labels.csv --name doors --epochs 30
  earmark train cnn --data ~/Doors --name doors --init audioset --freeze 12
  earmark train cnn --data ~/Doors --name doors --augment time-shift,noise
  earmark train cnn --data ~/Doors --name doors --resume        go on after a crash or Ctrl-C
  earmark tag --classifier doors ~/Sounds

backends: {", ".join(sorted(TRAINERS))}
augmentations: {", ".join(AUGMENTATIONS)}

A CSV file has a header and the columns path (relative to it) and label; if wanted, split (train
or val) and group (recordings of which nothing may be on both sides). Training a name again makes
its next version; the older ones stay on disk.

exit status:
  0  the classifier is installed
  1  the training failed; nothing was installed
  2  the command line is wrong, or it names something that does not exist
  130  stopped by Ctrl-C; --resume goes on after the last whole epoch
"""


class Command(EarmarkCommand):
    """Trains and installs a classifier."""

    help = "Make a classifier of your own sounds and install it."
    epilog = EPILOG
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("backend", metavar="BACKEND", help="what kind of classifier")
        parser.add_argument(
            "--data", type=Path, required=True, help="folder with a folder a class, or a CSV file"
        )
        parser.add_argument(
            "--name", required=True, help="of the new classifier, such as door-sounds"
        )
        parser.add_argument(
            "--init",
            metavar="START",
            help="start from a trained network: audioset, or BACKEND:NAME of a classifier",
        )
        parser.add_argument(
            "--freeze",
            type=count,
            default=0,
            metavar="N",
            help="keep the first N layers of it as they are",
        )
        parser.add_argument("--epochs", type=positive, metavar="N", help="rounds at most")
        parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, cuda:1")
        parser.add_argument("--seed", type=count, default=0, metavar="N", help="default: 0")
        parser.add_argument(
            "--resume", action="store_true", help="go on with an unfinished training of this name"
        )
        augment = parser.add_mutually_exclusive_group()
        augment.add_argument(
            "--augment", type=_names, metavar="A,B", help="only these augmentations"
        )
        augment.add_argument("--no-augment", dest="augment", action="store_const", const=())
        parser.add_argument(
            "--validation",
            type=_proper_share,
            default=0.2,
            metavar="P",
            help="share of each class to try it on (default: 0.2)",
        )
        parser.add_argument(
            "--licence",
            default="LicenseRef-own",
            metavar="SPDX",
            help="of the new weights (default: %(default)s)",
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object on standard output at the end"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Train, install, and say how good it is."""
        console = Console(file=sys.stderr, soft_wrap=True)
        try:
            request = _request(options)
            with TrainingLine(console) as line:
                trained = train_classifier(
                    request, line.show, lambda file: _tell_unreadable(console, file)
                )
            ensure_migrated()
            require_classifier(name=trained.manifest.name)
        except WRONG_COMMAND_LINE as error:
            raise CommandError(f"{error.code}: {error}", returncode=USAGE) from error
        except (TrainingError, ClassifierError) as error:
            raise CommandError(f"{error.code}: {error}") from error
        except KeyboardInterrupt:
            console.print("stopped; --resume goes on after the last whole epoch")
            sys.exit(130)
        self.stdout.write(
            json.dumps(_report(trained), ensure_ascii=False)
            if options["json"]
            else _sentences(trained)
        )


def _request(options: dict[str, Any]) -> TrainRequest:
    """Check what can be checked before anything is read."""
    name = options["name"]
    require_name(name)  # it becomes a part of paths
    if any(plugin.name == name and not plugin.folder for plugin in list_plugins()):
        raise NameTakenError(
            f"{name!r} is the name of a classifier that comes with a package; choose another."
        )
    if options["freeze"] and not options["init"]:
        raise StartError("--freeze keeps layers of what --init names; give both.")
    folder = Path(settings.EARMARK_CLASSIFIERS_DIR) / name
    version = next_version(folder)
    return TrainRequest(
        backend=options["backend"],
        data=options["data"],
        name=name,
        version=version,
        target=folder / version,
        work=Path(settings.EARMARK_TRAINING_DIR) / name,
        licence=options["licence"],
        validation=options["validation"],
        seed=options["seed"],
        epochs=options["epochs"],
        device=options["device"],
        init=options["init"],
        init_folder=_init_folder(options["init"]),
        freeze=options["freeze"],
        augment=options["augment"],
        resume=options["resume"],
    )


def _init_folder(init: str | None) -> Path | None:
    """Find the folder of ``BACKEND:NAME``; None for networks that ship."""
    if init is None or ":" not in init:
        return None
    plugin = get_plugin(init.partition(":")[2])
    return Path(plugin.folder) if plugin.folder else None


def _tell_unreadable(console: Console, file: Unreadable) -> None:
    console.print(
        f"left out: {display(str(file.path))}: {file.code}: {file.message}",
        markup=False,
        highlight=False,
    )


def _report(trained: TrainedFolder) -> dict[str, Any]:
    return {
        "name": trained.manifest.name,
        "version": trained.manifest.version,
        "backend": trained.backend,
        "folder": display(str(trained.path)),
        "labels": [label.name for label in trained.manifest.labels],
        "calibrated": trained.manifest.calibrated,
        "unreadable": trained.training["unreadable"],
        "figures": trained.training["figures"],
    }


def _sentences(trained: TrainedFolder) -> str:
    figures = trained.training["figures"]
    lines = [
        f"{trained.manifest.identity} is installed: {len(trained.manifest.labels)} classes, "
        f"{figures['accuracy']:.0%} of the validation clips right, mean recall of the classes "
        f"{figures['macro_recall']:.0%}.",
    ]
    few = figures.get("too_few_to_mean_anything", [])
    if few:
        lines.append(f"Too few validation clips to say anything about: {', '.join(few)}.")
    lines.append(f"Use it: earmark tag --classifier {trained.manifest.name} FOLDER")
    return "\n".join(lines)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _proper_share(text: str) -> float:
    """Read a share that leaves something over to train on."""
    value = share(text)
    if value == 1.0:
        raise ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value
