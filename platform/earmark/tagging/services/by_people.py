"""Changes of tags by people: kept, heeded by every derivation from then on, and undone at will."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from earmark.library.models import AudioFile
from earmark.library.services import lock_files
from earmark.tagging.errors import (
    ChangeUndoneError,
    InvalidWordsError,
    TagsChangedError,
    TagsOutdatedError,
)
from earmark.tagging.knowledge.ontology import fold_name
from earmark.tagging.models import TagBasis, TagChange, TagSet
from earmark.tagging.rules import rules_for, rules_of
from earmark.tagging.services.deriving import derive_each, store_tags

LONGEST_WORD = 100
MOST_WORDS = 200
"""So many words a change, and so many characters a word; no sound has more to say."""


@dataclass(frozen=True)
class Words:
    """What is to be done to the words of files; see `earmark.tagging.knowledge.WordChange`.

    Words are cleaned on construction.

    Raises
    ------
    InvalidWordsError
        If nothing is said, a word is said twice over, or one cannot be written into a file.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    withdraw: tuple[str, ...] = ()
    replace: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("add", "remove", "withdraw", "replace"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _clean(getattr(self, name)))
        if not (self.add or self.remove or self.withdraw) and self.replace is None:
            raise InvalidWordsError("Nothing was said to be added, removed or replaced.")
        if self.replace is not None and (self.add or self.remove or self.withdraw):
            raise InvalidWordsError("To replace all words, say nothing else beside it.")
        keys = [fold_name(word) for word in (*self.add, *self.remove, *self.withdraw)]
        if len(set(keys)) < len(keys):
            raise InvalidWordsError("A word can be added, removed or withdrawn, one at a time.")

    @classmethod
    def of(cls, values: Mapping[str, Collection[str] | None]) -> Words:
        """Read what `as_dict` gave, or what a request says."""
        return cls(**{k: None if v is None else tuple(v) for k, v in values.items()})  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, list[str]]:
        """Return what is said as plain values, for JSON."""
        values = {"add": self.add, "remove": self.remove, "withdraw": self.withdraw}
        told = {name: list(words) for name, words in values.items() if words}
        return told if self.replace is None else {"replace": list(self.replace)}


def set_file_tags(
    *,
    file: AudioFile,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    withdraw: Iterable[str] = (),
    replace: Iterable[str] | None = None,
    by: User | str,
    comment: str = "",
    expected_version: int | None = None,
) -> TagChange:
    """Change the words of a file as a person wants them, whatever the rules say.

    Parameters
    ----------
    file : AudioFile
    add, remove : iterable of str
        Words that belong to the file, and words that do not.
    withdraw : iterable of str
        Words about which the rules shall decide again.
    replace : iterable of str, optional
        These words and no others, now and after every derivation to come.
    by : user or str
        Who says so: an account, or a name where there is none.
    comment : str
        Why.
    expected_version : int, optional
        The version of the tags that the person saw; 0 where there were none.

    Returns
    -------
    TagChange
        What can be undone; it is kept even if somebody had said the same before.

    Raises
    ------
    TagsChangedError
        If the tags have another version by now; nothing was changed.
    InvalidWordsError, TagsOutdatedError
    """
    words = Words(
        tuple(add), tuple(remove), tuple(withdraw), None if replace is None else tuple(replace)
    )
    with transaction.atomic():
        lock_files(file_ids=[file.pk])
        require_version(file=file, expected=expected_version)
        return change_tags(files=[file], words=words, by=by, comment=comment)[0]


@transaction.atomic
def change_tags(
    *,
    files: Sequence[AudioFile],
    words: Words,
    by: User | str,
    comment: str = "",
    batch: str = "",
) -> list[TagChange]:
    """Do the same to the words of some hundreds of files, all or none; see `set_file_tags`.

    Parameters
    ----------
    files : sequence of AudioFile
    words : Words
    by, comment
        See `set_file_tags`.
    batch : str
        Names changes that were asked for together; files that have one of it already are left
        as they are, so that it can be repeated.

    Returns
    -------
    list of TagChange
        One of each file that had none of the batch.
    """
    lock_files(file_ids=[file.pk for file in files])
    done = TagChange.objects.filter(batch=batch, file__in=files) if batch else None
    known = set(done.values_list("file", flat=True)) if done is not None else set()
    name = _name_of(by)
    rows = [
        TagChange(
            file=file,
            words=words.as_dict(),
            comment=comment,
            by=by if isinstance(by, User) else None,
            by_name=name,
            batch=batch,
            created_at=timezone.now(),
        )
        for file in files
        if file.pk not in known
    ]
    TagChange.objects.bulk_create(rows)
    rederive_files(files=[row.file for row in rows])
    return rows


@transaction.atomic
def undo_change(
    *, change: TagChange, by: User | str, expected_version: int | None = None
) -> TagChange:
    """Take a change back; later ones of the same file stand.

    Raises
    ------
    ChangeUndoneError
        If somebody has done so already.
    TagsChangedError, TagsOutdatedError
        See `set_file_tags`.
    """
    lock_files(file_ids=[change.file_id])
    require_version(file=change.file, expected=expected_version)
    if not undo_changes(changes=[change], by=by):
        raise ChangeUndoneError("This change was taken back already.")
    change.refresh_from_db()
    return change


@transaction.atomic
def undo_changes(*, changes: Sequence[TagChange], by: User | str) -> list[TagChange]:
    """Take changes back, all or none, and return those that stood; their files are loaded."""
    lock_files(file_ids={change.file_id for change in changes})
    rows = TagChange.objects.standing().filter(pk__in=[change.pk for change in changes])
    standing = list(rows.select_related("file__library"))
    rows.update(undone_at=timezone.now(), undone_by_name=_name_of(by))
    rederive_files(files=list({change.file_id: change.file for change in standing}.values()))
    return standing


def rederive_files(*, files: Sequence[AudioFile]) -> None:
    """Derive tags anew by what they rest on, with what people decided; the files are locked.

    Raises
    ------
    TagsOutdatedError
        If that is not known any more.
    """
    sets = {row.file_id: row for row in TagSet.objects.filter(file__in=files)}
    groups: dict[tuple[int, str], list[AudioFile]] = {}
    for file in files:
        basis = sets[file.pk].basis_id if file.pk in sets else ""
        groups.setdefault((file.library_id, basis), []).append(file)
    bases = TagBasis.objects.select_related("policy").in_bulk([key for _, key in groups])
    for (_, key), own in groups.items():
        library = own[0].library
        rules = rules_of(library, bases[key]) if key else rules_for(library, [])
        audio_of = {
            file: sets[file.pk].audio_hash if file.pk in sets else file.audio_hash for file in own
        }
        derived = derive_each(audio_of=audio_of, rules=rules)
        for told in derived:
            if told.file.pk in sets and told.results < sets[told.file.pk].results:
                raise TagsOutdatedError("What classifiers had said is not known any more.")
        store_tags(derived=derived, rules=rules)


def require_version(*, file: AudioFile, expected: int | None) -> None:
    """Let nobody change tags that they have not seen; the file is locked.

    Raises
    ------
    TagsChangedError
        If the tags have another version than expected.
    """
    if expected is None:
        return
    version = TagSet.objects.filter(file=file).values_list("version", flat=True).first() or 0
    if version != expected:
        raise TagsChangedError(
            "The tags of the file have changed since they were read.",
            context={"file": file.pk, "version": version, "expected": expected},
        )


def _clean(words: Collection[str]) -> tuple[str, ...]:
    # The web process imports this module and need not load what reads containers.
    from earmark_files.metadata import InvalidTagError
    from earmark_files.metadata.tags import clean_keywords

    try:
        cleaned = clean_keywords(words)
    except InvalidTagError as error:
        raise InvalidWordsError(error.message) from error
    if len(cleaned) > MOST_WORDS:
        raise InvalidWordsError(f"A change can have {MOST_WORDS} words, not {len(cleaned)}.")
    if not all(map(fold_name, cleaned)):
        raise InvalidWordsError("A word needs a letter or a digit.")
    too_long = [word for word in cleaned if len(word) > LONGEST_WORD]
    if too_long:
        raise InvalidWordsError(
            f"The word {too_long[0][:20]!r}... is longer than {LONGEST_WORD} characters."
        )
    return cleaned


def _name_of(by: User | str) -> str:
    name = by if isinstance(by, str) else by.get_username()
    return name[:150]
