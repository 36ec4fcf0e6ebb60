"""Everything that changes tags, and what they follow from."""

from earmark.tagging.services.by_people import (
    Words,
    change_tags,
    set_file_tags,
    undo_change,
    undo_changes,
)
from earmark.tagging.services.deriving import FileTags, derive_file_tags, keep_basis
from earmark.tagging.services.evidence import Found, note_evidence
from earmark.tagging.services.policies import follow_default, set_policy
from earmark.tagging.services.rederiving import Rederivation, plan_rederivation
from earmark.tagging.services.second_opinions import (
    ask_second_opinions,
    find_waiting,
    list_in_doubt,
)
from earmark.tagging.services.thesauri import import_thesaurus, save_entry

__all__ = [
    "FileTags",
    "Found",
    "Rederivation",
    "Words",
    "ask_second_opinions",
    "change_tags",
    "derive_file_tags",
    "find_waiting",
    "follow_default",
    "import_thesaurus",
    "keep_basis",
    "list_in_doubt",
    "note_evidence",
    "plan_rederivation",
    "save_entry",
    "set_file_tags",
    "set_policy",
    "undo_change",
    "undo_changes",
]
