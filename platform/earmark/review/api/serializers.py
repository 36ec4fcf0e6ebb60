"""What the API takes and gives of the queue, the log and what they teach."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from earmark.core.api.answers import AnswerSerializer
from earmark.review.models import Decision, ReviewItem
from earmark.review.services.batches import MOST
from earmark.review.services.deciding import MOST_COMMENT, MOST_WORDS
from earmark.review.statistics import NOT_REACHED, TOO_FEW

_ACTIONS = [choice for choice in Decision.Action.choices if choice[0] != Decision.Action.UNDO]
_LONGEST_TABLE = 1_000_000


def _id(**options: Any) -> serializers.IntegerField:
    """Return a field for the id of a row."""
    return serializers.IntegerField(min_value=1, max_value=(1 << 63) - 1, **options)


class ReviewItemSerializer(AnswerSerializer[ReviewItem]):
    """A tag that waits for a person, or did."""

    path = serializers.CharField(source="file.path", help_text="Relative to the library.")
    verdict = serializers.ChoiceField(
        ReviewItem.Verdict.choices, allow_blank=True, help_text="Empty until it is decided."
    )

    class Meta:
        model = ReviewItem
        fields = [
            *("id", "library", "file", "path", "name", "label", "mid", "score", "classifier"),
            *("kind", "cluster", "state", "verdict", "holder", "lease_until"),
            *("created_at", "closed_at"),
        ]
        read_only_fields = fields


class HeldItemSerializer(ReviewItemSerializer):
    """An item that the one who asks holds."""

    attempt = serializers.IntegerField(
        source="attempts", help_text="Number of the hold: name it to renew it and to decide."
    )

    class Meta(ReviewItemSerializer.Meta):
        fields = [*ReviewItemSerializer.Meta.fields, "attempt"]
        read_only_fields = fields


class NeighbourSerializer(serializers.Serializer[Any]):
    """A sound that is nearly the same, and what was found there."""

    item_id = serializers.IntegerField()
    path = serializers.CharField()
    score = serializers.FloatField()
    verdict = serializers.ChoiceField(ReviewItem.Verdict.choices, allow_blank=True)


class ItemTagSerializer(serializers.Serializer[Any]):
    """A tag of the item's file."""

    name = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    decision = serializers.CharField()
    origin = serializers.CharField()


class ReviewItemViewSerializer(serializers.Serializer[Any]):
    """All that a reviewer is shown of an item; not what others said about it."""

    item = ReviewItemSerializer()
    why = serializers.ListField(
        child=serializers.CharField(), help_text="The way from the tag back to the classifiers."
    )
    against = serializers.CharField(help_text="The person's word that the tag contradicts.")
    start = serializers.FloatField(allow_null=True, help_text="Seconds that speak most for it.")
    end = serializers.FloatField(allow_null=True)
    tags = ItemTagSerializer(many=True)
    said = serializers.DictField(
        source="evidence.as_dict", help_text="What people had written in file and name."
    )
    alike = serializers.IntegerField(help_text="Open items nearly the same, this one included.")
    neighbours = NeighbourSerializer(many=True)


class PlaceInput(serializers.Serializer[Any]):
    """Which items are meant; what is left out does not matter."""

    library = _id(required=False)
    label = serializers.CharField(  # type: ignore[assignment]
        required=False, default="", max_length=200, help_text="Label or tag."
    )
    kind = serializers.ChoiceField(ReviewItem.Kind.choices, required=False, default="")
    folder = serializers.CharField(
        required=False, default="", max_length=4096, help_text="A folder of the library."
    )
    classifier = serializers.CharField(
        required=False, default="", max_length=300, help_text="Name, or name@version."
    )


class NextInput(PlaceInput):
    """How many items to take, and from where."""

    limit = serializers.IntegerField(min_value=1, max_value=50, default=1)


class HoldInput(serializers.Serializer[Any]):
    """Which hold is meant."""

    attempt = serializers.IntegerField(min_value=0, max_value=(1 << 31) - 1)


class WordInput(serializers.Serializer[Any]):
    """What is decided."""

    action = serializers.ChoiceField(_ACTIONS)
    words = serializers.ListField(
        child=serializers.CharField(max_length=100),
        max_length=MOST_WORDS,
        default=list,
        help_text="For `replace` and `add`: words that belong to the sound.",
    )
    comment = serializers.CharField(max_length=MOST_COMMENT, allow_blank=True, default="")


class DecisionInput(WordInput):
    """What is decided about which item."""

    item = _id()
    attempt = serializers.IntegerField(
        min_value=0, max_value=(1 << 31) - 1, required=False, help_text="The hold, if there is one."
    )


class DecisionBatchInput(WordInput):
    """What is decided about several items."""

    items = serializers.ListField(child=_id(), min_length=1, max_length=MOST)


class ReviewItemInput(serializers.Serializer[Any]):
    """Which item is meant."""

    item = _id()


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    """A row of the log."""

    item = serializers.IntegerField(source="item_id")
    words = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Decision
        fields = [
            *("id", "item", "action", "words", "comment", "reviewer", "batch", "undoes"),
            *("library", "path", "name", "label", "score", "classifier", "kind", "created_at"),
        ]
        read_only_fields = fields


class DecisionPreviewSerializer(serializers.Serializer[Any]):
    """What a batch would be about."""

    items = ReviewItemSerializer(many=True)
    held = serializers.IntegerField(help_text="Others nearly the same that are not free.")


class LeftOutSerializer(serializers.Serializer[Any]):
    """An item that was not decided, and why."""

    item_id = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()


class DecisionBatchSerializer(serializers.Serializer[Any]):
    """What became of a batch."""

    batch = serializers.CharField(help_text="Its name, for the undo.")
    decisions = DecisionSerializer(many=True)
    left_out = LeftOutSerializer(many=True)


class ShareSerializer(serializers.Serializer[Any]):
    """An estimated share with its 95 % interval (Wilson); null where nothing was decided."""

    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    decisions = serializers.IntegerField()


class AgreementSerializer(serializers.Serializer[Any]):
    """How the answers of two reviewers to the same questions compare."""

    items = serializers.IntegerField()
    both_right = serializers.IntegerField()
    both_wrong = serializers.IntegerField()
    first_right = serializers.IntegerField()
    second_right = serializers.IntegerField()
    kappa = serializers.FloatField(allow_null=True, help_text="Cohen's; null where not defined.")


class LabelReportSerializer(serializers.Serializer[Any]):
    """What was found about a label of a classifier."""

    label = serializers.CharField()  # type: ignore[assignment]
    classifier = serializers.CharField()
    right = serializers.IntegerField()
    wrong = serializers.IntegerField()
    unsure = serializers.IntegerField()
    threshold = serializers.FloatField()
    precision = ShareSerializer()
    recall = ShareSerializer()
    agreement = AgreementSerializer()


class ReviewStatsSerializer(serializers.Serializer[Any]):
    """How many items there are, by state and kind, and how right each label is."""

    items = serializers.DictField(child=serializers.DictField(child=serializers.IntegerField()))
    labels = LabelReportSerializer(many=True)


class ThresholdsInput(PlaceInput):
    """How right tags shall be."""

    precision = serializers.FloatField(min_value=0.01, max_value=0.999, default=0.9)


class ThresholdSuggestionSerializer(serializers.Serializer[Any]):
    """A threshold for a label, or why none is suggested."""

    label = serializers.CharField()  # type: ignore[assignment]
    classifier = serializers.CharField()
    threshold = serializers.FloatField(help_text="The present one.")
    suggested = serializers.FloatField(source="suggestion.threshold", allow_null=True)
    reason = serializers.ChoiceField(
        [TOO_FEW, NOT_REACHED], source="suggestion.reason", allow_blank=True
    )
    precision = ShareSerializer(source="suggestion.precision")
    recall = ShareSerializer(source="suggestion.recall")


class DecisionTableInput(serializers.Serializer[Any]):
    """A table of decisions."""

    table = serializers.CharField(
        max_length=_LONGEST_TABLE,
        trim_whitespace=False,
        help_text="CSV with the columns file, label, decision and, if wanted, words and comment; "
        f"at most {MOST} rows.",
    )
    library = _id(required=False)
    dry_run = serializers.BooleanField(default=False)


class DecisionRowErrorSerializer(serializers.Serializer[Any]):
    """A row that was not taken, and why."""

    line = serializers.IntegerField()
    code = serializers.CharField()
    message = serializers.CharField()


class ImportedDecisionsSerializer(serializers.Serializer[Any]):
    """What became of a table."""

    batch = serializers.CharField(help_text="Its name, for the undo of all rows.")
    decided = serializers.IntegerField()
    errors = DecisionRowErrorSerializer(many=True)  # type: ignore[assignment]
