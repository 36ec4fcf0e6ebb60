"""Addresses of the search, below ``api/v1/``."""

from __future__ import annotations

from django.urls import path

from earmark.search.api.views import LookUpView, SearchView, SimilarView, SuggestView, TagsView

urlpatterns = [
    path("search", SearchView.as_view(), name="search"),
    path("search/suggest", SuggestView.as_view(), name="search-suggest"),
    path("tags", TagsView.as_view(), name="tags"),
    path("files/<int:file_id>/similar", SimilarView.as_view(), name="file-similar"),
    path("lookup", LookUpView.as_view(), name="lookup"),
]
