"""What can go wrong with tags, policies and thesauri."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class PolicyNotApplicableError(EarmarkError):
    """The policy of a library cannot be applied to the classifiers that are to be used."""

    code = "tag_policy_not_applicable"


class PolicyRefusedError(EarmarkError):
    """A policy contradicts itself."""

    code = "invalid_tag_policy"


class ThesaurusFileError(EarmarkError):
    """A table of words could not be taken; nothing of it was."""

    code = "invalid_thesaurus"
    hint = "Nothing was imported. Correct these lines and import the file again."


class InvalidWordsError(EarmarkError):
    """Words cannot be tags, or nothing was said."""

    code = "invalid_tags"


class TagsChangedError(EarmarkError):
    """Somebody else has changed the tags since they were read."""

    code = "tags_changed"
    hint = "Read the tags again and decide anew."
    status = 412


class TagsOutdatedError(EarmarkError):
    """Tags rest on something that is not known any more, so they cannot be derived anew."""

    code = "tags_outdated"
    hint = "Tag the files again with `earmark tag`; nothing was changed."
    status = 409


class ChangeUndoneError(EarmarkError):
    """A change was taken back already."""

    code = "change_undone"
    status = 409


class FileUnknownError(EarmarkError):
    """A file is in no library, or was not there at the last scan."""

    code = "file_unknown"
