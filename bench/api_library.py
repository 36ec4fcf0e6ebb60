"""A large library for the benchmark of the API: rows as a scan and a classifier would leave them.

Names are made of the words of UCS, tags of AudioSet's labels with the words above them, synonyms
and categories that Earmark gives them. Labels are as frequent as in real libraries: the n-th
most frequent one 1/n times as frequent as the first.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db import connection, models
from django.utils import timezone

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile, Library
from earmark.library.paths import folder_key, path_key
from earmark.tagging.knowledge.ontology import OntologyNode, load_ontology
from earmark.tagging.knowledge.ucs import category_of, load_ucs
from earmark.tagging.models import PolicyVersion, Tag, TagBasis, TagSet
from earmark_plugin_api import Label

TAGS_EACH = 5
EMBEDDING = 256
DOUBTED = 10
"""Of every so many-th file some tags wait for a person."""

_AT_ONCE = 2000
_FILLERS = ("close", "distant", "heavy", "light", "loop", "single", "interior", "exterior", "night")


@dataclass(frozen=True)
class Kind:
    """A label with everything that follows from it."""

    label: Label
    tag: str
    other_names: tuple[str, ...]
    above: tuple[str, ...]
    catid: str


class Sounds:
    """Draws files; equal seeds, equal files."""

    def __init__(self, seed: int = 7) -> None:
        self.random = random.Random(seed)
        ontology = load_ontology()
        nodes = [node for node in ontology.nodes if node.index is not None]
        self.random.shuffle(nodes)
        self.kinds = [self._kind(node) for node in nodes]
        self.weights = [1 / (rank + 2) for rank in range(len(nodes))]
        self.ucs = load_ucs()
        generator = np.random.default_rng(seed)
        self.centres = generator.normal(size=(len(nodes), EMBEDDING)).astype(np.float32)
        self.generator = generator

    def _kind(self, node: OntologyNode) -> Kind:
        ontology = load_ontology()
        above = [ontology.get(one) for one in ontology.ancestors(node.id)]
        label = Label(node.id, node.name)
        found = category_of(label)
        return Kind(
            label,
            node.tag,
            node.other_names,
            tuple(one.tag for one in above if one is not None),
            found.catid if found else "",
        )

    def draw(self, number: int) -> list[int]:
        """Return so many kinds, by their frequency; some may come twice."""
        return self.random.choices(range(len(self.kinds)), self.weights, k=number)

    def path_of(self, kind: Kind, number: int) -> str:
        """Return a name as libraries have them."""
        line = self.ucs.get(kind.catid)
        words = list(line.words) if line else []
        some = self.random.sample(words, min(2, len(words)))
        name = " ".join([kind.tag, *some, self.random.choice(_FILLERS)]).title()
        pack = f"Pack {number // 2000:04}"
        if line is None:
            return f"{pack}/{kind.above[0] if kind.above else 'Misc'}/{name} {number % 100:02}.wav"
        folder = f"{line.category.title()}/{line.subcategory.title()}"
        return f"{pack}/{folder}/{kind.catid}_{name} {number % 100:02}_EARM_BENCH.wav"

    def embedding_of(self, kind: int) -> bytes:
        """Return an embedding near those of the same label."""
        vector = self.centres[kind] + 0.7 * self.generator.normal(size=EMBEDDING)
        return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


def make_library(files: int, *, libraries: int = 5, with_embeddings: int = 10) -> None:
    """Fill the database; every `with_embeddings`-th file has an embedding."""
    sounds = Sounds()
    now = timezone.now()
    owners = [
        Library.objects.create(name=f"Bench {n}", root=f"/bench/{n}", root_key=path_key(f"/b/{n}"))
        for n in range(libraries)
    ]
    labels = [[kind.label.id, kind.label.name] for kind in sounds.kinds]
    classifier = ClassifierVersion.objects.create(
        name="audioset",
        version="bench",
        labels=labels,
        sample_rate=32000,
        embedding_size=EMBEDDING,
        calibrated=True,
    )
    policy = PolicyVersion.objects.create(key="bench", values={})
    basis = TagBasis.objects.create(
        key="bench", classifiers=["audioset@bench"], policy=policy, rules_version=1
    )
    each = max(files // libraries, 1)
    for start in range(0, files, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, files))
        drawn = [sounds.draw(3) for _ in numbers]
        _load(
            AudioFile,
            (
                _file(sounds, number, kinds, owners[min(number // each, libraries - 1)], now)
                for number, kinds in zip(numbers, drawn, strict=True)
            ),
        )
        tags = [
            _tags(sounds, number, kinds, now) for number, kinds in zip(numbers, drawn, strict=True)
        ]
        _load(Tag, (tag for own in tags for tag in own))
        _load(
            TagSet,
            (
                _tag_set(sounds, number, kinds, own, basis, now)
                for number, kinds, own in zip(numbers, drawn, tags, strict=True)
            ),
        )
        _load(
            PredictionSet,
            (
                _predictions(sounds, number, kinds, classifier, now)
                for number, kinds in zip(numbers, drawn, strict=True)
                if number % with_embeddings == 0
            ),
        )


def _audio_hash(number: int) -> str:
    return f"bench:{hashlib.md5(str(number).encode()).hexdigest()}"


def _file(
    sounds: Sounds, number: int, kinds: Sequence[int], library: Library, now: object
) -> dict[str, Any]:
    path = sounds.path_of(sounds.kinds[kinds[0]], number)
    path = f"{path[:-4]} {number}.wav"
    choose = sounds.random
    return {
        "id": number + 1,
        "library_id": library.pk,
        "path": path,
        "path_key": path_key(path),
        "folder_key": folder_key(path),
        "size": 1_000_000,
        "mtime_ns": 1_700_000_000_000_000_000 + number * 7_919_000_000 % 10**17,
        "audio_hash": _audio_hash(number),
        "duration": round(choose.expovariate(0.05), 2),
        "sample_rate": choose.choice((44100, 48000, 48000, 96000)),
        "channels": choose.choice((1, 2, 2, 2, 6)),
        "container": choose.choice(("wav", "wav", "wav", "flac", "aiff")),
        "codec": "pcm_s24le",
        "first_seen_at": now,
        "last_seen_at": now,
        "identified_at": now,
    }


def _tags(sounds: Sounds, number: int, kinds: Sequence[int], now: object) -> list[dict[str, Any]]:
    words: dict[str, tuple[Kind, str]] = {}
    for index in kinds:
        kind = sounds.kinds[index]
        words.setdefault(kind.tag, (kind, "classifier"))
        for name in (*kind.other_names, *kind.above[:1]):
            words.setdefault(name, (kind, "synonym" if name in kind.other_names else "ontology"))
    return [
        _tag(number, name, kind, origin, round(sounds.random.uniform(0.3, 1), 4), now)
        for name, (kind, origin) in islice(words.items(), TAGS_EACH)
    ]


def _tag(
    number: int, name: str, kind: Kind, origin: str, confidence: float, now: object
) -> dict[str, Any]:
    """Return the row of a tag; of some files those that a classifier is not sure of wait."""
    doubted = number % DOUBTED == 0 and origin == "classifier" and confidence < 0.5
    rule = "between-review-and-accept" if doubted else "threshold"
    return {
        "file_id": number + 1,
        "name": name,
        "confidence": confidence,
        "decision": "review" if doubted else "accept",
        "label": kind.label.name,
        "mid": kind.label.id,
        "origin": origin,
        "why": {"rule": rule, "via": [], "votes": [["audioset@bench", confidence, 0, 1]]},
        "created_at": now,
    }


def _tag_set(
    sounds: Sounds,
    number: int,
    kinds: Sequence[int],
    tags: Iterable[dict[str, Any]],
    basis: TagBasis,
    now: object,
) -> dict[str, Any]:
    words = dict.fromkeys(tag["name"] for tag in tags)
    for index in kinds:
        words |= dict.fromkeys(sounds.kinds[index].above)
    return {
        "file_id": number + 1,
        "basis_id": basis.pk,
        "audio_hash": _audio_hash(number),
        "tags_key": "bench",
        "search_words": "\n".join(words),
        "catid": sounds.kinds[kinds[0]].catid,
        "catid_confidence": 0.8,
        "created_at": now,
    }


def _predictions(
    sounds: Sounds,
    number: int,
    kinds: Sequence[int],
    classifier: ClassifierVersion,
    now: object,
) -> dict[str, Any]:
    return {
        "classifier_id": classifier.pk,
        "audio_hash": _audio_hash(number),
        "scores": [[index, 0.8, 0.0, 1.0] for index in kinds],
        "embedding": sounds.embedding_of(kinds[0]),
        "created_at": now,
    }


def _load(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """Write rows the fastest way the database has; columns not given take the model's defaults."""
    rows = list(rows)
    if not rows:
        return
    fields = [
        field
        for field in model._meta.concrete_fields
        if not (field.primary_key and field.attname not in rows[0])
    ]
    columns = [field.column for field in fields]
    lines = ([_value(field, row) for field in fields] for row in rows)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            sql = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
            with cursor.copy(sql) as copy:
                for line in lines:
                    copy.write_row(line)
    else:
        marks = ", ".join(["%s"] * len(columns))
        sql = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({marks})"
        with connection.cursor() as cursor:
            cursor.executemany(sql, list(lines))


def _value(field: models.Field[Any, Any], row: dict[str, Any]) -> Any:
    value = row[field.attname] if field.attname in row else field.get_default()
    if isinstance(field, models.JSONField):
        return None if value is None else json.dumps(value)
    if isinstance(value, models.enums.Choices):
        return value.value
    if isinstance(field, models.DateTimeField) and value is not None:
        return value if connection.vendor == "postgresql" else value.replace(tzinfo=None)
    return value


def questions(sounds: Sounds, number: int) -> Iterator[tuple[str, str]]:
    """Yield one word and three words of so many files, as people would search for them."""
    for _ in range(number):
        kind = sounds.kinds[sounds.draw(1)[0]]
        line = sounds.ucs.get(kind.catid)
        words = [*kind.tag.split(), *(line.words if line else ())]
        three = [kind.tag.split()[0], *sounds.random.sample(words, min(2, len(words)))]
        yield kind.tag.split()[0], " ".join(three)
