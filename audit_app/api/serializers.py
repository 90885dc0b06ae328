"""The shapes of users, tokens and audit records."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from audit_app.models import ApiToken, AuditRecord
from ollamactl.lib.api.serializers import StrictSerializer, Text


class UserSerializer(serializers.ModelSerializer[User]):
    """A user, as the user may know of itself."""

    name = serializers.CharField(source="get_full_name", read_only=True)
    email = serializers.CharField(read_only=True)  # may be empty
    groups = serializers.SlugRelatedField[Any]("name", many=True, read_only=True)

    class Meta:
        model = User
        fields = ["id", "username", "name", "email", "is_superuser", "groups", "last_login"]
        read_only_fields = fields


class MeSerializer(serializers.Serializer[Any]):
    """The user and every codename that it holds."""

    user = UserSerializer()
    permissions = serializers.ListField(child=serializers.CharField())


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    """A token, without what would let anybody use it."""

    prefix = serializers.CharField(source="token_key", read_only=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    expired = serializers.SerializerMethodField()
    current = serializers.SerializerMethodField()

    class Meta:
        model = ApiToken
        fields = [
            "id",
            "name",
            "prefix",
            "created_at",
            "expiry",
            "expired",
            "last_used_at",
            "current",
        ]
        read_only_fields = fields

    def get_expired(self, token: ApiToken) -> bool:
        return token.expiry is not None and token.expiry <= timezone.now()

    def get_current(self, token: ApiToken) -> bool:
        auth = self.context["request"].auth
        return isinstance(auth, ApiToken) and auth.pk == token.pk


class NewTokenSerializer(StrictSerializer):
    """What a token is made from: `expiry` null is for ever, left out it is 30 days."""

    name = Text(max_length=100)
    expiry = serializers.DateTimeField(required=False, allow_null=True)

    def validate_expiry(self, value: Any) -> Any:
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError(_("This time is in the past."), code="past")
        return value


class IssuedTokenSerializer(TokenSerializer):
    """A token at the one moment when it can be read."""

    token = serializers.SerializerMethodField()

    class Meta(TokenSerializer.Meta):
        fields = [*TokenSerializer.Meta.fields, "token"]
        read_only_fields = fields

    def get_token(self, token: ApiToken) -> str:
        return str(self.context["token"])


class LoginSerializer(StrictSerializer):
    """What the token of a login is called in the list of tokens."""

    name = Text(max_length=100, required=False, default="login")


class LoggedInSerializer(serializers.Serializer[Any]):
    """The token of a login and when it ends."""

    token = serializers.CharField()
    expiry = serializers.DateTimeField(allow_null=True)


class AuditRecordSerializer(serializers.ModelSerializer[AuditRecord]):
    """One action of one actor."""

    user = serializers.PrimaryKeyRelatedField[User](read_only=True, allow_null=True)
    data = serializers.SerializerMethodField()  # type: ignore[assignment]

    class Meta:
        model = AuditRecord
        fields = [
            "id",
            "at",
            "user",
            "user_name",
            "origin",
            "address",
            "verb",
            "outcome",
            "resource_type",
            "resource_id",
            "resource_name",
            "data",
        ]
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_data(self, record: AuditRecord) -> Any:
        return record.data
