"""The URLs of an outside database and of an outside broker, as each library needs them."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection
from redis import Redis

from ollamactl.settings.brokers import broker_from
from ollamactl.settings.databases import POOL_SIZE, database_from
from ollamactl.settings.env import Config, ConfigurationError

HOME = Path("/srv/panel")


def test_without_a_url_it_is_sqlite_in_the_home() -> None:
    assert database_from("", HOME)["NAME"] == "/srv/panel/ollamactl.sqlite3"
    assert database_from("sqlite:////data/a%20b.sqlite3", HOME)["NAME"] == "/data/a b.sqlite3"


def test_postgresql_has_a_bounded_pool_and_libpqs_own_options() -> None:
    database = database_from(
        "postgresql://us%40er:p%2Fss@[fd00::1]:5433/panel?sslmode=verify-full&sslrootcert=/ca.pem",
        HOME,
    )
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert database["HOST"] == "fd00::1"
    assert [database[name] for name in ("USER", "PASSWORD", "PORT", "NAME")] == [
        *("us@er", "p/ss", "5433", "panel")
    ]
    options = database["OPTIONS"]
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "/ca.pem")
    assert options["pool"]["max_size"] == POOL_SIZE == 12


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://user:hunter2@host/db", "postgresql://user:hunter2@host", "sqlite:///relative"),
        *("postgres://user:hunter2/x@host/db", "postgresql://user:hunter2#@host/db", "hunter2"),
        *("postgresql://user:hunter2@host:port/db", "sqlite://hunter2/x", "sqlite://:memory:"),
    ],
)
def test_bad_database_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Config.from_environ({"OLLAMACTL_DATABASE_URL": url})
    assert problem.value.name == "OLLAMACTL_DATABASE_URL"
    assert "hunter2" not in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    "url",
    [
        *("http://:hunter2@host", "redis://:hunter2@host:port", "redis://:hunter2#@host/1"),
        *("redis://host?db=1", "redis://host/one", "rediss://:hunter2@host?ssl=no", "hunter2"),
    ],
)
def test_bad_broker_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as problem:
        Config.from_environ({"OLLAMACTL_VALKEY_URL": url})
    assert problem.value.name == "OLLAMACTL_VALKEY_URL"
    assert ":hunter2" not in str(problem.value)


def test_certificates_of_the_broker_are_checked_by_all_who_speak_to_it() -> None:
    url = "rediss://:secret@host:6380/3?ssl_ca_certs=/ca.pem"
    queue = Connection(broker_from(url))
    assert queue.ssl == {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        "ssl_ca_certs": "/ca.pem",
    }
    assert (queue.password, queue.virtual_host) == ("secret", "3")
    connection: Any = Redis.from_url(url).connection_pool.make_connection()
    assert connection.cert_reqs is ssl.CERT_REQUIRED
    assert connection.check_hostname
    plain: Any = Connection(broker_from("rediss://host"))
    assert plain.ssl["ssl_cert_reqs"] is ssl.CERT_REQUIRED


def test_number_of_the_database_behind_a_unix_socket_is_kept() -> None:
    assert broker_from("unix:///run/v.sock") == "redis+socket:///run/v.sock?virtual_host=0"
    assert broker_from("unix://:pw@/run/v.sock?db=2").endswith(":pw@/run/v.sock?virtual_host=2")
    assert broker_from("redis://:pw@host:6379/1") == "redis://:pw@host:6379/1"
