"""What the API of tags, policies and thesaurus takes and gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from earmark.library.models import AudioFile
from earmark.tagging.knowledge import Combine, Parents, Why
from earmark.tagging.knowledge.rule_words import RULE_WORDS
from earmark.tagging.models import PolicyChange, Tag, TagChange, TagSet, ThesaurusEntry
from earmark.tagging.services.by_people import LONGEST_WORD, MOST_WORDS


class SayingSerializer(serializers.Serializer[Any]):
    """Who decided about a word, and when."""

    by = serializers.CharField()
    at = serializers.DateTimeField()
    comment = serializers.CharField(default="")
    change = serializers.IntegerField(default=0, help_text="The change it was said with.")


class VoteSerializer(serializers.Serializer[Any]):
    """What a classifier said."""

    classifier = serializers.CharField()
    score = serializers.FloatField()
    start = serializers.FloatField(allow_null=True, help_text="Seconds that speak most for it.")
    end = serializers.FloatField(allow_null=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """Why a word is there."""

    rule = serializers.CharField()
    meaning = serializers.CharField(help_text="The rule in words.")
    path = serializers.ListField(
        child=serializers.CharField(), help_text="From the word back to who said it."
    )
    votes = VoteSerializer(many=True)
    person = SayingSerializer(allow_null=True)


class TagSerializer(serializers.Serializer[Any]):
    """A word of a file."""

    name = serializers.CharField()
    decision = serializers.ChoiceField(choices=Tag.Decision.choices)
    confidence = serializers.FloatField(allow_null=True)
    source = serializers.ChoiceField(  # type: ignore[assignment]
        choices=["rules", "person"], help_text="Whether a person said it or the rules."
    )
    origin = serializers.ChoiceField(choices=Tag.Origin.choices)
    label = serializers.CharField(help_text="The label it follows from.")  # type: ignore[assignment]
    mid = serializers.CharField(help_text="AudioSet's id of that label.")
    reason = ReasonSerializer()


class TagCountsSerializer(serializers.Serializer[Any]):
    """How many words there are of each kind."""

    accept = serializers.IntegerField()
    review = serializers.IntegerField()
    by_people = serializers.IntegerField()


class RunnerUpSerializer(serializers.Serializer[Any]):
    """A category that comes after the first."""

    catid = serializers.CharField()
    confidence = serializers.FloatField()


class CategorySerializer(serializers.Serializer[Any]):
    """The place of a file in UCS."""

    catid = serializers.CharField()
    confidence = serializers.FloatField(allow_null=True)
    runners_up = RunnerUpSerializer(many=True)


class FileTagsSerializer(serializers.Serializer[Any]):
    """All words of a file, surest first."""

    file = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Grows with each change; 0: never tagged.")
    counts = TagCountsSerializer()
    tags = TagSerializer(many=True)
    category = CategorySerializer(allow_null=True)


class WordsField(serializers.ListField):
    """Words that can be tags."""

    def __init__(self, **kwargs: Any) -> None:
        word = serializers.CharField(max_length=LONGEST_WORD)
        super().__init__(child=word, max_length=MOST_WORDS, **kwargs)


class WordsInput(serializers.Serializer[Any]):
    """What a person does to words."""

    add = WordsField(default=list, help_text="Words that belong to the file.")
    remove = WordsField(default=list, help_text="Words that do not.")
    withdraw = WordsField(default=list, help_text="Words about which the rules decide again.")
    replace = WordsField(
        allow_null=True, default=None, help_text="These words and no others, now and later."
    )
    comment = serializers.CharField(max_length=500, allow_blank=True, default="")


class TagChangeSerializer(serializers.ModelSerializer[TagChange]):
    """Something a person did to the words of a file."""

    words = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    by = serializers.CharField(source="by_name", read_only=True)
    undone_by = serializers.CharField(source="undone_by_name", read_only=True)

    class Meta:
        model = TagChange
        fields = [
            *("id", "file", "words", "comment", "by", "batch", "created_at"),
            *("undone_at", "undone_by"),
        ]
        read_only_fields = fields


class _Share(serializers.FloatField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=0.0, max_value=1.0, **kwargs)


class _Names(serializers.ListField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=serializers.CharField(max_length=200), max_length=2000, **kwargs)


class PolicySettingsSerializer(serializers.Serializer[Any]):
    """The settings of a policy; see docs/tagging.md."""

    accept = _Share(required=False)
    review = _Share(required=False)
    sure = _Share(required=False)
    label_thresholds = serializers.DictField(child=_Share(), required=False)
    denied = _Names(required=False)
    allowed = _Names(required=False)
    max_labels = serializers.IntegerField(
        min_value=0, max_value=10_000, allow_null=True, required=False
    )
    max_words = serializers.IntegerField(
        min_value=0, max_value=10_000, allow_null=True, required=False
    )
    synonyms_per_label = serializers.IntegerField(min_value=0, max_value=1000, required=False)
    combine = serializers.ChoiceField(choices=[one.value for one in Combine], required=False)
    tie_margin = _Share(required=False)
    parents = serializers.ChoiceField(choices=[one.value for one in Parents], required=False)
    languages = _Names(required=False)
    search_hypernyms = serializers.BooleanField(required=False)

    def validate_label_thresholds(self, value: dict[str, float]) -> dict[str, float]:
        """Names of labels are text like any other."""
        name = serializers.CharField(max_length=200)
        return {name.run_validation(key): one for key, one in value.items()}


class PolicyInput(serializers.Serializer[Any]):
    """A new version of a policy: what is not named stays as it is."""

    settings = PolicySettingsSerializer()
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class PolicySerializer(serializers.Serializer[Any]):
    """The policy that holds."""

    library = serializers.IntegerField(
        allow_null=True, help_text="Whose it is; null: of all that have none of their own."
    )
    number = serializers.IntegerField(help_text="0: Earmark's own, nobody has set one.")
    version = serializers.CharField(help_text="Equal policies have equal versions.")
    settings = PolicySettingsSerializer()


class PolicyVersionSerializer(serializers.ModelSerializer[PolicyChange]):
    """A version of a policy in its history."""

    version = serializers.CharField(
        source="policy_id", allow_null=True, help_text="Null: follows the default from then on."
    )
    settings = serializers.SerializerMethodField()
    changed_by = serializers.CharField(
        source="changed_by.username", default=None, allow_null=True, read_only=True
    )

    class Meta:
        model = PolicyChange
        fields = [
            *("library", "number", "version", "settings", "note", "changed_by", "created_at"),
        ]
        read_only_fields = fields

    @extend_schema_field(PolicySettingsSerializer(allow_null=True))
    def get_settings(self, change: PolicyChange) -> dict[str, Any] | None:
        """Return them as they were set."""
        return change.policy.values if change.policy else None


class EntrySerializer(serializers.ModelSerializer[ThesaurusEntry]):
    """What a studio says about a term."""

    synonyms = serializers.ListField(child=serializers.CharField(), allow_null=True)
    forbidden = serializers.ListField(child=serializers.CharField())
    translations = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = ThesaurusEntry
        fields = [
            *("id", "library", "term", "preferred", "synonyms", "forbidden", "translations"),
            "updated_at",
        ]
        read_only_fields = fields


class EntryInput(serializers.Serializer[Any]):
    """An entry, in place of the one about the same term if there is one."""

    term = serializers.CharField(max_length=200)
    preferred = serializers.CharField(max_length=200, allow_blank=True, default="")
    synonyms = _Names(allow_null=True, default=None, help_text="Null leaves them to WordNet.")
    forbidden = _Names(default=list)
    translations = serializers.DictField(
        child=serializers.CharField(max_length=200), default=dict, help_text='{"de": "Hund"}'
    )


class ImportedSerializer(serializers.Serializer[Any]):
    """What an import did, in numbers of entries."""

    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    removed = serializers.IntegerField()


def file_tags_values(
    file: AudioFile, tag_set: TagSet | None, tags: Sequence[Tag]
) -> dict[str, Any]:
    """Return what `FileTagsSerializer` shows."""
    kinds = Counter(tag.decision for tag in tags)
    return {
        "file": file.pk,
        "version": tag_set.version if tag_set else 0,
        "counts": {
            "accept": kinds[Tag.Decision.ACCEPT],
            "review": kinds[Tag.Decision.REVIEW],
            "by_people": sum(tag.origin == Tag.Origin.PERSON for tag in tags),
        },
        "tags": [_tag_values(tag) for tag in tags],
        "category": _category_values(tag_set) if tag_set and tag_set.catid else None,
    }


def reason_values(why: Why, name: str) -> dict[str, Any]:
    """Return what `ReasonSerializer` shows."""
    return {
        "rule": why.rule.value,
        "meaning": RULE_WORDS[why.rule],
        "path": list(why.path(name)),
        "votes": why.votes,
        "person": why.person,
    }


def _tag_values(tag: Tag) -> dict[str, Any]:
    return {
        "name": tag.name,
        "decision": tag.decision,
        "confidence": tag.confidence,
        "source": "person" if tag.origin == Tag.Origin.PERSON else "rules",
        "origin": tag.origin,
        "label": tag.label,
        "mid": tag.mid,
        "reason": reason_values(Why.from_dict(tag.why), tag.name),
    }


def _category_values(tag_set: TagSet) -> dict[str, Any]:
    others = [{"catid": catid, "confidence": one} for catid, one in tag_set.catid_runners_up]
    return {
        "catid": tag_set.catid,
        "confidence": tag_set.catid_confidence,
        "runners_up": others,
    }
