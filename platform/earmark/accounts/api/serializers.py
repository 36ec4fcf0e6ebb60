"""What the API of accounts takes and gives."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.validators import UnicodeUsernameValidator
from rest_framework import serializers

from earmark.accounts.models import ApiToken, AuditEntry
from earmark.accounts.scopes import Scope

MOST_DAYS = 3650


class UserSerializer(serializers.ModelSerializer[User]):
    """Somebody with an account."""

    email = serializers.CharField(help_text="May be empty.")

    class Meta:
        model = User
        fields = ["id", "username", "email", "is_active", "is_superuser", "date_joined"]
        read_only_fields = fields


class UserInput(serializers.Serializer[Any]):
    """A user to be made."""

    username = serializers.CharField(max_length=150, validators=[UnicodeUsernameValidator()])
    password = serializers.CharField(
        max_length=128,
        required=False,
        trim_whitespace=False,
        help_text="Without one, the user can be used with tokens only.",
    )
    email = serializers.EmailField(max_length=254, required=False)
    is_superuser = serializers.BooleanField(default=False)


class UserChange(serializers.Serializer[Any]):
    """What can be changed of a user."""

    is_active = serializers.BooleanField()


class GroupSerializer(serializers.ModelSerializer[Group]):
    """People who have the same roles."""

    members = serializers.IntegerField(help_text="How many they are.")

    class Meta:
        model = Group
        fields = ["id", "name", "members"]
        read_only_fields = fields


class GroupInput(serializers.Serializer[Any]):
    """A group to be made."""

    name = serializers.CharField(max_length=150)


class MemberInput(serializers.Serializer[Any]):
    """Somebody, by name."""

    user = serializers.CharField(max_length=150)


class MeSerializer(serializers.ModelSerializer[User]):
    """Who asks, and with what."""

    email = serializers.CharField(help_text="May be empty.")
    scopes = serializers.SerializerMethodField(help_text="Of the token; a session has all.")

    class Meta:
        model = User
        fields = ["id", "username", "email", "is_superuser", "scopes"]
        read_only_fields = fields

    def get_scopes(self, user: User) -> list[Scope]:
        """Return what may be done with this token or session."""
        scopes = getattr(self.context["request"].auth, "scopes", Scope.values)
        return [Scope(scope) for scope in scopes]


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token, without what makes it one."""

    scopes = serializers.ListField(child=serializers.ChoiceField(choices=Scope.choices))

    class Meta:
        model = ApiToken
        fields = [
            *("id", "name", "prefix", "scopes", "created_at", "expires_at"),
            *("last_used_at", "revoked_at"),
        ]
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    """A token that was just made."""

    token = serializers.CharField(help_text="Shown this once; keep it like a password.")

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields


class TokenInput(serializers.Serializer[Any]):
    """A token to be made."""

    name = serializers.CharField(max_length=100, help_text="What it is for.")
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), min_length=1, max_length=len(Scope)
    )
    days = serializers.IntegerField(
        min_value=1,
        max_value=MOST_DAYS,
        default=90,
        allow_null=True,
        help_text="Until it expires; null for never. No later than the token it is made with.",
    )


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """Something that was done."""

    details = serializers.DictField()

    class Meta:
        model = AuditEntry
        fields = [
            *("id", "at", "actor_id", "actor", "token_id", "address", "act"),
            *("object_type", "object_id", "object_name", "details"),
        ]
        read_only_fields = fields
