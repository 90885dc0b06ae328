"""Who holds leases: one name for each worker process, and which of those on this host are dead.

A living process holds a lock on its marker, a file below the home. The kernel lets go of it with
the process, however that ends, so the leases of a dead one are taken back without waiting for them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from pathlib import Path
from typing import IO

from django.conf import settings


class Owner:
    """This process's name, `host:pid:nonce`, and its marker."""

    def __init__(self) -> None:
        host = socket.gethostname().replace(":", "-")[:80]
        self.nonce = secrets.token_hex(8)
        self.pid = os.getpid()
        self.name = f"{host}:{self.pid}:{self.nonce}"
        self._marker = self._mark()  # open, and so locked, for as long as the process lives

    def _mark(self) -> IO[str]:
        path = _marker(self.nonce)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("w")
        # A record lock: a forked child does not inherit it.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(f"{self.name}\n")
        file.flush()
        return file

    def is_dead(self, other: str) -> bool:
        """Whether `other` surely is a process of this host and home that has ended."""
        host, _, rest = other.partition(":")
        nonce = rest.partition(":")[2]
        if nonce == self.nonce or host != self.name.partition(":")[0] or not nonce.isalnum():
            return False
        return _is_free(_marker(nonce))

    def forget_dead(self, still_named: set[str]) -> None:
        """Remove the markers of dead processes that no row names."""
        nonces = {name.rpartition(":")[2] for name in still_named} | {self.nonce}
        for path in _folder().glob("*"):
            if path.name not in nonces and _is_free(path):
                path.unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.HOME / "workers")


def _marker(nonce: str) -> Path:
    return _folder() / nonce


def _is_free(path: Path) -> bool:
    try:
        with path.open("r+") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:  # not there, or held
        return False
