"""What goes out to many sockets at once: events framed once, and joined once for all who hear the
same of them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tasks_app.sockets.frames import frame_of

logger = logging.getLogger(__name__)


def key_of(event: Mapping[str, Any]) -> object:
    """The task of an event about progress, of which the newest is enough; else nothing's equal."""
    return event.get("progress_of") or object()


@dataclass(frozen=True, eq=False)
class Message:
    """One message on its way to a client; a later one with the same key takes its place."""

    text: str
    key: object = field(default_factory=object)

    @cached_property
    def frame(self) -> bytes:
        """As it goes over the wire."""
        return frame_of(self.text)


@dataclass(frozen=True, eq=False)
class Parcel:
    """The messages of a round for those who hear the same of it."""

    messages: tuple[Message, ...]

    @cached_property
    def data(self) -> bytes:
        """All frames in one piece."""
        return b"".join(message.frame for message in self.messages)


class Round:
    """The events of one round; one that is not whole is left out."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self._events: list[tuple[Message, frozenset[str]]] = []
        for event in events:
            try:
                message = Message(str(event["text"]), key_of(event))
                self._events.append((message, frozenset(map(str, event["topics"]))))
            except (KeyError, TypeError):
                logger.exception("live events: an event that is not whole was left out")
        self._topics = frozenset().union(*(topics for _message, topics in self._events))
        self._by_topics: dict[frozenset[str], Parcel | None] = {frozenset(): None}

    def parcel_for(self, heard: frozenset[str]) -> Parcel | None:
        """What somebody gets who hears these topics, the same for all; None where it is nothing."""
        wanted = self._topics & heard
        if wanted not in self._by_topics:
            self._by_topics[wanted] = Parcel(
                tuple(message for message, topics in self._events if topics & wanted)
            )
        return self._by_topics[wanted]
