"""What a studio decides about tags: thresholds, limits, words it does not want."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Any

from earmark_plugin_api import Label

RULES_VERSION = 2
"""Version of the rules that turn scores into tags; raised whenever equal scores give other tags."""

LANGUAGE_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class InvalidPolicyError(ValueError):
    """A policy contradicts itself; the message says where."""

    code = "invalid_tag_policy"


class Combine(StrEnum):
    """How the scores that several classifiers give one label become one."""

    MAX = "max"
    """The highest counts."""
    MEAN = "mean"
    """The mean of those that know the label; all of them must be calibrated."""
    AGREEMENT = "agreement"
    """The second highest counts: two must agree. What only one knows, it decides alone."""
    CASCADE = "cascade"
    """The first decides; where it is unsure, the next one that knows the label does."""


class Parents(StrEnum):
    """Whether the everyday word above a label is written beside it, as "Dog" beside "Bark"."""

    NONE = "none"
    DIRECT = "direct"


@dataclass(frozen=True)
class TagPolicy:
    """How scores become tags.

    Attributes
    ----------
    accept : float
        A label with this score or more becomes a tag.
    review : float
        A label between this and `accept` waits for a person; below it is nothing.
    sure : float
        From this score on a label needs no support: it is no tie with its siblings, and in a
        cascade nobody else is asked.
    label_thresholds : mapping of str to float
        Accept thresholds of single labels, by label id or name; they replace `accept` there.
    denied : frozenset of str
        Tags never written, neither as label nor as synonym, whatever their case.
    allowed : frozenset of str
        If not empty, only these labels (id, label or tag name) can be accepted.
    max_labels : int or None
        Most labels accepted for one file; the surer ones win.
    max_words : int or None
        Most words written into one file, labels first.
    synonyms_per_label : int
        Most synonyms written beside one label.
    combine : Combine
        What several classifiers together say.
    tie_margin : float
        Siblings whose scores are closer than this, and not `sure`, are a tie: their parent
        stands in for them. 0 knows no ties.
    parents : Parents
        Whether the everyday word above a label is written too.
    languages : tuple of str
        Languages whose translations in the thesaurus are written, such as ``de``.
    search_hypernyms : bool
        Whether a file is found by WordNet's broader words of its labels too; never written.

    Raises
    ------
    InvalidPolicyError
        If a threshold lies outside [0, 1], they are not in the order `review`, `accept`, `sure`,
        a limit is below zero, or a language is no language code.
    """

    accept: float = 0.25
    review: float = 0.10
    sure: float = 0.5
    label_thresholds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    denied: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    max_labels: int | None = None
    max_words: int | None = None
    synonyms_per_label: int = 5
    combine: Combine = Combine.MAX
    tie_margin: float = 0.05
    parents: Parents = Parents.DIRECT
    languages: tuple[str, ...] = ()
    search_hypernyms: bool = False

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in ("accept", "review", "sure", "tie_margin")}
        for name, value in {**shares, **self.label_thresholds}.items():
            if not 0.0 <= value <= 1.0:
                raise InvalidPolicyError(f"{name} must lie in [0, 1], not {value}")
        if not self.review <= self.accept <= self.sure:
            raise InvalidPolicyError(
                f"review {self.review}, accept {self.accept} and sure {self.sure} must not "
                "fall: what is below review is dropped, from accept on it is written, from "
                "sure on it is beyond doubt"
            )
        for name in ("synonyms_per_label", "max_labels", "max_words"):
            if (getattr(self, name) or 0) < 0:
                raise InvalidPolicyError(f"{name} must not be negative")
        for language in self.languages:
            if not LANGUAGE_CODE.fullmatch(language):
                raise InvalidPolicyError(f"{language!r} is no language code such as de or pt-BR")

    @classmethod
    def with_threshold(cls, accept: float) -> TagPolicy:
        """Return the default policy with another accept threshold."""
        return cls().accepting_from(accept)

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> TagPolicy:
        """Make a policy of plain values, as `values` gives them; what is missing is the default.

        Raises
        ------
        InvalidPolicyError
            For an unknown name, a value of a wrong kind, or a policy that contradicts itself.
        """
        known = {item.name for item in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise InvalidPolicyError(
                f"there is no setting {unknown[0]!r}; there are {', '.join(sorted(known))}"
            )
        return cls(**{name: _read(name, value) for name, value in values.items()})

    @property
    def values(self) -> dict[str, Any]:
        """The policy as plain values, for JSON; `from_values` takes them back."""
        return {
            "accept": self.accept,
            "review": self.review,
            "sure": self.sure,
            "label_thresholds": dict(sorted(self.label_thresholds.items())),
            "denied": sorted(self.denied),
            "allowed": sorted(self.allowed),
            "max_labels": self.max_labels,
            "max_words": self.max_words,
            "synonyms_per_label": self.synonyms_per_label,
            "combine": self.combine.value,
            "tie_margin": self.tie_margin,
            "parents": self.parents.value,
            "languages": list(self.languages),
            "search_hypernyms": self.search_hypernyms,
        }

    @cached_property
    def version(self) -> str:
        """Short hash of everything that decides about tags: equal policies, equal versions."""
        text = json.dumps(self.values, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()

    @property
    def floor(self) -> float:
        """The lowest score that can lead to anything."""
        return min((self.review, *self.label_thresholds.values()))

    def accepting_from(self, accept: float) -> TagPolicy:
        """Return this policy with another accept threshold; the other two make room for it."""
        return replace(
            self, accept=accept, review=min(self.review, accept), sure=max(self.sure, accept)
        )

    def threshold_of(self, label: Label) -> tuple[float, bool]:
        """Return the score from which a label is accepted, and whether that is its own."""
        special = self.label_thresholds.get(label.id, self.label_thresholds.get(label.name))
        return (self.accept, False) if special is None else (special, True)


def _read(name: str, value: Any) -> Any:
    """Return a plain value as the kind that a setting has."""
    try:
        if name in ("accept", "review", "sure", "tie_margin"):
            return _number(value)
        if name == "label_thresholds":
            return MappingProxyType({str(key): _number(one) for key, one in value.items()})
        if name in ("denied", "allowed"):
            return frozenset(_texts(value))
        if name == "languages":
            return _texts(value)
        if name == "combine":
            return Combine(value)
        if name == "parents":
            return Parents(value)
        if name == "search_hypernyms":
            return _flag(value)
        return None if value is None and name != "synonyms_per_label" else _count(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidPolicyError(f"{name} cannot be {value!r}: {error}") from error


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a number is needed")
    return float(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number is needed")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is needed")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise TypeError("a list of words is needed")
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))
