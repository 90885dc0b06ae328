"""A task's log as text, in pieces or as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request

from ollamactl.lib.errors import NotFound
from tasks_app.log_search import LONGEST_SEARCH, Hits, search_log
from tasks_app.logs import LONGEST_READ, read_log
from tasks_app.models import Task

TEXT = "text/plain; charset=utf-8"
LOG_PARAMETERS = ("offset", "limit", "download", "contains")
LOG_RESPONSES: dict[Any, Any] = {
    (200, "text/plain"): OpenApiResponse(
        OpenApiTypes.STR,
        description=(
            "Whole characters from `X-Log-Offset`, which is larger than what was asked for where "
            "the bytes before it are no longer kept. Go on at `X-Log-Next-Offset`; `X-Log-Size` is "
            "where the log ends now. All are bytes. With `contains` only `X-Log-Hits` comes, the "
            "number of all lines that have the text."
        ),
    )
}


class LogQuery(serializers.Serializer[Any]):
    """Which part of a log: bytes."""

    offset = serializers.IntegerField(min_value=0, max_value=2**62, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=LONGEST_READ, default=LONGEST_READ)
    download = serializers.BooleanField(default=False)
    contains = serializers.CharField(max_length=LONGEST_SEARCH, default="", allow_blank=True)


LOG_QUERY = [
    OpenApiParameter("offset", int, description="The first byte."),
    OpenApiParameter("limit", int, description="The most bytes, 1,000,000 at most."),
    OpenApiParameter("download", bool, description="The whole log, as a file."),
    OpenApiParameter(
        "contains", str, description="Only the lines with this text, in any case: the last 500."
    ),
]


def log_response(request: Request, task: Task) -> HttpResponse | StreamingHttpResponse:
    """A part of the log, or with `download=1` all of it as an attachment.

    Raises `NotFound` with the code `log_missing` when no file is left.
    """
    query = LogQuery(data=request.query_params.dict())
    query.is_valid(raise_exception=True)
    given = query.validated_data
    part = read_log(task, given["offset"], given["limit"])
    if part is None:
        raise NotFound(
            _("This log is not there (any more). It may have been deleted from the disk."),
            code="log_missing",
        )
    if given["contains"]:
        hits = search_log(task, given["contains"]) or Hits()
        text = "".join(f"{line}\n" for line in hits.lines)
        return HttpResponse(text, content_type=TEXT, headers={"X-Log-Hits": str(hits.total)})
    if given["download"]:
        headers = {"Content-Disposition": f'attachment; filename="task-{task.pk}.log"'}
        return StreamingHttpResponse(_pieces(task), content_type=TEXT, headers=headers)
    return HttpResponse(
        part.text,
        content_type=TEXT,
        headers={
            "X-Log-Offset": str(part.offset),
            "X-Log-Next-Offset": str(part.next_offset),
            "X-Log-Size": str(part.size),
        },
    )


def _pieces(task: Task) -> Iterator[bytes]:
    """The whole log as it is now; what is written meanwhile comes too, but nobody waits for it."""
    offset = 0
    while part := read_log(task, offset):
        yield part.text.encode()
        if part.next_offset >= part.size or part.next_offset <= offset:
            return
        offset = part.next_offset
