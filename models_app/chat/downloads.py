"""A chat as a download, from a page or the API."""

from __future__ import annotations

from django.http import HttpResponse

from models_app.chat.exports import FORMATS, export_chat, file_name
from models_app.chat.records import ChatSession


def file_of(session: ChatSession, format: str) -> HttpResponse:
    """The file, in one of `FORMATS`."""
    response = HttpResponse(export_chat(session, format), content_type=FORMATS[format])
    name = file_name(session, format)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
