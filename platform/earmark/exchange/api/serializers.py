"""What exports may be asked for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework import serializers

from earmark.core.api.fields import IdField
from earmark.exchange.exports.formats import FORMATS
from earmark.exchange.exports.labels import AUDACITY

MOST_FILES = 500


class ExportQuerySerializer(serializers.Serializer[Any]):
    """Which files are exported, and in which form."""

    format = serializers.ChoiceField(
        choices=[*FORMATS, AUDACITY],
        default="csv",
        help_text="`csv` for spreadsheets, `soundminer` and `basehead` to import there, `jsonl` "
        "with everything, `audacity` for the label track of one file.",
    )
    library = IdField(
        required=False,
        help_text="Only files of this library; otherwise of all that you may see.",
    )
    run = IdField(required=False, help_text="Only files of this run.")
    q = serializers.CharField(
        required=False,
        max_length=500,
        help_text="Only files that the search finds by these words; see `GET /search`.",
    )
    query = serializers.CharField(
        required=False,
        max_length=1000,
        help_text='Only files that fit, such as `tag:rain format:wav "Track 18"`.',
    )
    file = serializers.ListField(
        child=IdField(),
        required=False,
        max_length=MOST_FILES,
        help_text="Only these files; may be repeated.",
    )
    classifier = serializers.CharField(
        required=False,
        max_length=200,
        default=settings.EARMARK_CLASSIFIER,
        help_text="Whose timeline, for `audacity`; NAME or NAME@VERSION.",
    )
