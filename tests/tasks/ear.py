"""Hears what the panel publishes, as a web process does."""

from __future__ import annotations

import json
import time
from typing import Any

import redis
from channels.layers import get_channel_layer

from tasks_app.publisher import GROUP, Event, publisher
from tests.components.waiting import wait_until

PROBE = "probe"


class Ear:
    """A subscription to the group of live events."""

    def __init__(self, url: str) -> None:
        self._layer: Any = get_channel_layer()
        self._client = redis.Redis.from_url(url)
        self._channel: Any = self._client.pubsub()  # type: ignore[no-untyped-call]
        self._channel.subscribe(f"ollamactl__group__{GROUP}")
        wait_until(lambda: self._channel.get_message(timeout=0.1), "the subscription is confirmed")
        self.messages: list[list[dict[str, Any]]] = []
        self.events: list[dict[str, Any]] = []
        self.heard_at: list[float] = []
        self._is_reached = False
        wait_until(self._probe, "an event is heard")

    def _probe(self) -> bool:
        """Events may be dropped, as the first of a process that has no connection yet."""
        publisher().send(Event(type=PROBE, subject=PROBE, seq=0, data={}, topics=()))
        self.listen()
        return self._is_reached

    def listen(self, seconds: float = 0.05) -> int:
        """Take in what has arrived; returns how many events there are in all."""
        while message := self._channel.get_message(timeout=seconds):
            heard = self._layer.deserialize(message["data"])["events"]
            texts = [json.loads(event["text"]) | {"topics": event["topics"]} for event in heard]
            events = [event for event in texts if event["type"] != PROBE]
            self._is_reached = self._is_reached or len(events) < len(heard)
            if not events:
                continue
            self.messages.append(events)
            self.events.extend(events)
            self.heard_at.extend([time.monotonic()] * len(events))
        return len(self.events)

    def wait_for(self, kind: str, **data: Any) -> dict[str, Any]:
        """The first event of a type whose data holds these values."""

        def find() -> list[dict[str, Any]]:
            self.listen()
            return [
                event
                for event in self.events
                if event["type"] == kind
                and all(event["data"].get(key) == value for key, value in data.items())
            ]

        return wait_until(find, f"a {kind} with {data} is heard")[0]

    def close(self) -> None:
        self._channel.close()
        self._client.close()
