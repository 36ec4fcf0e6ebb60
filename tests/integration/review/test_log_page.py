"""The log in the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from earmark.classifiers.models import ClassifierVersion
from earmark.library.models import Library
from earmark.review.models import Decision
from earmark.review.services import Word, decide
from tests.review_queue import unsure_of


@pytest.mark.django_db
def test_the_log_can_be_read_also_when_what_it_is_about_is_gone(
    client: Client, library: Library, classifier: ClassifierVersion
):
    [item] = unsure_of(library, classifier)
    decision = decide(item_id=item.pk, reviewer="anna", word=Word(Decision.Action.ACCEPT))
    client.force_login(User.objects.create_superuser("root"))
    library.delete()

    for page in ("", f"{decision.pk}/change/"):
        answer = client.get(f"/admin/review/decision/{page}")
        assert answer.status_code == 200
        assert "anna" in answer.content.decode()
    assert client.post(f"/admin/review/decision/{decision.pk}/delete/").status_code == 403
