"""Debian's PostgreSQL on loopback, with a password; its folder goes when it ends.

The server refuses to run as root, so root lends it the user `nobody`.
"""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

import psycopg

from tests.components.inventory import POSTGRESQL
from tests.components.launching import Argument
from tests.components.requirement import require
from tests.components.waiting import free_port, wait_until

USER = "panel"
LEND_TO = "nobody"
# Names are sorted as people do, not by their bytes: what most servers are set to.
COLLATION = ("--locale-provider=icu", "--icu-locale=en-US", "--locale=C.UTF-8")


class PostgresqlProcess:
    """A server that a test may stop and start again; it keeps its port, password and data."""

    def __init__(self) -> None:
        self._programs = require(POSTGRESQL).parent
        self._folder = Path(tempfile.mkdtemp(prefix="octl-pg-"))
        self._data = self._folder / "data"
        self._log = self._folder / "log"
        self._password = secrets.token_urlsafe(16)
        self.port = free_port()
        self._server: subprocess.Popen[bytes] | None = None
        self._make()

    def url(self, database: str = "postgres", **options: str) -> str:
        """The panel's `OLLAMACTL_DATABASE_URL` for a database; `options` are libpq's."""
        query = "&".join(f"{name}={value}" for name, value in options.items())
        address = f"127.0.0.1:{self.port}/{database}"
        return f"postgresql://{USER}:{self._password}@{address}{'?' if query else ''}{query}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection of the test's own, in autocommit."""
        return psycopg.connect(self.url(database), autocommit=True)

    def new_database(self, name: str) -> str:
        """Make an empty database; returns its URL."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)

    def offer_tls(self, certificate: Path) -> None:
        """Offer TLS, besides plain connections, with a PEM of key and certificate."""
        copy = self._data / "server.pem"
        shutil.copy(certificate, copy)
        copy.chmod(0o600)
        owner = self._data.stat()
        os.chown(copy, owner.st_uid, owner.st_gid)
        with self.connect() as connection:
            for name, value in (
                *(("ssl_cert_file", "server.pem"), ("ssl_key_file", "server.pem")),
                ("ssl", "on"),
            ):
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
            connection.execute("SELECT pg_reload_conf()")

    def start(self) -> None:
        """Start it and wait until it answers."""
        command: list[Argument] = [self._programs / "postgres", "-D", self._data]
        with self._log.open("ab") as log:
            self._server = subprocess.Popen(
                [*_lent(), *command],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
            )
        wait_until(self._answers, "PostgreSQL answers", 60)

    def stop(self, mode: str = "immediate") -> None:
        """End it: `fast` as an administrator would, `immediate` as a crash does."""
        if self._server is not None and self._server.poll() is None:
            self._control("stop", "-m", mode, "-w")
            self._server.wait(30)

    def _answers(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, self._log.read_text(errors="replace")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make(self) -> None:
        secret = self._folder / "password"
        secret.write_text(self._password)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(LEND_TO)
            for path in (self._folder, secret):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        options = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N")
        self._run(self._programs / "initdb", "-D", self._data, *options, *COLLATION)
        settings = {
            "listen_addresses": "'127.0.0.1'",
            "port": self.port,
            "unix_socket_directories": "''",
            "max_connections": 200,
            "fsync": "off",  # a test's data need not outlive the machine
            "shared_buffers": "'64MB'",
            "log_min_messages": "error",
        }
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(lines)

    def _control(self, *arguments: str) -> None:
        self._run(self._programs / "pg_ctl", "-D", self._data, *arguments)

    def _run(self, *command: Argument) -> None:
        done = subprocess.run(
            [*_lent(), *command], cwd=self._folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _lent() -> list[Argument]:
    """What runs a command as another user, where this one is root."""
    if os.geteuid() != 0:
        return []
    owner = pwd.getpwnam(LEND_TO)
    ids = (f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups")
    return ["setpriv", *ids]
