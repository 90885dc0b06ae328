"""Whether a database and a broker elsewhere can be used, and what is said where not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ollamactl.settings.env import Config
from ollamactl.supervisor import outside
from ollamactl.supervisor.outside import find_broker, find_database, wait_for_outside
from ollamactl.supervisor.problems import StartError
from tests.components.inventory import REDIS
from tests.components.launching import Argument, ending_with_us
from tests.components.postgresql import PostgresqlProcess
from tests.components.requirement import require
from tests.components.waiting import free_port, wait_until
from tests.helpers.certificates import server_certificate
from tests.helpers.valkey import ValkeyProcess
from tests.scale_out.conftest import DATABASE


def config_of(home: Path, **settings: str) -> Config:
    return Config.from_environ(
        {"OLLAMACTL_HOME": str(home)}
        | {f"OLLAMACTL_{name}_URL": value for name, value in settings.items()}
    )


@pytest.fixture
def authority(tmp_path: Path, database: PostgresqlProcess) -> Path:
    """The certificate authority of a database that offers TLS."""
    _context, pem = server_certificate(tmp_path, "127.0.0.1")
    database.offer_tls(tmp_path / "server.pem")
    (tmp_path / "ca.pem").write_text(pem)
    return tmp_path / "ca.pem"


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """`rediss://…` of a Redis that speaks TLS alone, and its certificate authority."""
    _context, pem = server_certificate(tmp_path, "127.0.0.1")
    (tmp_path / "ca.pem").write_text(pem)
    port = free_port()
    pair = str(tmp_path / "server.pem")
    command: list[Argument] = [
        *(require(REDIS), "--port", "0", "--tls-port", str(port), "--dir", tmp_path),
        *("--tls-cert-file", pair, "--tls-key-file", pair, "--tls-auth-clients", "no"),
        *("--requirepass", "secret", "--save", ""),
    ]
    process = subprocess.Popen(ending_with_us(command), stdout=subprocess.DEVNULL)
    url = f"rediss://:secret@127.0.0.1:{port}/1"

    def answers() -> bool:
        try:
            find_broker(config_of(tmp_path, VALKEY=f"{url}?ssl_ca_certs={tmp_path / 'ca.pem'}"))
        except StartError:
            return False
        return True

    wait_until(answers, "Redis answers over TLS")
    yield url, tmp_path / "ca.pem"
    process.kill()
    process.wait()


def test_versions_are_found(
    tmp_path: Path, database: PostgresqlProcess, broker: ValkeyProcess
) -> None:
    config = config_of(tmp_path, DATABASE=database.url(DATABASE), VALKEY=broker.url)
    assert find_database(config).startswith("PostgreSQL ")
    assert find_broker(config).startswith("Redis ")
    asyncio.run(wait_for_outside(config))


def test_certificate_of_the_database_is_checked(
    tmp_path: Path, database: PostgresqlProcess, authority: Path
) -> None:
    def config(**options: str) -> Config:
        return config_of(tmp_path, DATABASE=database.url(DATABASE, **options))

    def tls() -> str:
        return find_database(config(sslmode="verify-full", sslrootcert=str(authority)))

    wait_until(lambda: _without_problem(tls), "the database offers TLS")
    (tmp_path / "other").mkdir()
    _context, other = server_certificate(tmp_path / "other", "127.0.0.1")
    (tmp_path / "other.pem").write_text(other)
    with pytest.raises(StartError, match="SSL error"):
        find_database(config(sslmode="verify-full", sslrootcert=str(tmp_path / "other.pem")))


def test_certificate_of_the_broker_is_checked(tmp_path: Path, tls_broker: tuple[str, Path]) -> None:
    url, authority = tls_broker
    assert find_broker(config_of(tmp_path, VALKEY=f"{url}?ssl_ca_certs={authority}"))
    with pytest.raises(StartError, match=r"(?i)certificate.verify.failed"):
        find_broker(config_of(tmp_path, VALKEY=url))


def test_what_is_wrong_is_said_without_the_password(
    tmp_path: Path, database: PostgresqlProcess, broker: ValkeyProcess
) -> None:
    good = database.url(DATABASE)
    account, _, address = good.partition("@")
    wrong = f"{account}hunter2@{address}"
    port = free_port()
    for config, find, reason in (
        (config_of(tmp_path, DATABASE=wrong), find_database, "password authentication failed"),
        (config_of(tmp_path, DATABASE=f"{good}x"), find_database, "does not exist"),
        (config_of(tmp_path, DATABASE=f"{good}?nonsense=1"), find_database, "nonsense"),
        (
            config_of(tmp_path, DATABASE=f"postgresql://u:hunter2@127.0.0.1:{port}/x"),
            *(find_database, "refused"),
        ),
        (
            config_of(tmp_path, VALKEY=f"redis://:hunter2@{broker.url.rpartition('@')[2]}"),
            *(find_broker, "invalid username-password pair"),
        ),
        (
            config_of(tmp_path, VALKEY=f"redis://:hunter2@127.0.0.1:{port}/0"),
            *(find_broker, "refused"),
        ),
    ):
        with pytest.raises(StartError) as problem:
            find(config)
        text = str(problem.value)
        assert reason in text
        assert "hunter2" not in text
        assert "\n" not in text


def test_a_start_waits_a_while_and_then_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broker: ValkeyProcess
) -> None:
    monkeypatch.setattr(outside, "PATIENCE", 0.1)
    missing = f"redis://127.0.0.1:{free_port()}/0"
    with pytest.raises(StartError, match="The broker at "):
        asyncio.run(wait_for_outside(config_of(tmp_path, VALKEY=missing)))


def test_the_doctor_names_both(
    tmp_path: Path, database: PostgresqlProcess, broker: ValkeyProcess
) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "ollamactl", "doctor"],
        env={
            "PATH": "/usr/bin",
            "OLLAMACTL_LANGUAGE": "en",
            "OLLAMACTL_HOME": str(tmp_path / "home"),
            "OLLAMACTL_DATABASE_URL": database.url(DATABASE),
            "OLLAMACTL_VALKEY_URL": f"redis://127.0.0.1:{free_port()}/0",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 1
    assert "ok  database: PostgreSQL " in found.stdout
    assert f" at 127.0.0.1:{database.port}/{DATABASE}" in found.stdout
    assert "FAIL  Valkey: 127.0.0.1:" in found.stdout
    assert "Check OLLAMACTL_VALKEY_URL." in found.stdout


def _without_problem(find: Callable[[], str]) -> bool:
    try:
        find()
    except StartError:
        return False
    return True
