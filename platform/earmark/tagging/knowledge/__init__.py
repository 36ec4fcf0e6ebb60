"""What Earmark knows about words for sounds: ontology, tag policy, synonyms, UCS.

Pure functions and committed tables; nothing here imports Django or touches a database.
"""

from earmark.tagging.knowledge.by_people import (
    NOTHING_DECIDED,
    Decided,
    Saying,
    WordChange,
    decide,
)
from earmark.tagging.knowledge.derive import Deriver, derive_tags
from earmark.tagging.knowledge.ontology import (
    Ontology,
    OntologyNode,
    load_ontology,
    other_names,
    tag_name,
)
from earmark.tagging.knowledge.opinions import UncalibratedError, Voice, Vote, voice_of
from earmark.tagging.knowledge.policy import (
    RULES_VERSION,
    Combine,
    InvalidPolicyError,
    Parents,
    TagPolicy,
)
from earmark.tagging.knowledge.said import Evidence, PersonWords, words_of_path
from earmark.tagging.knowledge.search import facets_of, labels_below, search_terms
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
from earmark.tagging.knowledge.thesaurus import NO_THESAURUS, Thesaurus
from earmark.tagging.knowledge.ucs import (
    FileCategory,
    UcsCategory,
    categorize,
    catid_from_filename,
    load_ucs,
)

__all__ = [
    "NOTHING_DECIDED",
    "NO_SYNONYMS",
    "NO_THESAURUS",
    "RULES_VERSION",
    "Combine",
    "Decided",
    "Decision",
    "DerivedTag",
    "Deriver",
    "Evidence",
    "FileCategory",
    "InvalidPolicyError",
    "Ontology",
    "OntologyNode",
    "Origin",
    "Parents",
    "PersonWords",
    "Rule",
    "Saying",
    "Synonym",
    "SynonymBook",
    "SynonymSource",
    "TagPolicy",
    "Thesaurus",
    "UcsCategory",
    "UncalibratedError",
    "Voice",
    "Vote",
    "Why",
    "WordChange",
    "categorize",
    "catid_from_filename",
    "decide",
    "derive_tags",
    "facets_of",
    "labels_below",
    "load_ontology",
    "load_synonyms",
    "load_ucs",
    "other_names",
    "search_terms",
    "tag_name",
    "voice_of",
    "words_of_path",
]
