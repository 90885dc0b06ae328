"""The panel's live events of one topic, over its socket with the token."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ollamactl.cli.remote.client import USER_AGENT, trusted_bundle
from ollamactl.cli.remote.config import Login, is_loopback
from ollamactl.cli.remote.records import object_of

if TYPE_CHECKING:
    from ssl import SSLContext

    from websockets.sync.client import ClientConnection

PATH = "/ws/v1/events/"
OPEN_S = 5.0
CLOSE_S = 1.0
LONGEST_MESSAGE = 1024 * 1024
UNAUTHENTICATED, FORBIDDEN = 4401, 4403
UNAVAILABLE = "unavailable"


class SocketLost(Exception):
    """No events from here on. `is_final`: asking again would be refused again."""

    def __init__(self, *, is_final: bool = False) -> None:
        super().__init__()
        self.is_final = is_final


class TopicEvents:
    """The events of one topic, from the moment at which it is opened."""

    def __init__(self, login: Login, topic: str) -> None:
        self._login = login
        self._topic = topic
        self._connection: ClientConnection | None = None

    def __enter__(self) -> Self:
        """Connect and subscribe; raise `SocketLost` where that does not work."""
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        url = self._login.url.replace("http", "ws", 1) + PATH
        try:
            self._connection = connect(
                url,
                ssl=_tls(url),
                proxy=None if is_loopback(self._login.url) else True,
                user_agent_header=USER_AGENT,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                max_size=LONGEST_MESSAGE,
                create_connection=_without_redirects(),
            ).__enter__()
            self._send({"type": "auth", "token": self._login.token})
            self._send({"type": "subscribe", "topics": [self._topic]})
        except (OSError, WebSocketException, ValueError) as error:
            self.close()
            raise SocketLost(is_final=_is_final(error)) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up. Never fails."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def receive_message(self, timeout: float) -> dict[str, Any] | None:
        """The next message, `{type, data, …}`; None after `timeout` seconds without one."""
        from websockets.exceptions import WebSocketException

        if self._connection is None:
            raise SocketLost
        try:
            message = json.loads(self._connection.recv(timeout))
        except TimeoutError:
            return None
        except (OSError, WebSocketException, ValueError, RecursionError) as error:
            self.close()
            raise SocketLost(is_final=_is_final(error)) from error
        if not isinstance(message, dict):
            return {}
        if message.get("type") == "error":  # nothing will come: the topic is refused, or it is down
            self.close()
            raise SocketLost(is_final=object_of(message, "data").get("code") != UNAVAILABLE)
        return message

    def _send(self, message: dict[str, Any]) -> None:
        if self._connection is not None:
            self._connection.send(json.dumps(message))


class TaskEvents(TopicEvents):
    """The events of one task."""

    def __init__(self, login: Login, task_id: int) -> None:
        super().__init__(login, f"task:{task_id}")
        self._task_id = task_id

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The data of the next event; empty for one that is not about the task, None after
        `timeout` seconds without one."""
        message = self.receive_message(timeout)
        if message is None:
            return None
        data = object_of(message, "data")
        return data if data.get("id") == self._task_id else {}


def _tls(url: str) -> SSLContext | None:
    """Trust what `requests` trusts, so that both ways to the panel behave the same."""
    if urlsplit(url).scheme != "wss":
        return None
    import ssl
    from pathlib import Path

    bundle = trusted_bundle()
    folder = Path(bundle).is_dir()
    return ssl.create_default_context(
        cafile=None if folder else bundle, capath=bundle if folder else None
    )


def _without_redirects() -> type[ClientConnection]:
    """A connection for which a redirect is an error: the token goes to nobody else."""
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.sync.client import ClientConnection

    class DirectConnection(ClientConnection):
        def handshake(self, *args: Any, **kwargs: Any) -> None:
            try:
                super().handshake(*args, **kwargs)
            except InvalidStatus as error:
                raise InvalidHandshake(f"status {error.response.status_code}") from error

    return DirectConnection


def _is_final(error: Exception) -> bool:
    from websockets.exceptions import ConnectionClosed

    if not isinstance(error, ConnectionClosed) or error.rcvd is None:
        return False
    return error.rcvd.code in {UNAUTHENTICATED, FORBIDDEN}
