"""The socket of live events, `/ws/v1/events/`: one protocol for pages and programs.

A plain ASGI application: Channels' own consumers open a subscription of their own for each socket,
and do their housekeeping in the one thread that all synchronous views share.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from django.utils.translation import get_language_from_request
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import ApplicationError, NotPermitted, Unavailable
from tasks_app.pump import pump_of_this_loop
from tasks_app.sockets.access import Account, Grant, admit_session, admit_token
from tasks_app.sockets.handshake import is_same_origin, request_of
from tasks_app.sockets.messages import encode, encode_error
from tasks_app.sockets.pool import in_pool
from tasks_app.sockets.requests import (
    MOST_SOCKETS,
    MOST_TOPICS,
    Allowance,
    TooMuch,
    not_permitted,
    read_message,
    too_many_sockets,
    too_many_topics,
    topics_in,
    unknown_type,
)
from tasks_app.sockets.socket import (
    FAILED,
    NOT_AUTHENTICATED,
    NOT_PERMITTED,
    TOO_MANY,
    Send,
    Socket,
)

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Message = dict[str, Any]

TIME_TO_AUTHENTICATE = 5.0


class EventsConsumer:
    """One client: who it is, what it asks for, until either side closes.

    A page of ours is known by its session cookie, if its Origin is ours. Everybody else sends
    `{"type": "auth", "token"}` first, within 5 s. Other first messages close the socket at once.
    """

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._pump = pump_of_this_loop()
        self._allowance = Allowance()
        self._is_first = True
        self._request = request_of(scope)
        self._language = get_language_from_request(self._request)

    @classmethod
    def as_asgi(cls) -> Callable[[Message, Receive, Send], Awaitable[None]]:
        """The ASGI application, one consumer for each socket."""

        async def application(scope: Message, receive: Receive, send: Send) -> None:
            await cls(scope, receive, send).run()

        return application

    async def run(self) -> None:
        """Serve the client until it is gone or the socket has been closed."""
        await self._receive()  # websocket.connect
        await self._send({"type": "websocket.accept"})
        self._socket = Socket(self._send)
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._socket.write())
        try:
            await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._pump.leave(self._socket)
            reader.cancel()
            writer.cancel()
            await asyncio.gather(reader, writer, return_exceptions=True)

    async def _read(self) -> None:
        """Take messages until the client is gone; then return."""
        try:
            if is_same_origin(self._scope, self._request):
                await self._guard(self._admit_page())
            while self._socket.close_code is None:
                received = await self._next()
                if received["type"] == "websocket.disconnect":
                    return
                await self._guard(self._handle(received))
                if self._socket.grant is None:
                    self._socket.close(NOT_AUTHENTICATED)
        except TimeoutError:
            self._socket.close(NOT_AUTHENTICATED)
        except Exception:
            logger.exception("live events: a socket ends by an unexpected error")
            self._refuse(Unavailable(_("The panel has a problem. Try again in a moment.")), FAILED)
        await asyncio.Event().wait()  # closed from this side: the writer has the last word

    async def _next(self) -> Message:
        """The next frame; TimeoutError for a stranger who does not say in time who it is."""
        limit = TIME_TO_AUTHENTICATE if self._socket.grant is None else None
        async with asyncio.timeout(limit):
            return await self._receive()

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what a client asks for; tell it what is wrong where that cannot be done."""
        try:
            await work
        except TooMuch as error:
            self._refuse(error, TOO_MANY)
        except ApplicationError as error:
            self._say(error)

    async def _handle(self, received: Message) -> None:
        self._allowance.spend()
        first, self._is_first = self._is_first, False
        message = read_message(received)
        if message["type"] == "auth" and first:
            await self._admit_program(message.get("token"))
        elif self._socket.grant is None:
            raise NotPermitted(_("Log in, or send a token first."), code="not_authenticated")
        elif message["type"] == "subscribe":
            await self._subscribe(message)
        elif message["type"] == "unsubscribe":
            self._unsubscribe(message)
        elif message["type"] == "ping":
            self._socket.offer(encode("pong"))
        else:
            raise unknown_type(message["type"])

    async def _admit_page(self) -> None:
        """Let in who is logged in."""
        admitted = await in_pool(admit_session, self._request)
        if admitted is not None:
            self._join(*admitted)

    async def _admit_program(self, token: object) -> None:
        """Let in the bearer of a token; whose cookie came with it does not matter."""
        self._pump.leave(self._socket)
        admitted = await in_pool(admit_token, token)
        if admitted is None:
            raise NotPermitted(
                _("This token is not valid (any more). Log in again, or use another one."),
                code="invalid_token",
            )
        self._join(*admitted)

    def _join(self, grant: Grant, account: Account) -> None:
        if self._pump.count_of(grant.user_id) >= MOST_SOCKETS:
            raise too_many_sockets()
        self._pump.join(self._socket, grant, account)
        hello = {
            "user": {"id": grant.user_id, "username": account.user.get_username()},
            "limits": {"topics": MOST_TOPICS, "sockets": MOST_SOCKETS},
        }
        self._socket.offer(encode("hello", subject=f"user:{grant.user_id}", data=hello))

    async def _subscribe(self, message: Message) -> None:
        wanted, errors = topics_in(message)
        for error in errors:
            self._say(error)
        if len(self._socket.topics.union(wanted)) > MOST_TOPICS:
            raise too_many_topics()
        allowed = await self._pump.permitted(self._socket, wanted)
        if denied := [topic for topic in wanted if topic not in allowed]:
            self._say(not_permitted(denied))
            if not allowed and not self._socket.topics:
                self._socket.close(NOT_PERMITTED)
        await self._pump.subscribe(self._socket, [topic for topic in wanted if topic in allowed])

    def _unsubscribe(self, message: Message) -> None:
        topics, errors = topics_in(message)
        for error in errors:
            self._say(error)
        self._pump.unsubscribe(self._socket, topics)

    def _say(self, error: ApplicationError) -> None:
        self._socket.offer(encode_error(error, self._language))

    def _refuse(self, error: ApplicationError, code: int) -> None:
        self._say(error)
        self._socket.close(code)
