"""A pull that is broken off, shared or stalled, and goes on."""

from __future__ import annotations

import math

from tests.components.waiting import wait_until
from tests.contract.backends import Backend, Offer
from tests.contract.calls import Calls, next_with

MB = 1_000_000


def _wait_until_nothing_is_sent(backend: Backend, offer: Offer) -> int:
    """Bytes sent, once they grow no more over some lines' time."""
    seen: list[int] = []

    def still() -> bool:
        seen.append(backend.bytes_sent(offer))
        return len(seen) > 15 and len(set(seen[-15:])) == 1

    wait_until(still, "the download has stopped")
    return seen[-1]


def test_closing_the_connection_stops_the_download(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(4 * MB, name="closed")
    backend.set_speed(2 * MB)
    with calls.pulling(offer.name) as lines:
        next_with(lines, "completed", MB // 2)
    assert _wait_until_nothing_is_sent(backend, offer) < offer.size
    assert offer.name not in calls.tags()
    assert calls.head(f"/api/blobs/{offer.weights}").status_code == 404


def test_posting_again_goes_on_from_the_bytes_reached(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(4 * MB, name="resumed")
    backend.set_speed(2 * MB)
    with calls.pulling(offer.name) as lines:
        reached = next_with(lines, "completed", MB)["completed"]
    _wait_until_nothing_is_sent(backend, offer)
    with calls.pulling(offer.name) as lines:
        assert next_with(lines, "completed")["completed"] >= reached
        backend.set_speed(math.inf)
        assert list(lines)[-1] == {"status": "success"}
    # What had been reached was not sent again.
    assert backend.bytes_sent(offer) < offer.size + MB
    assert calls.tags()[offer.name]["size"] == offer.size


def test_two_pulls_share_one_download(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(2 * MB, name="shared")
    backend.set_speed(2 * MB)
    with calls.pulling(offer.name) as first:
        next_with(first, "completed", MB // 4)
        with calls.pulling(offer.name) as second:
            assert next_with(second, "completed")["completed"] >= MB // 4
            assert list(second)[-1] == {"status": "success"}
        assert list(first)[-1] == {"status": "success"}
    assert backend.bytes_sent(offer) < offer.size * 1.2


def test_one_waiter_may_leave_without_the_other(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(2 * MB, name="left")
    backend.set_speed(2 * MB)
    with calls.pulling(offer.name) as first:
        next_with(first, "completed", MB // 4)
        with calls.pulling(offer.name) as second:
            next_with(second, "completed")
        assert list(first)[-1] == {"status": "success"}
    assert offer.name in calls.tags()


def test_cancelled_update_keeps_the_installed_version(backend: Backend, calls: Calls) -> None:
    old = backend.offer(MB // 4, name="kept", version=1)
    calls.pull(old.name)
    installed = calls.tags()[old.name]
    new = backend.offer(4 * MB, name="kept", version=2)
    backend.set_speed(2 * MB)
    with calls.pulling(new.name) as lines:
        next_with(lines, "completed", MB // 4)
    _wait_until_nothing_is_sent(backend, new)
    assert calls.tags()[old.name] == installed
    assert calls.head(f"/api/blobs/{old.weights}").status_code == 200


def test_stalled_download_repeats_its_line_without_growth(backend: Backend, calls: Calls) -> None:
    offer = backend.offer(2 * MB, name="stalled")
    backend.set_speed(MB)
    with calls.pulling(offer.name) as lines:
        next_with(lines, "completed", MB // 4)
        backend.set_speed(0)
        repeated = [next(lines).get("completed", 0) for _ in range(20)][-8:]
        assert len(set(repeated)) == 1
        assert repeated[0] < 2 * MB
        backend.set_speed(math.inf)
        assert list(lines)[-1] == {"status": "success"}
