"""What a studio decides about tags: thresholds, limits, words it does not want."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

RULES_VERSION = 1
"""Version of the rules in `derive`; raised whenever the same scores give other tags."""


class InvalidPolicyError(ValueError):
    """A policy contradicts itself; the message says where."""

    code = "invalid_tag_policy"


@dataclass(frozen=True)
class TagPolicy:
    """How scores become tags.

    Attributes
    ----------
    accept : float
        A label with this score or more becomes a tag.
    review : float
        A label between this and `accept` waits for a person; below it is nothing.
    label_thresholds : mapping of str to float
        Accept thresholds of single labels, by label id or name; they replace `accept` there.
    denied : frozenset of str
        Tags never written, neither as label nor as synonym, whatever their case.
    allowed : frozenset of str
        If not empty, only these labels (id, label or tag name) can be accepted.
    max_labels : int or None
        Most labels accepted for one file; the surer ones win.
    synonyms_per_label : int
        Most synonyms written beside one label.

    Raises
    ------
    InvalidPolicyError
        If a threshold lies outside [0, 1], `review` above `accept`, or a limit below zero.
    """

    accept: float = 0.25
    review: float = 0.10
    label_thresholds: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    denied: frozenset[str] = frozenset()
    allowed: frozenset[str] = frozenset()
    max_labels: int | None = None
    synonyms_per_label: int = 5

    def __post_init__(self) -> None:
        thresholds = {"accept": self.accept, "review": self.review, **self.label_thresholds}
        for name, value in thresholds.items():
            if not 0.0 <= value <= 1.0:
                raise InvalidPolicyError(f"threshold {name} must lie in [0, 1], not {value}")
        if self.review > self.accept:
            raise InvalidPolicyError(
                f"review threshold {self.review} lies above the accept threshold {self.accept}"
            )
        if self.synonyms_per_label < 0 or (self.max_labels is not None and self.max_labels < 0):
            raise InvalidPolicyError("limits must not be negative")

    @classmethod
    def with_threshold(cls, accept: float) -> TagPolicy:
        """Return the default policy with another accept threshold; review never lies above it."""
        return cls(accept=accept, review=min(cls.review, accept))

    @cached_property
    def version(self) -> str:
        """Short hash of everything that decides about tags: equal policies, equal versions."""
        values = {
            "rules": RULES_VERSION,
            "accept": self.accept,
            "review": self.review,
            "label_thresholds": dict(self.label_thresholds),
            "denied": sorted(self.denied),
            "allowed": sorted(self.allowed),
            "max_labels": self.max_labels,
            "synonyms_per_label": self.synonyms_per_label,
        }
        text = json.dumps(values, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
