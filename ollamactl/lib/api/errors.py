"""One shape for every error: `{type, errors: [{code, detail, attr}]}`."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from drf_standardized_errors.types import ExceptionHandlerContext
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ollamactl.lib.api.parsing import TooLarge
from ollamactl.lib.errors import ApplicationError


class DatabaseBusy(APIException):
    """The database does not answer; trying again later can help."""

    status_code = 503
    default_code = "unavailable"
    default_detail = _("The database does not answer. Try again in a moment.")


class Handler(ExceptionHandler):
    """Names the failures of Django that are nobody's bug."""

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        if isinstance(exc, RequestDataTooBig):
            return TooLarge()
        if isinstance(exc, SuspiciousOperation):
            return ParseError(_("The request cannot be read."))
        if isinstance(exc, (OperationalError, InterfaceError)):
            return DatabaseBusy()
        return super().convert_known_exceptions(exc)

    def convert_unhandled_exceptions(self, exc: Exception) -> APIException:
        if isinstance(exc, APIException):
            return exc
        return APIException(_("Something went wrong in the panel. Its log says what."))


class Formatter(ExceptionFormatter):
    """Every error has a code; `attr` is empty for what belongs to no single field."""

    def format_error_response(self, error_response: Any) -> Any:
        body = super().format_error_response(error_response)
        for error in body["errors"]:
            error["code"] = error["code"] or "invalid"
            if error["attr"] == "non_field_errors":
                error["attr"] = None
        return body


def exception_handler(error: Exception, context: ExceptionHandlerContext) -> Response | None:
    """Answer every error of a view in the API's one shape."""
    if isinstance(error, ApplicationError):
        set_rollback()
        return Response(as_body(error), status=error.status)
    return Handler(error, context).run()


def as_body(error: ApplicationError) -> dict[str, Any]:
    """The answer's body for an expected error; its `extra` stands beside the errors."""
    kind = "client_error" if error.status < 500 else "server_error"
    if error.status == 400:
        kind = "validation_error"
    return {
        **error.extra,
        "type": kind,
        "errors": [{"code": error.code, "detail": str(error.detail), "attr": error.attr}],
    }
