"""Decide, for every slot of a file, what it shall say: pure functions over texts.

Earmark's own values are told from other people's by the provenance record. A value that somebody
else wrote is never counted as ours, even when ours is the same: the record lists such slots.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from earmark_files.metadata.document import Slot, is_skipped
from earmark_files.metadata.policy import Mode, Policy
from earmark_files.metadata.tags import (
    FIELDS,
    KEYWORD_SEPARATOR,
    PROVENANCE,
    UCS_FIELDS,
    Provenance,
    TagSet,
)

NO_PLACE = "no_place"
"""Reason of a `Skip`: this kind of file has no slot for the field, so `slot` is empty."""

_BREAK = re.compile(r"([,;])")


@dataclass(frozen=True)
class Skip:
    """A slot, or a field without one, that was passed over, and why."""

    field: str
    slot: str
    value: str
    reason: str


@dataclass(frozen=True)
class Decision:
    """What to write: texts by slot ("" removes), and the slots passed over."""

    changes: Mapping[str, str]
    skips: tuple[Skip, ...]


def split_keywords(text: str) -> list[str]:
    """Return the keywords in a text, separated by commas or semicolons."""
    return [word for part in text.replace(";", ",").split(",") if (word := " ".join(part.split()))]


@lru_cache(maxsize=64)
def folded_keywords(text: str) -> frozenset[str]:
    """Return the keywords in a text for comparison; remembered, as each text is asked often."""
    return frozenset(word.casefold() for word in split_keywords(text))


def edit_keywords(text: str, remove: set[str], add: Sequence[str]) -> str:
    """Take words out of a keyword text and add others, keeping the rest as it is written.

    Parameters
    ----------
    text : str
        Keywords separated by commas or semicolons.
    remove : set of str
        Case-folded words to take out.
    add : sequence of str
        Words to append unless they are there (ignoring case).
    """
    pieces = _BREAK.split(text)
    kept: list[str] = []
    for index in range(0, len(pieces), 2):
        word = " ".join(pieces[index].split()).casefold()
        if word and word in remove:
            continue
        if kept and index:
            kept.append(pieces[index - 1])
        kept.append(pieces[index] if kept else pieces[index].lstrip())
    result = "".join(kept).strip()
    present = folded_keywords(result)
    missing = [word for word in add if word.casefold() not in present]
    return KEYWORD_SEPARATOR.join([result, *missing] if result else missing)


class _Merger:
    """One decision over the slots of one file."""

    def __init__(
        self,
        slots: Sequence[Slot],
        values: Mapping[str, str],
        wanted: TagSet,
        policy: Policy,
        skipped: Mapping[str, str],
    ) -> None:
        self.slots = [s for s in slots if s.field != PROVENANCE]
        self.writable = {s.name for s in self.slots if not is_skipped(skipped, s.name)}
        self.of_field: dict[str, list[Slot]] = {name: [] for name in FIELDS}
        for slot in self.slots:
            self.of_field[slot.field].append(slot)
        self.values = values
        self.wanted = wanted
        self.policy = policy
        self.provenance = find_provenance(slots, values)
        self.own_keywords = {word.casefold() for word in self.provenance.values("keywords")}
        self.changes: dict[str, str] = {}
        self.skips: list[Skip] = []

    def is_own(self, slot: Slot, value: str) -> bool:
        """Whether Earmark wrote `value` into this slot."""
        if value in self.provenance.foreign.get(slot.name, ()):
            return False
        return any(value == slot.encode(own) for own in self.provenance.values(slot.field))

    def disagrees(self, slot: Slot, *, own_counts: bool) -> bool:
        """Whether the slot holds something else than what is wanted, and that counts."""
        value = self.values.get(slot.name, "")
        if not value or not slot.defining:
            return False
        if value.casefold() == slot.encode(self.wanted.get(slot.field)).casefold():
            return False
        return own_counts or not self.is_own(slot, value)

    def decide_text(self, name: str) -> None:
        """Decide about a field with one value."""
        mode = self.policy.mode(name)
        group = UCS_FIELDS if name in UCS_FIELDS else (name,)
        own_counts = mode in (Mode.FILL, Mode.MERGE)
        taken = any(
            self.disagrees(s, own_counts=own_counts)
            for field in group
            for s in self.of_field[field]
        )
        for slot in self.of_field[name]:
            if slot.name in self.writable and mode is not Mode.KEEP:
                self._decide_slot(slot, mode, taken)

    def _decide_slot(self, slot: Slot, mode: Mode, taken: bool) -> None:
        value = self.values.get(slot.name, "")
        wanted = self.wanted.get(slot.field)
        encoded = slot.encode(wanted)
        own = bool(value) and self.is_own(slot, value)
        if mode is Mode.REPLACE and wanted:
            self._put(slot, value, encoded)
        elif mode in (Mode.REPLACE, Mode.REPLACE_OWN) and own:
            self._put(slot, value, "" if taken else encoded)
        elif not wanted or value == encoded:
            return
        elif taken:
            self.skips.append(Skip(slot.field, slot.name, encoded, "taken"))
        elif value:
            self.skips.append(Skip(slot.field, slot.name, encoded, "other_value"))
        else:
            self._put(slot, value, encoded)

    def _put(self, slot: Slot, value: str, text: str) -> None:
        wanted = self.wanted.get(slot.field)
        if wanted and not slot.encode(wanted):
            self.skips.append(Skip(slot.field, slot.name, wanted, "not_representable"))
        if text != value:
            self.changes[slot.name] = text

    def decide_keywords(self) -> None:
        """Decide about the keywords, word by word."""
        mode = self.policy.mode("keywords")
        slots = self.of_field["keywords"]
        wanted = {w.casefold() for w in self.wanted.keywords}
        texts = (self.values.get(slot.name, "") for slot in slots)
        found = frozenset().union(*map(folded_keywords, texts))
        for slot in slots:
            value = self.values.get(slot.name, "")
            if mode is Mode.KEEP or slot.name not in self.writable:
                continue
            if mode is Mode.FILL and (found - wanted or value):
                if self.wanted.keywords and found - wanted:
                    text = self.wanted.get("keywords")
                    self.skips.append(Skip("keywords", slot.name, text, "taken"))
                continue
            if mode is Mode.REPLACE and self.wanted.keywords:
                text = self.wanted.get("keywords")
            else:
                text = edit_keywords(value, self._obsolete(slot, mode), self.wanted.keywords)
            if text != value:
                self.changes[slot.name] = text

    def _obsolete(self, slot: Slot, mode: Mode) -> set[str]:
        """Return Earmark's own words in the slot that are no longer wanted."""
        if mode is Mode.MERGE:
            return set()
        foreign = {w.casefold() for w in self.provenance.foreign.get(slot.name, ())}
        return self.own_keywords - foreign - {word.casefold() for word in self.wanted.keywords}

    def final(self, slot: Slot) -> str:
        """Return what the slot will say."""
        return self.changes.get(slot.name, self.values.get(slot.name, ""))

    def new_provenance(self) -> Provenance:
        """Return which of the values the file will hold are Earmark's."""
        own: dict[str, dict[str, tuple[str, ...]]] = {}
        foreign: dict[str, list[str]] = {}
        for name in FIELDS:
            candidates = self._claims(name)
            for value, authors in candidates.items():
                slots = [s for s in self.of_field[name] if self._holds(s, value)]
                not_ours = [s for s in slots if self._was_foreign(s, value)]
                if len(not_ours) < len(slots):
                    own.setdefault(name, {})[value] = authors
                    for slot in not_ours:
                        foreign.setdefault(slot.name, []).append(slot.encode(value))
        return Provenance(own, {slot: tuple(values) for slot, values in foreign.items()})

    def _claims(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return values that are, or may now become, Earmark's, with their authors."""
        if name == "keywords":
            wanted = {word: self.wanted.authors_of(word) for word in self.wanted.keywords}
        else:
            text = self.wanted.get(name)
            wanted = {text: self.wanted.authors} if text else {}
        known = {v.casefold() for v in wanted}
        if self.wanted.by_person:
            # What a person says from now on is theirs, even where Earmark had said it before.
            wanted = {}
        for value, authors in self.provenance.own.get(name, {}).items():
            if value.casefold() not in known:
                wanted[value] = authors
        return wanted

    def _holds(self, slot: Slot, value: str) -> bool:
        text = self.final(slot)
        if slot.field == "keywords":
            return value.casefold() in folded_keywords(text)
        return bool(text) and text == slot.encode(value)

    def _was_foreign(self, slot: Slot, value: str) -> bool:
        """Whether the slot held `value` before, and not from Earmark."""
        before = self.values.get(slot.name, "")
        listed = {v.casefold() for v in self.provenance.foreign.get(slot.name, ())}
        if slot.field == "keywords":
            word = value.casefold()
            ours = word in self.own_keywords and word not in listed
            replaced = self.policy.mode("keywords") is Mode.REPLACE
            return word in folded_keywords(before) and not ours and not replaced
        return (
            bool(before)
            and slot.name not in self.changes
            and before == slot.encode(value)
            and not self.is_own(slot, before)
        )


def find_provenance(slots: Sequence[Slot], values: Mapping[str, str]) -> Provenance:
    """Return the first readable provenance record; an empty one when there is none."""
    for slot in slots:
        if slot.field == PROVENANCE and values.get(slot.name):
            found = Provenance.from_text(values[slot.name])
            if found is not None:
                return found
    return Provenance()


def decide(
    slots: Sequence[Slot],
    values: Mapping[str, str],
    wanted: TagSet,
    policy: Policy,
    skipped: Mapping[str, str] = MappingProxyType({}),
) -> Decision:
    """Decide what every slot shall say.

    Parameters
    ----------
    slots : sequence of Slot
        Slots of this file.
    values : mapping of str to str
        Text found, by slot name.
    wanted : TagSet
        What Earmark wants to say.
    policy : Policy
        How far it may go.
    skipped : mapping of str to str
        Slots, or groups of them, that must be left alone; what they say still counts.
    """
    merger = _Merger(slots, values, wanted, policy, skipped)
    merger.decide_keywords()
    for name in FIELDS[1:]:
        merger.decide_text(name)
    record = merger.new_provenance().to_text()
    for slot in slots:
        if slot.field != PROVENANCE or is_skipped(skipped, slot.name):
            continue
        value = values.get(slot.name, "")
        if value and Provenance.from_text(value) is None:
            merger.skips.append(Skip(PROVENANCE, slot.name, record, "unknown_provenance"))
        elif value != record:
            merger.changes[slot.name] = record
    return Decision(merger.changes, tuple(merger.skips))
