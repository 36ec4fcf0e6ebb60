"""Serializers whose fields are made once."""

from __future__ import annotations

from django.contrib.auth.models import Group, User
from rest_framework import serializers

from earmark.core.api.answers import AnswerSerializer


class UserAnswer(AnswerSerializer[User]):
    shout = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["username", "shout"]
        read_only_fields = fields

    def get_shout(self, user: User) -> str:
        return user.username.upper()


class GroupAnswer(AnswerSerializer[Group]):
    class Meta:
        model = Group
        fields = ["name"]
        read_only_fields = fields


def test_rows_are_answered_alone_and_in_lists() -> None:
    ann, bob = User(username="ann"), User(username="bob")
    assert UserAnswer(ann).data == {"username": "ann", "shout": "ANN"}
    assert UserAnswer([ann, bob], many=True).data == [
        {"username": "ann", "shout": "ANN"},
        {"username": "bob", "shout": "BOB"},
    ]


def test_each_class_makes_its_fields_once() -> None:
    assert UserAnswer().fields is UserAnswer(User()).fields
    assert list(GroupAnswer().fields) == ["name"]
