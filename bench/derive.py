"""How long do new tags take after a change of policy, with no sound heard again?

    python bench/derive.py [--files 20000] [--database postgresql://...] [--profile]

Makes so many files with stored AudioSet scores in a scratch database, derives their tags, changes
the policy so that many of them change, and applies it as ``earmark policy apply`` does. Printed
are files a second and what a million files would take; kept in ``bench/results/derive.md``.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from machine import describe_machine

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results" / "derive.md"
WANTED_S = 15 * 60
MILLION = 1_000_000
_CHUNK = 5000
_KEPT = 40


def fill(files: int) -> None:
    """Make a library of files that were classified: a few labels well above the rest."""
    from django.utils import timezone

    from earmark.classifiers.models import ClassifierVersion
    from earmark.jobs.models import PredictionSet
    from earmark.library.models import AudioFile, Library
    from earmark.library.paths import path_key
    from earmark.tagging.knowledge import load_ontology

    labels = [[node.id, node.name] for node in load_ontology().labels]
    ear = ClassifierVersion.objects.create(
        name="ear", version="1.0.0", labels=labels, sample_rate=32000, calibrated=True
    )
    library = Library.objects.create(name="bench", root="/bench", root_key=path_key("/bench"))
    rng, now = np.random.default_rng(0), timezone.now()
    for start in range(0, files, _CHUNK):
        numbers = range(start, min(start + _CHUNK, files))
        AudioFile.objects.bulk_create(
            AudioFile(
                library=library,
                path=f"folder {number % 97}/Sound {number}.wav",
                path_key=path_key(f"{number}"),
                size=1,
                mtime_ns=1,
                audio_hash=f"bench:{number}",
                first_seen_at=now,
                last_seen_at=now,
            )
            for number in numbers
        )
        PredictionSet.objects.bulk_create(
            PredictionSet(classifier=ear, audio_hash=f"bench:{number}", scores=_scores(rng))
            for number in numbers
        )


def _scores(rng: np.random.Generator) -> list[list[float]]:
    """Scores as `pack_scores` keeps them: some four above 0.1, the rest a long tail."""
    values = np.sort(rng.beta(0.25, 6.0, _KEPT))[::-1]
    values[: rng.integers(1, 4)] += rng.uniform(0.1, 0.6)
    positions = rng.choice(527, _KEPT, replace=False)
    ranked = np.sort(np.clip(values, 0.0, 1.0))[::-1]
    return [
        [int(position), round(float(value), 5), 2.0, 3.0]
        for position, value in zip(positions, ranked, strict=True)
        if value >= 0.02
    ]


def derive_first() -> Iterator[int]:
    """Derive what has no tags yet, as the first `tag` does."""
    from earmark.classifiers.models import ClassifierVersion
    from earmark.library.models import AudioFile, Library
    from earmark.tagging.rules import rules_for
    from earmark.tagging.services import derive_file_tags

    rules = rules_for(Library.objects.get(), [ClassifierVersion.objects.get()])
    last = 0
    while batch := list(AudioFile.objects.filter(pk__gt=last).order_by("pk")[:500]):
        derive_file_tags(files=batch, rules=rules)
        last = batch[-1].pk
        yield len(batch)


def apply_policy() -> Iterator[int]:
    """Change the policy for all files, and derive anew what was derived."""
    from earmark.library.models import Library
    from earmark.tagging.knowledge import TagPolicy
    from earmark.tagging.services import plan_rederivation, set_policy

    set_policy(policy=TagPolicy(accept=0.4, synonyms_per_label=3))
    for plan in plan_rederivation(library=Library.objects.get()):
        yield from plan.work()


def measure(name: str, work: Callable[[], Iterator[int]], *, profile: bool) -> str:
    """Run a step and return its row of the table."""
    profiler = cProfile.Profile() if profile else None
    began = time.perf_counter()
    if profiler is not None:
        profiler.enable()
    files = sum(work())
    if profiler is not None:
        profiler.disable()
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    seconds = time.perf_counter() - began
    rate = files / seconds
    minutes = MILLION / rate / 60
    row = f"| {name} | {files:,} | {seconds:.1f} | {rate:,.0f} | {minutes:.1f} |"
    print(row)
    return row


def main() -> None:
    """Measure, print and keep the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--database", help="an empty PostgreSQL database; default: SQLite")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        wordnet = REPOSITORY / "var" / "nltk_data"
        if wordnet.exists():
            (Path(scratch) / "nltk_data").symlink_to(wordnet)
        os.environ["EARMARK_DATA_DIR"] = scratch
        os.environ["DJANGO_SETTINGS_MODULE"] = "earmark.settings.single"
        if options.database:
            os.environ["EARMARK_DATABASE_URL"] = options.database
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        fill(options.files)
        steps = {"first tags": derive_first, "policy apply": apply_policy}
        rows = [measure(name, work, profile=options.profile) for name, work in steps.items()]
    if not options.profile:
        keep(rows, "PostgreSQL" if options.database else "SQLite")


def keep(rows: list[str], database: str) -> None:
    """Write the table, beside that of the other kind of database."""
    head = f"## {database}\n"
    known = RESULTS.read_text("utf-8").split("\n## ")[1:] if RESULTS.exists() else []
    others = [f"## {part.rstrip()}\n" for part in known if not part.startswith(database)]
    heading = "| step | files | seconds | files/s | 1 million files, minutes |"
    own = "\n".join([head, describe_machine(), "", heading, "|---|---:|---:|---:|---:|", *rows])
    title = (
        f"# Tags from stored scores\n\nWanted: a million files within {WANTED_S // 60} minutes.\n"
    )
    RESULTS.write_text("\n".join([title, *sorted([*others, own + "\n"])]), "utf-8")


if __name__ == "__main__":
    main()
