"""What people decided about the words of a file: pure, and held against the rules.

Everything a person does to a file's words is a `WordChange`. What holds follows from all of them
in their order (`decide`), so each can be taken back at any time, whichever came after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from earmark.tagging.knowledge.ontology import fold_name


@dataclass(frozen=True, slots=True)
class Saying:
    """Who said something, and when.

    Attributes
    ----------
    by : str
        Name of the person, as it was then.
    at : str
        Time in ISO 8601.
    comment : str
    change : int
        Number of the change it was said with.
    """

    by: str
    at: str
    comment: str = ""
    change: int = 0

    def __str__(self) -> str:
        comment = f": {self.comment}" if self.comment else ""
        return f"{self.by} on {self.at[:10]}{comment}"

    def as_dict(self) -> dict[str, Any]:
        """Return the parts that hold something as plain values, for JSON."""
        values = {"by": self.by, "at": self.at, "comment": self.comment, "change": self.change}
        return {name: value for name, value in values.items() if value}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Saying:
        """Read what `as_dict` gave."""
        return cls(**{"by": "", "at": "", **values})


@dataclass(frozen=True, slots=True)
class WordChange:
    """One thing a person did to the words of a file.

    Attributes
    ----------
    saying : Saying
    add : tuple of str
        Words that belong to the file, whatever the rules say.
    remove : tuple of str
        Words that do not.
    withdraw : tuple of str
        Words about which the rules decide again.
    replace : tuple of str or None
        If given, these words and no others belong to the file; what was said before is void.
    """

    saying: Saying
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    withdraw: tuple[str, ...] = ()
    replace: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a person decided about a word.

    Attributes
    ----------
    name : str
        As they spelt it.
    accepted : bool
        Whether it belongs to the file.
    saying : Saying
    """

    name: str
    accepted: bool
    saying: Saying


@dataclass(frozen=True)
class Decided:
    """What people decided about a file.

    Attributes
    ----------
    verdicts : mapping of str to Verdict
        By the word's folded form, in the order in which they were given.
    only : Saying or None
        Who said that no other words belong to the file.
    """

    verdicts: Mapping[str, Verdict] = field(default_factory=lambda: MappingProxyType({}))
    only: Saying | None = None

    def about(self, key: str) -> Verdict | None:
        """Return what was decided about a word in folded form; None leaves it to the rules."""
        verdict = self.verdicts.get(key)
        if verdict is None and self.only is not None:
            return Verdict("", accepted=False, saying=self.only)
        return verdict

    def refuses(self, key: str) -> bool:
        """Whether a word, in folded form, was said not to belong to the file."""
        verdict = self.about(key)
        return verdict is not None and not verdict.accepted

    @property
    def accepted(self) -> dict[str, Verdict]:
        """The words that belong to the file, by their folded form."""
        return {key: one for key, one in self.verdicts.items() if one.accepted}


NOTHING_DECIDED = Decided()


def decide(changes: Iterable[WordChange]) -> Decided:
    """Return what holds after changes, oldest first."""
    verdicts: dict[str, Verdict] = {}
    only: Saying | None = None
    for change in changes:
        if change.replace is not None:
            verdicts, only = {}, change.saying
        for word in change.withdraw:
            verdicts.pop(fold_name(word), None)
        for word in change.remove:
            verdicts[fold_name(word)] = Verdict(word, accepted=False, saying=change.saying)
        for word in (*change.add, *(change.replace or ())):
            verdicts[fold_name(word)] = Verdict(word, accepted=True, saying=change.saying)
    return Decided(verdicts, only) if verdicts or only else NOTHING_DECIDED
