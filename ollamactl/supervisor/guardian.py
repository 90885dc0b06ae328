"""Ends the panel's processes when the supervisor dies without ending them itself.

A script of its own, started with Python alone and nothing of ours, in its own session. Its standard
input is a pipe whose other end only the supervisor has: "add GROUP" and "drop GROUP" say which
process groups live, "bye" that all is well. The end of the input without "bye" means that the
supervisor was killed; a signal to the parent's death is Linux's alone and reaches no grandchildren.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 4.0


def send(group: int, number: int) -> bool:
    """Signal a process group; False where there is none any more."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_groups(groups: set[int]) -> None:
    """SIGTERM, time to release what they hold, then SIGKILL."""
    for group in groups:
        send(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < deadline and any(send(group, 0) for group in groups):
        time.sleep(0.05)
    for group in groups:
        send(group, signal.SIGKILL)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        word, _, group = line.strip().partition(" ")
        if word == "bye":
            return
        if word == "add":
            groups.add(int(group))
        elif word == "drop":
            groups.discard(int(group))
    end_groups(groups)


if __name__ == "__main__":
    main()
