"""An answer of a model, shown while it comes, through cuts of the socket and lost workers."""

from __future__ import annotations

import time
from typing import Protocol

from ollamactl.cli.failures import ApiError, Unreachable
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.events import SocketLost, TopicEvents
from ollamactl.cli.remote.records import int_of, object_of, text_of

LIVE = ("pending", "streaming")
POLL_S = 0.4
# Without news for so long the API is asked, in case some were lost.
QUIET_S = 5.0
SOCKET_AGAIN_S = 10.0
PATIENCE_S = 120.0


class Screen(Protocol):
    """Where an answer is shown."""

    def phase(self, name: str) -> None:
        """What the model does before its first word."""

    def thinking(self, text: str) -> None:
        """More of its thinking."""

    def text(self, text: str) -> None:
        """More of its answer."""

    def anew(self) -> None:
        """What was shown is void: the answer begins anew."""

    def end(self) -> None:
        """Nothing more comes."""


class ChatWire:
    """The live events of one chat; without the socket there are none, and the API is asked."""

    def __init__(self, panel: Panel, chat_id: int) -> None:
        self._panel = panel
        self._topic = f"chat:{chat_id}"
        self._events: TopicEvents | None = None
        self._socket_from = 0.0

    def open(self) -> None:
        """Have a socket, if one is to be had now."""
        if self._events is not None or time.monotonic() < self._socket_from:
            return
        try:
            self._events = TopicEvents(self._panel.login, self._topic).__enter__()
        except SocketLost as lost:
            self._lose(lost)

    def close(self) -> None:
        """Hang up."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def next(self) -> Json | None:
        """The next message; None where the API has to be asked."""
        if self._events is None:
            time.sleep(POLL_S)
            return None
        try:
            return self._events.receive_message(QUIET_S)
        except SocketLost as lost:
            self._lose(lost)
            return None

    def _lose(self, lost: SocketLost) -> None:
        self._events = None
        self._socket_from = float("inf") if lost.is_final else time.monotonic() + SOCKET_AGAIN_S


class Answer:
    """One answer, followed to its end. `message` is its row as the API had it last."""

    def __init__(self, panel: Panel, chat_id: int, message: Json, screen: Screen) -> None:
        self._panel = panel
        self._path = f"chats/{chat_id}/messages/{int_of(message, 'id')}/"
        self._id = int_of(message, "id")
        self._attempt = 0
        self._shown = {"text": "", "thinking": ""}
        self._screen = screen
        self.message = message

    def follow(self, wire: ChatWire) -> Json:
        """Show it until its end; returns its row then."""
        while True:
            wire.open()
            if self._read():
                return self.message
            while (message := wire.next()) is not None:
                if not self._hear(message):
                    break

    def stop(self) -> None:
        """Ask the panel to stop it; what was written stays."""
        try:
            self._panel.post(f"{self._path}stop/")
        except ApiError as error:
            if error.code != "ended":
                raise

    def _hear(self, message: Json) -> bool:
        """Take in an event; False where the API has to be asked: at the end, or at a gap."""
        data = object_of(message, "data")
        kind = text_of(message, "type")
        if kind == "chat.delta" and data.get("message") == self._id:
            return self._grow(data)
        if kind == "task.progress":
            self._screen.phase(text_of(data, "phase"))
        if kind in ("chat.changed", "snapshot") and data.get("last") == self._id:
            return text_of(data, "last_state") in LIVE
        return kind != "chat.removed"

    def _grow(self, data: Json) -> bool:
        attempt = int_of(data, "attempt") or 0
        if attempt < self._attempt:
            return True
        self._begin(attempt)
        return all(
            self._add(name, int_of(data, offset) or 0, text_of(data, name))
            for name, offset in (("thinking", "thinking_offset"), ("text", "offset"))
        )

    def _begin(self, attempt: int) -> None:
        if attempt > self._attempt:
            if any(self._shown.values()):
                self._screen.anew()
            self._attempt = attempt
            self._shown = {"text": "", "thinking": ""}

    def _add(self, name: str, offset: int, text: str) -> bool:
        """Show what is new; False where something is missing before it."""
        known = len(self._shown[name])
        if offset > known:
            return False
        fresh = text[known - offset :]
        if fresh:
            self._shown[name] += fresh
            (self._screen.text if name == "text" else self._screen.thinking)(fresh)
        return True

    def _read(self) -> bool:
        """Ask the API, however long the panel is away; whether the answer has ended."""
        self.message = self._ask()
        attempt = int_of(self.message, "attempt") or 0
        if attempt >= self._attempt:
            self._begin(attempt)
            self._add("thinking", 0, text_of(self.message, "thinking"))
            self._add("text", 0, text_of(self.message, "content"))
        return text_of(self.message, "state") not in LIVE

    def _ask(self) -> Json:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return self._panel.get(self._path)
            except Unreachable:
                if time.monotonic() > until:
                    raise
                time.sleep(POLL_S)
