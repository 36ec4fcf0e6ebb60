"""Do the tags name what is in a file, and does a search for it find the file?

    python bench/tags.py [CORPUS] [--classifier NAME]

Scores the validation clips of the training corpus as if they were called ``Track 01.wav``, makes
tags of the scores, and compares them with the words of the names people had given the files.
The scores are kept, so that a second run takes seconds. Written are ``bench/results/tags.md``
and, for the bundled classifier, the table in the README. Without the corpus it says so and ends.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from clip_scores import ScoredClips, score_clips
from machine import describe_machine
from word_search import Term, Terms, count_hits, judge_tags

from earmark.tagging.knowledge import (
    NO_SYNONYMS,
    DerivedTag,
    Parents,
    SynonymSource,
    TagPolicy,
    categorize,
    derive_tags,
    load_ontology,
    load_synonyms,
    search_terms,
    tag_name,
)
from earmark.tagging.knowledge.tags import Decision
from earmark_plugin_api import top_predictions

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results" / "tags.md"
README = REPOSITORY / "README.md"
CORPUS = REPOSITORY.parent / "shared" / "corpus"
DATA = Path(os.environ.get("EARMARK_DATA_DIR", REPOSITORY / "var"))
BUNDLED = "audioset"
MARKS = ("<!-- search hits: written by bench/tags.py -->", "<!-- end of search hits -->")
MOST_LABELS = 64
"""So many scores of a file are kept by the platform."""

Variant = tuple[str, Terms]


class Variants:
    """The ways to make words of the scores, each adding to the one before."""

    def __init__(self, clips: ScoredClips, synonyms: SynonymSource) -> None:
        labels = clips.manifest.labels
        self._predictions = [top_predictions(labels, row, MOST_LABELS) for row in clips.scores]
        self._identity = clips.manifest.identity
        self._synonyms = synonyms

    def labels(self) -> Terms:
        """Every label that reaches the threshold, whatever the ontology says."""
        threshold = TagPolicy().accept
        return [
            [Term(tag_name(p.label.name), p.label.id) for p in own if p.score >= threshold]
            for own in self._predictions
        ]

    def tags(self, synonyms: int, parents: Parents = TagPolicy.parents) -> Terms:
        """What the rules make of the scores, with so many synonyms a label."""
        return [_terms(tags) for tags in self._derived(synonyms, parents)]

    def file(self, synonyms: int) -> Terms:
        """What is in the file: tags, synonyms, and the words of its UCS category."""
        derived = self._derived(synonyms, TagPolicy.parents)
        return [[*_terms(tags), *_category(tags)] for tags in derived]

    def searched(self, synonyms: int) -> Terms:
        """What a search within Earmark looks at: all that, and everything above the tags."""
        found = []
        for tags in self._derived(synonyms, TagPolicy.parents):
            terms = [Term(text, _id_of(text)) for text in search_terms(tags)]
            found.append([*terms, *_category(tags)])
        return found

    def _derived(self, synonyms: int, parents: Parents) -> list[list[DerivedTag]]:
        policy = TagPolicy(synonyms_per_label=synonyms, parents=parents)
        source = self._synonyms if synonyms else NO_SYNONYMS
        return [
            derive_tags(own, policy, classifier=self._identity, synonyms=source)
            for own in self._predictions
        ]


def _terms(tags: Sequence[DerivedTag]) -> list[Term]:
    # A parent carries the label it stands above: its own name says more.
    accepted = (tag for tag in tags if tag.decision is Decision.ACCEPT)
    return [Term(tag.name, _id_of(tag.name) or tag.label_id) for tag in accepted]


def _category(tags: Sequence[DerivedTag]) -> list[Term]:
    found = categorize(tags)
    return [Term(f"{found.category} {found.subcategory}", "")] if found else []


def _id_of(text: str) -> str:
    node = load_ontology().find(text)
    return node.id if node else ""


def quality_table(names: Sequence[str], variants: Sequence[Variant]) -> list[str]:
    """Return the Markdown table of precision and recall."""
    rows = ["| words | a file | precision | recall |", "|---|---:|---:|---:|"]
    for title, terms in variants:
        told = judge_tags(names, terms)
        rows.append(f"| {title} | {told.per_file:.1f} | {told.precision:.3f} | {told.recall:.3f} |")
    return rows


def search_table(names: Sequence[str], variants: Sequence[Variant]) -> list[str]:
    """Return the Markdown table of searches."""
    rows = [
        "| what a search looks at | words of their names that find files | of those, words for a "
        "sound AudioSet has | of the files brought up, named so |",
        "|---|---:|---:|---:|",
    ]
    for title, terms in variants:
        hits = count_hits(names, terms)
        precision = f"{hits.precision:.0%}" if hits.found else ""
        rows.append(
            f"| {title} | {_share(hits.found, hits.searches)} | "
            f"{_share(hits.sounds_found, hits.sounds)} | {precision} |"
        )
    return rows


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.0%})"


def make_tables(clips: ScoredClips, synonyms: SynonymSource) -> dict[str, list[str]]:
    """Return the tables by their headings; the first is the README's."""
    make, usual = Variants(clips, synonyms), TagPolicy.synonyms_per_label
    untagged: Terms = [[] for _ in clips.names]  # "Track 17.wav" names no sound
    searches: list[Variant] = [
        ("files called `Track 17.wav`", untagged),
        ("their tags", make.tags(0)),
        ("tags and synonyms", make.tags(usual)),
        ("tags, synonyms and UCS category: all that is in the file", make.file(usual)),
        ("and everything above them: a search in Earmark", make.searched(usual)),
    ]
    ontology: list[Variant] = [("every label from the threshold on", make.labels())]
    ontology += [(f"tags, parents: {p.value}", make.tags(0, p)) for p in Parents]
    ontology.append((f"tags with {usual} synonyms", make.tags(usual)))
    amounts: list[Variant] = [(f"{n} a label at most", make.tags(n)) for n in (0, 1, 2, 3, 5)]
    return {
        "Searches for the words of the files' own names": search_table(clips.names, searches),
        "Precision and recall, with and without ontology": quality_table(clips.names, ontology),
        "Searches, with and without ontology": search_table(clips.names, ontology),
        "Searches, by number of synonyms": search_table(clips.names, amounts),
    }


def results_page(clips: ScoredClips, tables: dict[str, list[str]], command: str) -> str:
    """Return the results file."""
    lines = [
        f"# Do tags name what is in a file? {clips.manifest.identity}",
        "",
        describe_machine(),
        f"- command: `{command}`",
        f"- files: {len(clips.names):,} validation clips of the training corpus, open recordings "
        "the network was not trained on",
        f"- threshold {TagPolicy().accept}",
        "",
        "Truth are the words of the names people had given the files. A name tells one sound of "
        "many and never all, and many words of names are no sounds (kitchen, attack, long): every "
        "share is a lower bound. A search asks for a word of a name that UCS or AudioSet know, "
        "plural or not. Precision and recall count the clips whose name says a label: a tag is "
        "right if the name says it, a kind of it, or what it is a kind of.",
    ]
    for heading, rows in tables.items():
        lines += ["", f"## {heading}", "", *rows]
    return "\n".join(lines) + "\n"


def put_into(readme: str, rows: Sequence[str]) -> str:
    """Return the README with the table between its marks."""
    before, opening, rest = readme.partition(MARKS[0])
    _, closing, after = rest.partition(MARKS[1])
    if not (opening and closing):
        raise SystemExit("README.md has lost the marks between which the table stands")
    return "\n".join((before + opening, *rows, closing + after))


def main() -> None:
    """Measure, print, keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", nargs="?", type=Path, default=CORPUS)
    parser.add_argument("--classifier", default=BUNDLED, metavar="NAME")
    options = parser.parse_args()
    if not (options.corpus / "manifest.csv").exists():
        print(
            f"no corpus at {options.corpus}: the tables in bench/results/tags.md stay as they are"
        )
        return
    synonyms = load_synonyms(DATA)
    if synonyms is None:
        raise SystemExit("synonyms are part of what is measured: make wordnet")
    clips = score_clips(options.corpus, DATA / "bench" / "tags", options.classifier)
    tables = make_tables(clips, synonyms)
    page = results_page(clips, tables, f"python bench/tags.py --classifier {options.classifier}")
    print(page)
    if options.classifier == BUNDLED:
        RESULTS.write_text(page, "utf-8")
        rows = next(iter(tables.values()))
        README.write_text(put_into(README.read_text("utf-8"), rows), "utf-8")


if __name__ == "__main__":
    main()
