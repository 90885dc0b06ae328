"""A socket that subscribes in the moment in which its user's rights change."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from django.contrib.auth.models import User

from tasks_app import pump as module
from tasks_app.pump import Pump
from tasks_app.sockets.access import Account, Grant, Rights
from tasks_app.sockets.socket import Socket


class Held:
    """Looks at permissions, each of which ends when the test says so. `allowed` by user name."""

    def __init__(self) -> None:
        self.allowed: dict[str, set[str]] = {"before": {"servers"}, "after": {"servers"}}
        self.looks: list[asyncio.Event] = []

    async def __call__(self, _look: object, user: User, topics: Collection[str]) -> set[str]:
        go = asyncio.Event()
        self.looks.append(go)
        await go.wait()
        return self.allowed[user.username] & set(topics)

    async def begun(self, count: int) -> None:
        while len(self.looks) < count:
            await asyncio.sleep(0)


def account(name: str) -> Account:
    return Account(User(pk=1, username=name), Rights(False, frozenset(), frozenset()))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held()
    monkeypatch.setattr(module, "in_pool", held)
    return held


@pytest.fixture
def pump() -> Pump:
    pump = Pump()
    pump._attempted.set()
    return pump


async def send(_message: object) -> None:
    """A client that takes everything."""


def joined(pump: Pump, *topics: str) -> Socket:
    socket = Socket(send)
    socket.grant = Grant(1, session_key="x")
    socket.topics.update(topics)
    pump._sockets[1] = {socket}
    pump._accounts[1] = account("before")
    return socket


async def test_what_the_new_rights_allow_closes_nothing(pump: Pump, held: Held) -> None:
    held.allowed["after"] = {"servers", "models"}
    socket = joined(pump, "servers")
    review = asyncio.create_task(pump._apply_rights(1, account("after")))
    await held.begun(1)
    socket.topics.add("models")  # was looked at with the new rights
    held.looks[0].set()
    await review
    assert socket.close_code is None


async def test_what_the_old_rights_allowed_is_looked_at_again(pump: Pump, held: Held) -> None:
    held.allowed["before"] = {"servers", "models"}
    socket = joined(pump, "servers")
    asking = asyncio.create_task(pump.permitted(socket, ["models"]))
    await held.begun(1)
    review = asyncio.create_task(pump._apply_rights(1, account("after")))
    await held.begun(2)
    held.looks[0].set()
    await held.begun(3)
    for go in held.looks:
        go.set()
    assert await asking == set()
    await review
    assert socket.close_code is None
