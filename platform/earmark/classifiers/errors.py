"""What can go wrong with classifiers before they hear anything."""

from __future__ import annotations

from earmark.core.errors import EarmarkError


class ClassifierUnavailableError(EarmarkError):
    """No classifier of that name can be used here."""

    code = "classifier_unavailable"
    hint = "`manage.py classifiers` shows what there is, and why something is not."
