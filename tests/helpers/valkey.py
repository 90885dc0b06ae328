"""A real broker for the tests, at the URL at which the settings look for it."""

from __future__ import annotations

import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import unquote, urlsplit

import redis

from ollamactl.supervisor.valkey import find_valkey, valkey_command
from tests.components.inventory import REDIS
from tests.components.launching import Argument
from tests.components.requirement import require
from tests.components.waiting import wait_until


class ValkeyProcess:
    """A server that a test may kill, start again and empty.

    The panel's own Valkey at a `unix://` URL, Debian's Redis with a password at a `redis://` one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._data = tempfile.TemporaryDirectory(prefix="octl-valkey-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers; harmless while it runs."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = subprocess.Popen(self._command(), stdout=subprocess.DEVNULL)
        wait_until(self.answers, "Valkey answers")

    def stop(self) -> None:
        """Kill it with what it has not written yet."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def answers(self) -> bool:
        """Whether it answers now."""
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def flush(self) -> None:
        """Forget every message that waits."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _command(self) -> list[Argument]:
        parts = urlsplit(self.url)
        folder = Path(self._data.name)
        if parts.scheme == "unix":
            socket = Path(parts.path)
            socket.parent.mkdir(parents=True, exist_ok=True)
            return list(valkey_command(find_valkey(), socket, folder))
        address = ("--bind", "127.0.0.1", "--port", str(parts.port))
        password = ("--requirepass", unquote(str(parts.password)))
        return [require(REDIS), *address, *password, "--dir", folder, "--appendonly", "yes"]

    def __enter__(self) -> ValkeyProcess:
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()
        self._data.cleanup()
