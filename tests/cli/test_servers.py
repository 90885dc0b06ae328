"""`servers`: the list, adding one with a secret, looking at one, forgetting one."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, Json, refusal

HOST = {"disk": {"free": 100_000_000_000}, "memory": {"free": 32_000_000_000}}


def row(**changes: object) -> Json:
    return {
        "id": 1,
        "name": "Local",
        "base_url": "http://127.0.0.1:11434",
        "status": "online",
        "version": "0.24.0",
        "latency_ms": 1.7,
        "message": "",
        **changes,
    }


def test_the_list(user: Run, panel: FakePanel) -> None:
    panel.rows(
        "servers/", [row(host=HOST), row(id=2, name="Lab", status="offline", latency_ms=None)]
    )
    lines = user("servers").stdout.splitlines()
    assert lines[0].split() == [
        "ID",
        "NAME",
        "URL",
        "STATUS",
        "VERSION",
        "LATENCY",
        "DISK",
        "FREE",
        "MEMORY",
        "FREE",
    ]
    assert lines[1].split() == [
        "1",
        "Local",
        "http://127.0.0.1:11434",
        "online",
        "0.24.0",
        "2",
        "ms",
        "100",
        "GB",
        "32",
        "GB",
    ]
    assert lines[2].split()[-1] == "-"
    assert len(json.loads(user("servers", "ls", "--json").stdout)) == 2


def test_a_server_is_added_with_a_secret_from_stdin(
    user: Run, panel: FakePanel, tmp_path: Path
) -> None:
    panel.answer("POST", "servers/", 201, row(name="Lab"))
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\n")
    words = ["add", "Lab", "https://lab:1", "--bearer", "--ca", str(pem)]
    result = user("servers", *words, input="s3cret\n")

    assert result.exit_code == 0
    assert "Lab" in result.stdout
    assert "s3cret" not in result.output
    assert panel.calls[0].body == {
        "name": "Lab",
        "base_url": "https://lab:1",
        "auth_kind": "bearer",
        "credentials": {"token": "s3cret"},
        "ca_pem": "-----BEGIN CERTIFICATE-----\n",
    }


def test_each_way_to_log_in_has_its_fields(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "servers/", 201, row())
    user("servers", "add", "a", "http://a", "--user", "eve", input="pw\n")
    assert panel.calls[-1].body["credentials"] == {"username": "eve", "password": "pw"}
    user("servers", "add", "a", "http://a", "--header", "X-Key", input="v\n")
    assert panel.calls[-1].body["credentials"] == {"name": "X-Key", "value": "v"}
    assert user("servers", "add", "a", "http://a", "--bearer", "--user", "x").exit_code == 2


def test_a_refused_address_is_a_sentence(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "servers/", lambda call: refusal(400, "invalid", "Not an address."))
    result = user("servers", "add", "a", "nonsense")
    assert (result.exit_code, result.stderr) == (2, "Error: Not an address.\n")


def test_a_look_at_a_server_that_is_down_ends_with_1(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "servers/1/check/", 200, row(status="offline", message="It is down."))
    result = user("servers", "check", "local")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "It is down."
    panel.answer("POST", "servers/1/check/", 200, row())
    assert user("servers", "check", "1").exit_code == 0


def test_a_server_is_forgotten(user: Run, panel: FakePanel) -> None:
    panel.answer("DELETE", "servers/1/", 204, raw=b"")
    assert user("servers", "rm", "Local").exit_code == 2
    assert user("servers", "rm", "Local", "--yes").stdout == "forgot 'Local'\n"
    assert user("servers", "rm", "Gone", "--yes").exit_code == 4
