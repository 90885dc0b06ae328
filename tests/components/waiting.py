"""Waiting for an event with a deadline, and free ports: no test sleeps for a fixed time."""

import random
import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Below the range from which the kernel takes ports for outgoing connections, so that a port does
# not get taken between the moment it is chosen and the moment a server binds it.
PORTS = range(12000, 32000)


def wait_until(condition: Callable[[], T | None], what: str, timeout: float = 30) -> T:
    """Call `condition` until it gives something true and return that.

    Raises AssertionError naming `what` after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout} s in vain until {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A TCP port of loopback that nobody listens on."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
