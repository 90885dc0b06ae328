"""The panel's live events of one task, over its socket with the token."""

from __future__ import annotations

import json
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ollamactl.cli.remote.client import USER_AGENT, trusted_bundle
from ollamactl.cli.remote.config import Login, is_loopback

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


class TaskEvents:
    """The events of one task, from the moment at which it is opened."""

    def __init__(self, login: Login, task_id: int) -> None:
        self._login = login
        self._topic = f"task:{task_id}"
        self._task_id = task_id
        self._connection: ClientConnection | None = None

    def __enter__(self) -> TaskEvents:
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

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The data of the next event about the task; None after `timeout` seconds without one."""
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
        return self._data(message)

    def _data(self, message: object) -> dict[str, Any]:
        """The data, if it is about the task; else an empty object."""
        if not isinstance(message, dict):
            return {}
        data = message.get("data")
        if message.get("type") == "error":  # nothing will come: the topic is refused, or it is down
            self.close()
            code = data.get("code") if isinstance(data, dict) else None
            raise SocketLost(is_final=code != UNAVAILABLE)
        return data if isinstance(data, dict) and data.get("id") == self._task_id else {}

    def _send(self, message: dict[str, Any]) -> None:
        if self._connection is not None:
            self._connection.send(json.dumps(message))


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
