"""The handler of HTTP requests: all of a request in one thread.

All middleware and views are synchronous. Django's own handler for ASGI goes back to the event loop
between the two, and a request then changes threads six times instead of twice.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    """Django's handler for ASGI, with the middleware loaded for synchronous use."""

    def load_middleware(self, is_async: bool = False) -> None:
        """Load it for threads, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response, by the thread of this request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
