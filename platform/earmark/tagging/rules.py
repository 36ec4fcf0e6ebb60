"""Everything the tags of a library follow from, put together from what is stored and installed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path

from django.conf import settings

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from earmark.tagging.errors import PolicyNotApplicableError, TagsOutdatedError
from earmark.tagging.knowledge import (
    NO_SYNONYMS,
    NO_THESAURUS,
    RULES_VERSION,
    Combine,
    Deriver,
    SynonymSource,
    TagPolicy,
    Thesaurus,
    UncalibratedError,
    voice_of,
)
from earmark.tagging.knowledge.synonyms import SynonymBook, load_synonyms
from earmark.tagging.models import TagBasis
from earmark.tagging.selectors import get_classifiers, get_policy, get_thesaurus


@dataclass(frozen=True)
class Rules:
    """Everything tags follow from, beside the audio and what people wrote.

    Attributes
    ----------
    classifiers : tuple of ClassifierVersion
        In the order in which they were named; none where only people said something.
    policy : TagPolicy
    synonyms : SynonymSource
    lexicon : str
        Version of the source of synonyms; empty without one.
    thesaurus : Thesaurus
    """

    classifiers: tuple[ClassifierVersion, ...]
    policy: TagPolicy
    synonyms: SynonymSource = NO_SYNONYMS
    lexicon: str = ""
    thesaurus: Thesaurus = NO_THESAURUS

    @property
    def authors(self) -> tuple[str, ...]:
        """Who the tags come from: ``classifier@version`` of each."""
        return tuple(classifier.identity for classifier in self.classifiers)

    @cached_property
    def basis(self) -> str:
        """Name of the whole: equal names, equal tags of equal scores."""
        parts = [
            *self.authors,
            f"rules {RULES_VERSION}",
            self.policy.version,
            self.lexicon,
            self.thesaurus.version,
        ]
        return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    @property
    def asked_first(self) -> tuple[ClassifierVersion, ...]:
        """Those that are asked about every file: in a cascade the first alone."""
        cascade = self.policy.combine is Combine.CASCADE
        return self.classifiers[:1] if cascade else self.classifiers

    @property
    def asks_in_turn(self) -> bool:
        """Whether somebody else is asked where doubt is left."""
        return len(self.asked_first) < len(self.classifiers)

    def prepare(self) -> None:
        """Make everything ready, so that what cannot work fails now; raises as `deriver` does."""
        _ = self.deriver

    @cached_property
    def deriver(self) -> Deriver:
        """What turns stored scores into tags by these rules.

        Raises
        ------
        PolicyNotApplicableError
            If the policy cannot be applied to these classifiers.
        """
        voices = [
            voice_of(row.identity, row.label_list, calibrated=row.calibrated)
            for row in self.classifiers
        ]
        try:
            return Deriver(
                self.policy, voices=voices, synonyms=self.synonyms, thesaurus=self.thesaurus
            )
        except UncalibratedError as error:
            raise PolicyNotApplicableError(str(error)) from error


def rules_for(
    library: Library, classifiers: Sequence[ClassifierVersion], threshold: float | None = None
) -> Rules:
    """Return the rules that hold for a library on this machine.

    Parameters
    ----------
    library : Library
    classifiers : sequence of ClassifierVersion
        Whose results count, in this order.
    threshold : float, optional
        Accept from this score on, whatever the stored policy says.
    """
    book = _synonym_book(Path(settings.DATA_DIR))
    return Rules(
        tuple(classifiers),
        get_policy(library=library, threshold=threshold),
        book or NO_SYNONYMS,
        book.version if book else "",
        get_thesaurus(library=library),
    )


def rules_of(library: Library, basis: TagBasis) -> Rules:
    """Return the rules that tags rest on: its classifiers and policy, with the words of today.

    Raises
    ------
    TagsOutdatedError
        If its policy or one of its classifiers is not known any more.
    """
    classifiers = get_classifiers(basis=basis)
    if classifiers is None or basis.policy is None:
        raise TagsOutdatedError("The tags rest on classifiers or a policy nobody knows any more.")
    today = rules_for(library, classifiers)
    return replace(today, policy=TagPolicy.from_values(basis.policy.values))


@cache
def _synonym_book(data_dir: Path) -> SynonymBook | None:
    return load_synonyms(data_dir)
