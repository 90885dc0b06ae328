"""Serializers that refuse what they do not know, and the shape of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.units import bytes_of


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses unknown fields by name, and fields that can only be read."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            problems = {str(name)[:100]: [self._problem(str(name))] for name in data}
            errors = {name: found for name, found in problems.items() if found != [None]}
            if errors:
                raise ValidationError(errors)
        return super().to_internal_value(data)

    def _problem(self, name: str) -> ErrorDetail | None:
        field = self.fields.get(name)
        if field is None:
            sentence = _("There is no field “%(name)s” here.") % {"name": name[:100]}
            return ErrorDetail(sentence, code="unknown_field")
        if field.read_only:
            sentence = _("“%(name)s” can only be read.") % {"name": name}
            return ErrorDetail(sentence, code="read_only")
        return None


class Text(serializers.CharField):
    """A text; a number is not taken for one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data))


@extend_schema_field({"oneOf": [{"type": "integer"}, {"type": "string", "maxLength": 40}]})
class Size(serializers.Field[int, Any, int, Any]):
    """Bytes as a whole number, or text such as `4GB`."""

    def to_internal_value(self, data: Any) -> int:
        try:
            return bytes_of(data)
        except InvalidInput as error:
            raise ValidationError(str(error.detail), code=error.code) from error

    def to_representation(self, value: int) -> int:
        return value


class NoBody(StrictSerializer):
    """For actions that take nothing but their address."""


class ErrorItem(serializers.Serializer[Any]):
    """One thing that is wrong: a code for programs, a sentence for people, the field at fault."""

    code = serializers.CharField()
    detail = serializers.CharField()
    attr = serializers.CharField(allow_null=True)


class Error(serializers.Serializer[Any]):
    """Every error of this API. Some carry more: `permission`, `task`, `model`, `preflight`."""

    type = serializers.ChoiceField(["validation_error", "client_error", "server_error"])
    errors = ErrorItem(many=True)  # type: ignore[assignment]  # DRF's property of that name
