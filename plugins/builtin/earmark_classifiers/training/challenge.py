"""The bundled `cnn` and `rnn` classifiers: their data as a table, and their folders made of what
``earmark train`` installed.

Run as ``python -m earmark_classifiers.training.challenge table CORPUS TABLE`` before and
``... bundle FOLDER PACKAGE VERSION`` after the training.
"""

from __future__ import annotations

import argparse
import csv
import shutil
from pathlib import Path

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.trained import Draft, read_trained, write_trained
from earmark_plugin_api import Label

DISPLAY_NAMES = {
    "Gunshot_or_gunfire": "Gunshot, gunfire",
    "Burping_or_eructation": "Burping, eructation",
    "Violin_or_fiddle": "Violin, fiddle",
}
"""Challenge classes whose AudioSet name differs by more than underscores."""

LICENCE = "Apache-2.0"


def write_table(corpus: Path, table: Path) -> None:
    """Write path, label, split and group of each clip with a label of the challenge.

    A class whose clips are all kept for validation is left out: there is nothing to learn it from.

    Parameters
    ----------
    corpus : Path
        Folder with ``labels41.csv``, ``manifest.csv`` and the clips that it names.
    table : Path
        CSV file for ``earmark train --data``; anywhere.
    """
    with (corpus / "manifest.csv").open(newline="") as file:
        manifest = {row["clip_id"]: row for row in csv.DictReader(file)}
    with (corpus / "labels41.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    learnable = {row["label"] for row in rows if row["split"] == "train"}
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split", "group"])
        for row in rows:
            if row["label"] in learnable:
                clip = manifest[row["clip_id"]]
                name = DISPLAY_NAMES.get(row["label"], row["label"].replace("_", " "))
                group = f"{clip['source_repo']}/{clip['source_path']}"
                path = (corpus / clip["path"]).absolute()
                writer.writerow([path, name, row["split"], group])


def bundle(folder: Path, package: Path, version: str) -> None:
    """Copy a trained classifier into the package of its backend, as the one that ships.

    Labels that AudioSet has get its ids, so that what is known about them holds.
    """
    trained = read_trained(folder)
    ids = {label.name.casefold(): label.id for label in read_labels()}
    names = [label.name for label in trained.manifest.labels]
    known = trained.manifest
    draft = Draft(
        backend=trained.backend,
        labels=tuple(Label(ids.get(name.casefold(), f"challenge/{name}"), name) for name in names),
        sample_rate=known.sample_rate,
        window=known.window,
        description=known.description,
        files={name: trained.read_file(name) for name in trained.files},
        settings=trained.settings,
        training=_without_paths(dict(trained.training)),
        calibrated=known.calibrated,
        embedding_size=known.embedding_size,
        devices=known.devices,
        memory_mb=known.memory_mb,
    )
    target = package / "bundled"
    if target.exists():
        shutil.rmtree(target)
    write_trained(target, draft, name=trained.backend, version=version, licence=LICENCE)


def _without_paths(training: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in training.items() if name not in {"source", "unreadable"}}


def main() -> None:
    """Make the table, or bundle what was trained with it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("table")
    table.add_argument("corpus", type=Path)
    table.add_argument("table", type=Path)
    bundling = commands.add_parser("bundle")
    bundling.add_argument("folder", type=Path)
    bundling.add_argument("package", type=Path)
    bundling.add_argument("version")
    arguments = parser.parse_args()
    if arguments.command == "table":
        write_table(arguments.corpus, arguments.table)
    else:
        bundle(arguments.folder, arguments.package, arguments.version)


if __name__ == "__main__":
    main()
