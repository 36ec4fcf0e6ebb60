"""Addresses of explanations, policies and thesaurus, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.tagging.api.explanations import ExplanationView, TagChangeViewSet
from earmark.tagging.api.policies import (
    DefaultPolicyVersionViewSet,
    DefaultPolicyViewSet,
    LibraryPolicyVersionViewSet,
    LibraryPolicyViewSet,
)
from earmark.tagging.api.thesaurus import (
    LibraryThesaurusTableView,
    LibraryThesaurusViewSet,
    ThesaurusTableView,
    ThesaurusViewSet,
)

_LIBRARY = "libraries/<int:library_id>"

urlpatterns = [
    path("files/<int:file_id>/explanation", ExplanationView.as_view()),
    path("files/<int:file_id>/tag-changes", TagChangeViewSet.as_view({"get": "list"})),
    path("policy", DefaultPolicyViewSet.as_view({"get": "retrieve", "post": "create"})),
    path("policy/versions", DefaultPolicyVersionViewSet.as_view({"get": "list"})),
    path(
        f"{_LIBRARY}/policy",
        LibraryPolicyViewSet.as_view({"get": "retrieve", "post": "create", "delete": "destroy"}),
    ),
    path(f"{_LIBRARY}/policy/versions", LibraryPolicyVersionViewSet.as_view({"get": "list"})),
    path("thesaurus", ThesaurusViewSet.as_view({"get": "list", "post": "create"})),
    path("thesaurus/table", ThesaurusTableView.as_view()),
    path("thesaurus/<int:entry_id>", ThesaurusViewSet.as_view({"delete": "destroy"})),
    path(
        f"{_LIBRARY}/thesaurus",
        LibraryThesaurusViewSet.as_view({"get": "list", "post": "create"}),
    ),
    path(f"{_LIBRARY}/thesaurus/table", LibraryThesaurusTableView.as_view()),
    path(
        f"{_LIBRARY}/thesaurus/<int:entry_id>",
        LibraryThesaurusViewSet.as_view({"delete": "destroy"}),
    ),
]
