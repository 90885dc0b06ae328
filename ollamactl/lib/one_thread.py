"""The handler of HTTP requests: all of a request in one thread.

All middleware and views are synchronous. Django's own handler for ASGI goes back to the event loop
between the two, and a request then changes threads six times instead of twice; and it begins a
thread for each request, which opens a database connection of its own.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ollamactl.lib.kept_threads import KeptThreads

KEPT = 4
"""Threads that wait for the next request, each with a connection."""


class OneThreadHandler(ASGIHandler):
    """Django's handler for ASGI, with the middleware loaded for synchronous use."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = KeptThreads(KEPT)

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        with self._threads.one() as thread:
            async with ThreadSensitiveContext(executor=thread):
                await self.handle(scope, receive, send)

    def load_middleware(self, is_async: bool = False) -> None:
        """Load it for threads, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """The response, by the thread of this request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
