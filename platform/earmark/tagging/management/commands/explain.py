"""``earmark explain``: why a file has the tags it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from earmark.core.commands import EarmarkCommand
from earmark.core.database import ensure_migrated
from earmark.tagging.errors import FileUnknownError
from earmark.tagging.explaining import ExplainedTag, Explanation, explain
from earmark.tagging.knowledge import load_synonyms
from earmark.tagging.knowledge.rule_words import RULE_WORDS
from earmark_files.paths import display

EPILOG = """
examples:
  earmark explain door.wav
  earmark explain --synonyms ~/Sounds/Doors/*.wav
  earmark explain --json door.wav | jq '.tags[] | [.tag, .rule]'

exit status: 0 done, 1 Earmark does not know a file, 2 the command line is wrong
"""
_HEADINGS = {"accept": "written", "review": "waits for a person", "drop": "dropped"}


class Command(EarmarkCommand):
    """`earmark explain FILE... [--synonyms] [--json]`."""

    help = (
        "Show why files have their tags. What is written, what waits for a person and what was "
        "dropped, each with its reason; what people had said; what the file says now."
    )
    epilog = EPILOG

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("paths", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="one JSON object per file")
        parser.add_argument(
            "--synonyms", action="store_true", help="expand what people had said with synonyms"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain every file; one that is unknown stops nothing."""
        ensure_migrated()
        unknown = 0
        for path in options["paths"]:
            try:
                told = explain(path)
            except FileUnknownError as error:
                unknown += 1
                self.stderr.write(f"{display(path)}: {error} [{error.code}]")
                continue
            words = _expanded(told) if options["synonyms"] else {}
            if options["json"]:
                self.stdout.write(json.dumps(_as_json(told, words)))
            else:
                self.stdout.write("\n".join(_as_text(told, words)))
        if unknown:
            raise CommandError(f"Earmark does not know {unknown} of {len(options['paths'])} files.")


def _expanded(told: Explanation) -> dict[str, list[str]]:
    book = load_synonyms(Path(settings.DATA_DIR))
    if book is None:
        return {}
    words = {word: [one.text for one in book.expand(word)] for word in told.evidence.all_words}
    return {word: synonyms for word, synonyms in words.items() if synonyms}


def _as_json(told: Explanation, words: dict[str, list[str]]) -> dict[str, Any]:
    basis, tag_set, in_file = told.basis, told.tag_set, told.in_file
    return {
        "path": display(told.file.location),
        "basis": None
        if basis is None
        else {
            "classifiers": basis.classifiers,
            "heard": list(told.heard),
            "policy": basis.policy_id,
            "settings": told.policy.values if told.policy else None,
            "rules": basis.rules_version,
            "lexicon": basis.lexicon,
            "thesaurus": basis.thesaurus,
            "outdated": told.outdated,
        },
        "error": {"code": told.file.error_code, "message": told.file.error_message}
        if told.file.error_code
        else None,
        "tags": [_tag_as_json(tag) for tag in told.tags],
        "category": None
        if tag_set is None or not tag_set.catid
        else {
            "catid": tag_set.catid,
            "confidence": tag_set.catid_confidence,
            "runners_up": tag_set.catid_runners_up,
        },
        "said": told.evidence.as_dict(),
        "synonyms_of_said": words,
        "in_file": None
        if in_file is None
        else {"keywords": list(in_file.keywords), "own_keywords": list(in_file.own_keywords)},
        "unreadable": told.unreadable,
    }


def _tag_as_json(tag: ExplainedTag) -> dict[str, Any]:
    best = tag.why.best
    return {
        "tag": tag.name,
        "decision": tag.decision,
        "confidence": tag.confidence,
        "label": tag.label,
        "mid": tag.mid,
        "origin": tag.origin,
        "rule": tag.why.rule.value,
        "start": best.start,
        "end": best.end,
        "votes": tag.why.as_dict()["votes"],
        "said_by_person": tag.why.said,
        "contradicts": tag.why.against,
        "path": list(tag.why.path(tag.name)),
    }


def _as_text(told: Explanation, words: dict[str, list[str]]) -> Iterator[str]:
    yield display(told.file.location)
    yield from _basis_as_text(told)
    for decision, heading in _HEADINGS.items():
        tags = [tag for tag in told.tags if tag.decision == decision]
        if tags:
            yield f"  {heading}:"
        for tag in tags:
            against = f" ({tag.why.against!r})" if tag.why.against else ""
            said = ", spelt as a person did" if tag.why.said else ""
            yield f"    {tag.name}  {tag.confidence:.2f}  {RULE_WORDS[tag.why.rule]}{against}{said}"
            yield f"      {' <- '.join(tag.why.path(tag.name))}"
    if told.tag_set is not None and told.tag_set.catid:
        others = ", ".join(f"{c} {score:.2f}" for c, score in told.tag_set.catid_runners_up)
        then = f"; then {others}" if others else ""
        yield f"  UCS category: {told.tag_set.catid} {told.tag_set.catid_confidence or 0:.2f}{then}"
    for name, value in told.evidence.as_dict().items():
        text = ", ".join(value) if isinstance(value, list) else value
        yield f"  said in {name.replace('_', ' ')}: {text}"
    for word, synonyms in words.items():
        yield f"  synonyms of {word}: {', '.join(synonyms)}"
    if told.in_file is None:
        yield f"  the file cannot be read: {told.unreadable}"
    else:
        yield f"  keywords in the file: {', '.join(told.in_file.keywords) or 'none'}"
        yield f"  of these from Earmark: {', '.join(told.in_file.own_keywords) or 'none'}"


def _basis_as_text(told: Explanation) -> Iterator[str]:
    basis = told.basis
    if basis is None:
        why = told.file.error_message or "no tags were derived yet; `earmark tag` derives them."
        yield f"  no tags: {why}"
        return
    nobody = "classifiers that were not kept" if basis.policy_id is None else "no classifier yet"
    by = ", ".join(basis.classifiers) or nobody
    lexicon = basis.lexicon or "no WordNet"
    thesaurus = f", thesaurus {basis.thesaurus}" if basis.thesaurus else ""
    policy = basis.policy_id or "not kept"
    yield f"  by {by}; policy {policy}, rules {basis.rules_version}, {lexicon}{thesaurus}"
    unheard = [identity for identity in basis.classifiers if identity not in told.heard]
    if told.heard and unheard:
        yield f"  heard: {', '.join(told.heard)}; not: {', '.join(unheard)}"
    if told.policy is not None:
        yield (
            f"  written from {told.policy.accept:g}, for review from {told.policy.review:g}, "
            f"several classifiers by {told.policy.combine.value}"
        )
    if told.outdated:
        yield "  policy or words have changed since; `earmark policy apply` follows them"
