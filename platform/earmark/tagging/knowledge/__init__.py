"""What Earmark knows about words for sounds: ontology, tag policy, synonyms, UCS.

Pure functions and committed tables; nothing here imports Django or touches a database.
"""

from earmark.tagging.knowledge.derive import derive_tags, search_terms
from earmark.tagging.knowledge.ontology import (
    Ontology,
    OntologyNode,
    load_ontology,
    other_names,
    tag_name,
)
from earmark.tagging.knowledge.policy import RULES_VERSION, InvalidPolicyError, TagPolicy
from earmark.tagging.knowledge.synonyms import SynonymBook, load_synonyms
from earmark.tagging.knowledge.tags import (
    NO_SYNONYMS,
    Decision,
    DerivedTag,
    Origin,
    Rule,
    Synonym,
    SynonymSource,
    Why,
)
from earmark.tagging.knowledge.ucs import (
    FileCategory,
    UcsCategory,
    categorize,
    catid_from_filename,
    load_ucs,
)

__all__ = [
    "NO_SYNONYMS",
    "RULES_VERSION",
    "Decision",
    "DerivedTag",
    "FileCategory",
    "InvalidPolicyError",
    "Ontology",
    "OntologyNode",
    "Origin",
    "Rule",
    "Synonym",
    "SynonymBook",
    "SynonymSource",
    "TagPolicy",
    "UcsCategory",
    "Why",
    "categorize",
    "catid_from_filename",
    "derive_tags",
    "load_ontology",
    "load_synonyms",
    "load_ucs",
    "other_names",
    "search_terms",
    "tag_name",
]
