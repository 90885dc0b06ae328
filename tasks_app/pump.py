"""The pump: one subscription for a web process, and from it to every socket that wants to know.

An event is framed once and a round of them joined once, whatever the number of sockets. The server
gives no signal when it starts, so the pump starts with the first socket. It goes on when the last
one has left: the Redis client can swallow a cancellation while it connects, and a second
subscription would say all of it twice.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any
from weakref import WeakKeyDictionary

from redis import RedisError

from ollamactl.lib.figures import add_gauge
from tasks_app.figures import PUMP_RECONNECTS
from tasks_app.publisher import GROUP
from tasks_app.sockets.access import Account, Grant, permitted, review
from tasks_app.sockets.pool import in_pool
from tasks_app.sockets.rounds import Parcel, Round, key_of
from tasks_app.sockets.snapshots import SharedSnapshots
from tasks_app.sockets.socket import FAILED, NOT_AUTHENTICATED, NOT_PERMITTED, Socket
from tasks_app.subscription import hear_group

logger = logging.getLogger(__name__)

REVIEW_EVERY = 2.0
"""Seconds between two looks at sessions, tokens and permissions; a right that ends is felt in 5."""
SLICE = 50
"""Sockets that are written to before others have their turn."""
LONGEST_ROUND = 0.5
"""Seconds at most of a pause between two rounds."""
LONGEST_PAUSE = 2.0
"""Seconds at most between two attempts to reach Valkey."""


class Pump:
    """The sockets of one event loop, by topic, and the tasks that serve them all."""

    def __init__(self) -> None:
        self.snapshots = SharedSnapshots()
        self._sockets: dict[int, set[Socket]] = {}
        self._accounts: dict[int, Account] = {}
        self._hearers: dict[str, set[Socket]] = {}
        self._pending: dict[object, dict[str, Any]] = {}
        self._news = asyncio.Event()
        self._subscribed = False
        self._was_subscribed = False
        self._attempted = asyncio.Event()  # subscribed once, or failed to
        self._standing: dict[str, asyncio.Task[None]] = {}
        self._passing: set[asyncio.Task[None]] = set()

    # --- sockets ----------------------------------------------------------------------------------

    def count_of(self, user_id: int) -> int:
        """How many sockets a user has here."""
        return len(self._sockets.get(user_id, ()))

    def count(self) -> int:
        """How many sockets are here."""
        return sum(map(len, list(self._sockets.values())))

    def join(self, socket: Socket, grant: Grant, account: Account) -> None:
        """Take in a socket that may be open; it hears what is meant for its user from now on.

        An account that is known with the same rights stays, with the permissions read from them.
        """
        socket.grant = grant
        self._sockets.setdefault(grant.user_id, set()).add(socket)
        known = self._accounts.get(grant.user_id)
        if known is None or known.rights != account.rights:
            self._accounts[grant.user_id] = account
        self._hear(socket, [f"user:{grant.user_id}"])
        self._start()

    def leave(self, socket: Socket) -> None:
        """Forget a socket; harmless for one that is not here."""
        self._unhear(socket, set(socket.topics))
        if socket.grant is None:
            return
        user_id, socket.grant = socket.grant.user_id, None
        self._unhear(socket, {f"user:{user_id}"})
        others = self._sockets.get(user_id, set())
        others.discard(socket)
        if not others:
            self._sockets.pop(user_id, None)
            self._accounts.pop(user_id, None)

    async def permitted(self, socket: Socket, topics: Iterable[str]) -> set[str]:
        """Those of the topics that the socket's user may hear."""
        wanted = list(topics)
        await self._attempted.wait()
        while account := self._account_of(socket):
            allowed = await in_pool(permitted, account.user, wanted)
            if account is self._account_of(socket):  # else the rights have changed meanwhile
                return allowed
        return set()

    async def subscribe(self, socket: Socket, topics: Iterable[str]) -> None:
        """Let the socket hear the topics, and then tell it how they stand.

        The permission has been looked at; nothing may be waited for in between. Without Valkey the
        snapshot comes all the same, and once more when Valkey is back.
        """
        wanted = list(topics)
        if socket.grant is None:
            return
        socket.topics.update(wanted)
        self._hear(socket, wanted)
        for snapshot in await asyncio.gather(*map(self.snapshots.get, wanted)):
            socket.offer(snapshot)

    def unsubscribe(self, socket: Socket, topics: Iterable[str]) -> None:
        """Let the socket hear the topics no longer."""
        self._unhear(socket, socket.topics.intersection(topics))

    def _account_of(self, socket: Socket) -> Account | None:
        return self._accounts.get(socket.grant.user_id) if socket.grant else None

    def _hear(self, socket: Socket, topics: Iterable[str]) -> None:
        socket.heard = socket.heard.union(topics)
        for topic in topics:
            self._hearers.setdefault(topic, set()).add(socket)

    def _unhear(self, socket: Socket, topics: Iterable[str]) -> None:
        socket.heard = socket.heard.difference(topics)
        for topic in topics:
            socket.topics.discard(topic)
            hearers = self._hearers.get(topic, set())
            hearers.discard(socket)
            if not hearers:
                self._hearers.pop(topic, None)

    # --- tasks ------------------------------------------------------------------------------------

    def _start(self) -> None:
        """Start what serves all sockets, or what of it has ended against all expectation."""
        works = (("listen", self._listen), ("pour", self._pour), ("review", self._review))
        for name, work in works:
            task = self._standing.get(name)
            if task is None or task.done():
                self._standing[name] = asyncio.create_task(self._always(work))

    async def _always(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do the work again whenever it fails."""
        while True:
            try:
                await work()
            except Exception:
                logger.exception("live events: starting again after an unexpected error")
                self._attempted.set()
                await asyncio.sleep(1)

    async def _listen(self) -> None:
        """Hear the group; after a loss try again, soon and then less often."""
        pause = 0.05
        while True:
            try:
                await hear_group(GROUP, on_subscribed=self._catch_up, on_message=self._deliver)
            except (RedisError, OSError) as error:
                if self._subscribed:
                    logger.warning("live events: Valkey is lost (%s); trying again", error)
                    pause = 0.05
                self._subscribed = False
                self._attempted.set()
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - only spreads load
            pause = min(pause * 2, LONGEST_PAUSE)

    def _catch_up(self) -> None:
        """Heard again: what was missed is unknown, so everybody is told how things stand."""
        if self._was_subscribed:
            PUMP_RECONNECTS.add()
        self._subscribed = self._was_subscribed = True
        self._attempted.set()
        if topics := [topic for topic in self._hearers if not topic.startswith("user:")]:
            telling = asyncio.create_task(self._tell_all(topics))
            self._passing.add(telling)
            telling.add_done_callback(self._passing.discard)

    async def _tell_all(self, topics: list[str]) -> None:
        for topic in topics:
            try:
                snapshot = await self.snapshots.get(topic)
            except Exception:
                logger.exception("live events: no snapshot of %s", topic)
                continue
            for socket in list(self._hearers.get(topic, ())):
                socket.offer(snapshot)

    def _deliver(self, message: dict[str, Any]) -> None:
        """Keep the events of one message for the next round.

        Of the progress of one task the newest is enough. It moves to the end: a client drops what
        has a lower `seq` than what it has heard of the subject.
        """
        for event in message["events"]:
            key = key_of(event)
            self._pending.pop(key, None)
            self._pending[key] = event
        self._news.set()

    async def _pour(self) -> None:
        """Hand out what has come, in rounds with as long a pause after each as it took.

        An event after quiet goes out at once. With many sockets events come faster than they can
        be handed out one by one: then each round has more of them, which costs hardly more, and
        requests get their turn between. Nothing piles up behind a round: what a socket gets is
        with the network when it ends, or waits at a client that is slow, and the newest at that.
        """
        while True:
            await self._news.wait()
            self._news.clear()
            begun = time.monotonic()
            events, self._pending = list(self._pending.values()), {}
            await self._hand_out(Round(events))
            await asyncio.sleep(min(time.monotonic() - begun, LONGEST_ROUND))

    async def _hand_out(self, round: Round) -> None:
        """Let each socket take what it hears of a round; who leaves meanwhile hears nothing."""
        sockets = [socket for theirs in self._sockets.values() for socket in theirs]
        for start in range(0, len(sockets), SLICE):
            for socket in sockets[start : start + SLICE]:
                if parcel := round.parcel_for(socket.heard):
                    self._give(socket, parcel)
            await asyncio.sleep(0)

    def _give(self, socket: Socket, parcel: Parcel) -> None:
        try:
            socket.take(parcel)
        except Exception:  # what is wrong with one client costs no other a change of state
            logger.exception("live events: a socket cannot be written to")
            socket.drop(FAILED)

    async def _review(self) -> None:
        """Close what may no longer be open."""
        while True:
            await asyncio.sleep(REVIEW_EVERY)
            sockets = [socket for theirs in self._sockets.values() for socket in theirs]
            if not sockets:
                continue
            grants = {socket.grant for socket in sockets if socket.grant is not None}
            rights = {pk: account.rights for pk, account in self._accounts.items()}
            found = await in_pool(review, grants, rights)
            for socket in sockets:
                if socket.grant in found.ended:
                    socket.drop(NOT_AUTHENTICATED)
            for user_id, account in found.changed.items():
                await self._apply_rights(user_id, account)

    async def _apply_rights(self, user_id: int, account: Account) -> None:
        if user_id not in self._accounts:
            return
        # What is subscribed from here on was allowed by these rights.
        self._accounts[user_id] = account
        theirs = list(self._sockets.get(user_id, ()))
        heard = {topic for socket in theirs for topic in socket.topics}
        forbidden = heard - await in_pool(permitted, account.user, heard)
        for socket in theirs:
            if socket.topics & forbidden:
                socket.drop(NOT_PERMITTED)


_pumps: WeakKeyDictionary[asyncio.AbstractEventLoop, Pump] = WeakKeyDictionary()


def pump_of_this_loop() -> Pump:
    """The pump of the running event loop: one in a web process."""
    loop = asyncio.get_running_loop()
    if loop not in _pumps:
        _pumps[loop] = Pump()
    return _pumps[loop]


def count_sockets() -> int:
    """The open sockets of this process; may be asked from any thread."""
    return sum(pump.count() for pump in list(_pumps.values()))


add_gauge("sockets", count_sockets)
