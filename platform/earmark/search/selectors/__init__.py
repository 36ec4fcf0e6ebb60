"""Questions to the index."""

from earmark.search.selectors.facets import Facets, count_facets
from earmark.search.selectors.filters import Filters, TagFilter
from earmark.search.selectors.found import FoundFile, load_files
from earmark.search.selectors.lookup import Looked, LookUp, look_up
from earmark.search.selectors.pages import Page, Request, Sort, Total
from earmark.search.selectors.searching import is_complete, search_files
from earmark.search.selectors.similar import Similar, find_similar
from earmark.search.selectors.terms import Suggestion, correct, count_tags, suggest

__all__ = [
    "Facets",
    "Filters",
    "FoundFile",
    "LookUp",
    "Looked",
    "Page",
    "Request",
    "Similar",
    "Sort",
    "Suggestion",
    "TagFilter",
    "Total",
    "correct",
    "count_facets",
    "count_tags",
    "find_similar",
    "is_complete",
    "load_files",
    "look_up",
    "search_files",
    "suggest",
]
