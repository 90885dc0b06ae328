"""What every part of the JSON API shares."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_standardized_errors.handler import exception_handler as standardized
from rest_framework.exceptions import NotFound as PageNotFound
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from ollamactl.lib.errors import ApplicationError


class PageNumbers(PageNumberPagination):
    """`page` and `page_size` (50; over 200 is refused)."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200

    def get_page_size(self, request: Request) -> int | None:
        text = request.query_params.get("page_size")
        if text is None:
            return self.page_size
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= self.max_page_size:
            raise ValidationError(
                {"page_size": [_("Give a whole number from 1 to %d.") % self.max_page_size]}
            )
        return int(text)


class HasCodename(IsAuthenticated):
    """Logged in, and permitted by the view's `permission_of` (see `PermissionMixin`)."""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer expected errors in the API's one shape."""
    if isinstance(error, ApplicationError):
        kind = "client_error" if error.status < 500 else "server_error"
        body = {
            "type": kind,
            "errors": [{"code": error.code, "detail": str(error.detail), "attr": error.attr}],
            **error.extra,
        }
        return Response(body, status=error.status)
    return standardized(error, context)


__all__ = ["HasCodename", "PageNotFound", "PageNumbers", "exception_handler"]
