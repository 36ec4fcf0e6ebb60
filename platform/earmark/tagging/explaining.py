"""Everything that is known about why a file has the tags it has: read only, one file at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.classifiers.models import ClassifierVersion
from earmark.jobs.models import PredictionSet
from earmark.library.models import AudioFile
from earmark.library.paths import path_key
from earmark.library.selectors import find_library
from earmark.library.sound.errors import SoundMissingError
from earmark.library.sound.opening import open_sound
from earmark.tagging.errors import FileUnknownError
from earmark.tagging.knowledge import Decision, Evidence, TagPolicy, Why
from earmark.tagging.models import Tag, TagBasis, TagSet
from earmark.tagging.rules import Rules, rules_for, rules_of
from earmark.tagging.selectors import get_classifiers, get_evidence, get_tags
from earmark.tagging.services.deriving import derive_without_storing

if TYPE_CHECKING:
    from earmark_files.metadata import FileTags


@dataclass(frozen=True)
class ExplainedTag:
    """A word of a file and why it is there, or is not.

    Attributes
    ----------
    name : str
    decision : str
        ``accept``, ``review`` or ``drop``.
    confidence : float
    label, mid : str
        The label it follows from.
    origin : str
    why : Why
    """

    name: str
    decision: str
    confidence: float
    label: str
    mid: str
    origin: str
    why: Why


@dataclass(frozen=True)
class Explanation:
    """What is known about a file.

    Attributes
    ----------
    file : AudioFile
    tag_set : TagSet or None
        None while no tags were derived.
    basis : TagBasis or None
        What they rest on.
    policy : TagPolicy or None
        Of that basis.
    heard : tuple of str
        Which classifiers of that basis have a result for the file: in a cascade the others were
        not needed, or are still to be asked.
    tags : tuple of ExplainedTag
        Accepted ones, those for review, and those that a rule dropped.
    outdated : bool
        Whether policy, words or classifiers have changed since.
    evidence : Evidence
        What people said.
    in_file : FileTags or None
        What the file itself says now; None if it cannot be read.
    unreadable : str
        Why it cannot.
    """

    file: AudioFile
    tag_set: TagSet | None
    basis: TagBasis | None
    policy: TagPolicy | None
    heard: tuple[str, ...]
    tags: tuple[ExplainedTag, ...]
    outdated: bool
    evidence: Evidence
    in_file: FileTags | None
    unreadable: str


def explain(path: Path) -> Explanation:
    """Collect what is known about a file.

    Raises
    ------
    FileUnknownError
        If it is in no library, or was not there at the last scan.
    """
    return explain_file(_find(path))


def explain_file(file: AudioFile) -> Explanation:
    """Collect what is known about a file whose library is loaded; see `explain`."""
    # The web process imports this module and loads what reads containers only when it is asked.
    from earmark_files.metadata import MetadataError, read_tags

    tag_set = TagSet.objects.select_related("basis__policy").filter(file=file).first()
    basis = tag_set.basis if tag_set else None
    policy = (
        TagPolicy.from_values(basis.policy.values) if basis is not None and basis.policy else None
    )
    tags = [_stored(tag) for tag in get_tags(file_ids=[file.pk])[file.pk]]
    classifiers = (get_classifiers(basis=basis) if basis else None) or ()
    outdated = False
    if basis is not None and policy is not None and classifiers:
        outdated = rules_for(file.library, classifiers).basis != basis.pk
        tags += _dropped(file, rules_of(file.library, basis), {tag.name for tag in tags})
    try:
        with open_sound(file):  # not by a link that leads out of the library
            in_file, unreadable = read_tags(file.location), ""
    except (MetadataError, SoundMissingError) as error:
        in_file, unreadable = None, error.message
    order = [Decision.ACCEPT, Decision.REVIEW, Decision.DROP]
    tags.sort(key=lambda tag: order.index(Decision(tag.decision)))
    return Explanation(
        file=file,
        tag_set=tag_set,
        basis=basis,
        policy=policy,
        heard=_heard(file, classifiers),
        tags=tuple(tags),
        outdated=outdated,
        evidence=get_evidence(file_ids=[file.pk]).get(file.pk, Evidence()),
        in_file=in_file,
        unreadable=unreadable,
    )


def _find(path: Path) -> AudioFile:
    place = find_library(path.resolve())
    if place is not None and place.under:
        files = AudioFile.objects.filter(library=place.library, path_key=path_key(place.under))
        file = files.select_related("library").first()
        if file is not None:
            return file
    raise FileUnknownError(
        f"Earmark does not know {path}.",
        hint="It knows the files of folders that were tagged or scanned: run `earmark tag` on it.",
    )


def _heard(file: AudioFile, classifiers: Sequence[ClassifierVersion]) -> tuple[str, ...]:
    results = PredictionSet.objects.filter(classifier__in=classifiers, audio_hash=file.audio_hash)
    known = set(results.values_list("classifier", flat=True))
    return tuple(classifier.identity for classifier in classifiers if classifier.pk in known)


def _stored(tag: Tag) -> ExplainedTag:
    return ExplainedTag(
        tag.name,
        tag.decision,
        tag.confidence or 0.0,
        tag.label,
        tag.mid,
        tag.origin,
        Why.from_dict(tag.why),
    )


def _dropped(file: AudioFile, rules: Rules, known: set[str]) -> Sequence[ExplainedTag]:
    """Return what a rule dropped: that is stored nowhere, for it follows from the scores."""
    derived = derive_without_storing(files=[file], rules=rules)
    return [
        ExplainedTag(
            tag.name, tag.decision, tag.confidence, tag.label, tag.label_id, tag.origin, tag.why
        )
        for told in derived
        for tag in told.tags
        if tag.decision is Decision.DROP and tag.name not in known
    ]
