"""Live events: the registry of topics, and `publish`.

An app registers each kind of topic with the permission to hear it and a function that gives the
present state. A topic is a prefix ("models") or a prefix and an id ("model:7").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.sentences import Sentence
from tasks_app.publisher import Event, publisher

Snapshot = Callable[[int | None], dict[str, Any] | None]
Owns = Callable[[User, int], bool]


@dataclass(frozen=True)
class TopicKind:
    """One kind of topic.

    `snapshot(id)` gives the data that a subscriber is shown first, the same for every user, or None
    where there is no such thing. A row's data holds its `seq`, so that a client can tell whether an
    event is older. `takes_id` is False for lists ("models"), True for "model:7".
    `belongs_to(user, id)`, where there is one, says of what is one user's own whether it is this
    user's; it may ask the database.
    """

    prefix: str
    permission: str
    snapshot: Snapshot
    takes_id: bool
    belongs_to: Owns | None = None

    def allows(self, user: User, number: int | None = None) -> bool:
        """Whether this user may hear the topic; without an id, whether any of its kind."""
        if not user.has_perm(self.permission):
            return False
        return number is None or self.belongs_to is None or self.belongs_to(user, number)


_kinds: dict[str, TopicKind] = {}


def register_topic(
    prefix: str,
    *,
    permission: str,
    snapshot: Snapshot,
    takes_id: bool,
    belongs_to: Owns | None = None,
) -> None:
    """Make a kind of topic known; called from an app's `ready`."""
    _kinds[prefix] = TopicKind(prefix, permission, snapshot, takes_id, belongs_to)


def topic_kinds() -> dict[str, TopicKind]:
    """All kinds of topics, by their prefixes."""
    return dict(_kinds)


def parse_topic(topic: str) -> tuple[TopicKind, int | None]:
    """The kind and the id of a topic's name; `InvalidInput` where there is none such."""
    prefix, separator, number = topic.partition(":")
    kind = _kinds.get(prefix)
    if kind is None or kind.takes_id != bool(separator):
        raise InvalidInput(
            Sentence(_("There is no topic “{topic}”."), topic=topic[:80]), code="unknown_topic"
        )
    if not kind.takes_id:
        return kind, None
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise InvalidInput(
            Sentence(_("“{topic}” has no number for an id."), topic=topic[:80]),
            code="unknown_topic",
        )
    return kind, int(number)


def publish(
    type: str, *, subject: str, seq: int, data: dict[str, Any], topics: Iterable[str]
) -> None:
    """Send one event to the subscribers of the topics once the transaction is committed.

    Never blocks and never fails: an event that cannot be sent is made good by the next snapshot.
    """
    event = Event(type=type, subject=subject, seq=seq, data=data, topics=tuple(topics))
    transaction.on_commit(lambda: publisher().send(event))
