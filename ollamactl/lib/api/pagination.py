"""Pages of lists."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from ollamactl.lib.paginator import RowPaginator

LONGEST_PAGE = 200
_DIGITS = 9


class PageNumbers(PageNumberPagination):
    """`page` and `page_size` (50; over 200 is refused)."""

    django_paginator_class = RowPaginator
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = LONGEST_PAGE

    def get_page_size(self, request: Request) -> int | None:
        number = _whole_number(request, "page_size")
        if number is None:
            return self.page_size
        if not 1 <= number <= LONGEST_PAGE:
            raise ValidationError(
                {"page_size": [_("Give a whole number from 1 to %d.") % LONGEST_PAGE]}
            )
        return number

    def get_page_number(self, request: Request, paginator: object) -> int | str:
        number = _whole_number(request, "page")
        if number == 0:
            raise ValidationError({"page": [_("Pages are counted from 1.")]})
        return 1 if number is None else number


class BoundedPageNumbers(PageNumbers):
    """Says whether there are more than `count`, which is then where the counting stopped."""

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        paginator: RowPaginator = self.page.paginator  # type: ignore[union-attr,assignment]
        response.data["count_is_minimum"] = paginator.has_more
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        whole: dict[str, Any] = super().get_paginated_response_schema(schema)
        whole["properties"]["count_is_minimum"] = {
            "type": "boolean",
            "description": "Whether there are more: what a search finds is counted up to 1,000, "
            "and as far as the pages that are asked for.",
        }
        whole["required"] = [*whole.get("required", []), "count_is_minimum"]
        return whole


def _whole_number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise ValidationError({name: [_("Give a whole number.")]})
    return int(text)
