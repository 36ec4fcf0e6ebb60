"""How lists of items and decisions can be narrowed."""

from __future__ import annotations

from django.db.models import QuerySet
from django_filters import rest_framework as django_filters

from earmark.core.api.filters import FilterSet, IdFilter
from earmark.review.models import Decision, ReviewItem
from earmark.review.selectors import ItemFilter, list_items


class ItemFilterSet(FilterSet):
    """By what is asked, where, and whether it still is."""

    library = IdFilter(field_name="library_id")
    label = django_filters.CharFilter(method="filter_label", label="A label or a tag.")
    kind = django_filters.ChoiceFilter(choices=ReviewItem.Kind.choices)
    folder = django_filters.CharFilter(method="filter_folder", label="A folder of the library.")
    classifier = django_filters.CharFilter(
        method="filter_classifier", label="Name, or name@version."
    )
    state = django_filters.ChoiceFilter(
        choices=ReviewItem.State.choices, label="Open ones, if left out."
    )

    class Meta:
        model = ReviewItem
        fields = ["library", "kind", "state"]

    def filter_label(
        self, items: QuerySet[ReviewItem], name: str, label: str
    ) -> QuerySet[ReviewItem]:
        """Keep the items of a label."""
        return items & list_items(meant=ItemFilter(label=label))

    def filter_folder(
        self, items: QuerySet[ReviewItem], name: str, folder: str
    ) -> QuerySet[ReviewItem]:
        """Keep the items of files below a folder."""
        return items & list_items(meant=ItemFilter(folder=folder))

    def filter_classifier(
        self, items: QuerySet[ReviewItem], name: str, classifier: str
    ) -> QuerySet[ReviewItem]:
        """Keep the items of a classifier."""
        return items & list_items(meant=ItemFilter(classifier=classifier))


class DecisionFilterSet(FilterSet):
    """By item, reviewer, batch and what was said."""

    item = IdFilter(field_name="item_id")
    reviewer = django_filters.CharFilter()
    batch = django_filters.CharFilter()
    action = django_filters.ChoiceFilter(choices=Decision.Action.choices)

    class Meta:
        model = Decision
        fields = ["item", "reviewer", "batch", "action"]
