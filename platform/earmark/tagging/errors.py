"""What can go wrong with policies and thesauri."""

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


class FileUnknownError(EarmarkError):
    """A file is in no library, or was not there at the last scan."""

    code = "file_unknown"
