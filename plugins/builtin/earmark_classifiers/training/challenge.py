"""The bundled `cnn` and `rnn` classifiers: their data as a table, and their folders and cards made
of what ``earmark train`` installed.

Run as ``python -m earmark_classifiers.training.challenge table CORPUS TABLE`` before the training
and ``... bundle FOLDER VERSION DOCS`` after it.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earmark_classifiers.audioset.labels import read_labels
from earmark_classifiers.cnn import CnnClassifier
from earmark_classifiers.rnn import RnnClassifier
from earmark_classifiers.trained import Draft, TrainedFolder, read_trained, write_trained
from earmark_classifiers.training.cards import number, place_figures
from earmark_plugin_api import Label

DISPLAY_NAMES = {
    "Gunshot_or_gunfire": "Gunshot, gunfire",
    "Burping_or_eructation": "Burping, eructation",
    "Violin_or_fiddle": "Violin, fiddle",
}
"""Challenge classes whose AudioSet name differs by more than underscores."""

ONTOLOGY_ONLY = {"oboe": "/m/05kms"}
"""Challenge classes that AudioSet's ontology has, and its 527 labels have not."""

LICENCE = "Apache-2.0"

BUNDLED = {"cnn": CnnClassifier.bundled, "rnn": RnnClassifier.bundled}


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


def bundle(folder: Path, version: str, target: Path) -> TrainedFolder:
    """Copy a trained classifier to where its backend has the one that ships.

    Labels that AudioSet has get its ids, so that what is known about them holds.
    """
    trained = read_trained(folder)
    ids = {label.name.casefold(): label.id for label in read_labels()} | ONTOLOGY_ONLY
    known = trained.manifest
    draft = Draft(
        backend=trained.backend,
        labels=tuple(Label(ids[label.name.casefold()], label.name) for label in known.labels),
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
    if target.exists():
        shutil.rmtree(target)
    return write_trained(target, draft, name=trained.backend, version=version, licence=LICENCE)


def write_card(trained: TrainedFolder, docs: Path) -> None:
    """Write the figures of a bundled classifier, and put them into its page between the marks.

    Parameters
    ----------
    trained : TrainedFolder
    docs : Path
        Folder with ``<backend>.md``.
    """
    figures = json.dumps(trained.training, indent=1, ensure_ascii=False) + "\n"
    (docs / f"{trained.backend}-figures.json").write_text(figures, "utf-8")
    place_figures(docs / f"{trained.backend}.md", describe_figures(trained))


def describe_figures(trained: TrainedFolder) -> str:
    """Return the figures of a classifier as Markdown."""
    told, figures = trained.training, trained.training["figures"]
    few = ", ".join(figures["too_few_to_mean_anything"])
    rows = [
        ("clips learnt from", told["clips"]["train"]),
        ("validation clips", told["clips"]["validation"]),
        ("rounds, and the best of them", _rounds(told)),
        ("parameters", f"{told['parameters']:,}"),
        ("first label right", number(figures["accuracy"])),
        ("mean recall of the classes", number(figures["macro_recall"])),
        ("mean average precision", number(figures["mean_average_precision"])),
    ]
    if "calibration_error" in figures:
        rows.append(("calibration error (cross-fitted)", number(figures["calibration_error"])))
    classes = [
        f"| {name} | {told['classes'][name] - row['clips']} | {row['clips']} "
        f"| {number(row['recall'])} | {number(row['precision'])} |"
        for name, row in figures["classes"].items()
    ]
    return "\n".join(
        [
            "| measure | value |\n|---|---:|",
            *(f"| {name} | {value} |" for name, value in rows),
            "\n| class | clips learnt from | validation clips | recall | precision |",
            "|---|---:|---:|---:|---:|",
            *classes,
            f"\nFewer than five validation clips, so their own figures mean nothing: {few}.",
        ]
    )


def _rounds(told: Mapping[str, Any]) -> str:
    """Say how long it was trained, and if that is not what was planned."""
    done, best, recipe = told["epochs"], told["best_epoch"], told["recipe"]
    is_whole = done == recipe["epochs"] or done - best >= recipe["patience"]
    return f"{done}, {best}" if is_whole else f"{done} of {recipe['epochs']}, broken off; {best}"


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
    bundling.add_argument("folder", type=Path, help="where the trained classifier is")
    bundling.add_argument("version")
    bundling.add_argument("docs", type=Path, help="folder with its page")
    arguments = parser.parse_args()
    if arguments.command == "table":
        write_table(arguments.corpus, arguments.table)
    else:
        target = BUNDLED[read_trained(arguments.folder).backend]
        write_card(bundle(arguments.folder, arguments.version, target), arguments.docs)


if __name__ == "__main__":
    main()
