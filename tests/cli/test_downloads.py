"""`preflight`, `downloads`, `move` and `settings`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, Reply, blank_task, refusal

FOUND: dict[str, Any] = {
    "verdict": "warn",
    "download_bytes": 2_000_000_000,
    "estimate": "table",
    "disk": {"free": 5_000_000_000, "needed": 2_000_000_000},
    "memory": {"free": None, "needed": 3_000_000_000},
    "gpu": {"free": None, "needed": None},
    "network": {"latency_ms": 42.4, "rate": 10_000_000, "seconds": 200},
    "downloads": {"running": 1, "limit": 3},
    "reasons": [{"code": "registry_timeout", "detail": "The registry is \x1b[31mslow."}],
}


def server(panel: FakePanel) -> None:
    panel.rows("servers/", [{"id": 3, "name": "gpu1"}])


def test_the_check_is_shown(user: Run, panel: FakePanel) -> None:
    server(panel)
    panel.answer("POST", "models/preflight/", 200, FOUND)
    result = user("preflight", "llama3.2", "--num-ctx", "8192")
    assert result.exit_code == 0
    assert panel.calls[-1].body == {"name": "llama3.2", "server": 3, "context_length": 8192}
    assert result.stdout.splitlines() == [
        "check: it can be tried",
        "download: about 2 GB, by an estimate",
        "disk: 5 GB free, 2 GB needed",
        "memory: not known",
        "GPU memory: not known",
        "network: the registry answers in 42 ms, lately 10 MB/s, about 3m20s",
        "downloads: 1 of 3 on this server",
        "- The registry is slow.",
    ]


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        ("model", "from the model itself"),
        ("sibling", "from the same model, which a server has already"),
        ("table", "estimated from a table"),
    ],
)
def test_the_check_says_how_the_memory_is_known(
    user: Run, panel: FakePanel, estimate: str, words: str
) -> None:
    server(panel)
    memory = {"free": 9_000_000_000, "needed": 3_000_000_000, "estimate": estimate}
    gpu = {"free": None, "needed": 3_000_000_000, "detail": "\x1b[31mno NVIDIA GPU"}
    panel.answer("POST", "models/preflight/", 200, {**FOUND, "memory": memory, "gpu": gpu})
    said = user("preflight", "llama3.2").stdout
    assert f"memory: 9 GB free, 3 GB needed ({words})" in said
    assert "GPU memory: no NVIDIA GPU" in said


def test_a_check_that_blocks_ends_with_5(user: Run, panel: FakePanel) -> None:
    server(panel)
    panel.answer("POST", "models/preflight/", 200, {**FOUND, "verdict": "block"})
    result = user("preflight", "llama3.2", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["verdict"] == "block"


def test_the_queue_in_order(user: Run, panel: FakePanel) -> None:
    waiting = {
        **blank_task(9),
        "state": "queued",
        "position": 1,
        "server_name": "gpu1",
        "waits": {"code": "server_limit", "detail": "“gpu1” runs its 3 downloads at once."},
    }
    panel.answer("GET", "downloads/", 200, {"count": 12, "next": None, "results": [waiting]})
    result = user("downloads")
    head, line = result.stdout.splitlines()
    assert head.split() == ["ID", "PLACE", "MODEL", "SERVER", "STATE", "PROGRESS"]
    assert line.split()[:5] == ["9", "1", "llama3.2:latest", "gpu1", "queued"]
    assert line.endswith("“gpu1” runs its 3 downloads at once.")
    assert "11 more are not shown." in result.stderr
    assert json.loads(user("downloads", "--json").stdout)[0]["position"] == 1


def test_all_are_paused_and_resumed(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "downloads/pause/", 202, {"paused": 2})
    panel.answer("POST", "downloads/resume/", 202, {"resumed": 2, "left": 1})
    assert user("downloads", "--pause").stdout == "All downloads are paused.\n"
    result = user("downloads", "--resume")
    assert (result.stdout, "Still paused: 1" in result.stderr) == ("The downloads go on.\n", True)


def test_a_task_is_moved(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "tasks/9/move/", 202, {"task": blank_task(9)})
    assert user("move", "9", "--first").stdout == "Task 9 is moved.\n"
    assert panel.calls[-1].body == {"to": "first"}
    assert user("move", "9").exit_code == 2
    panel.answer("POST", "tasks/9/move/", lambda call: refusal(409, "not_waiting", "It runs."))
    assert user("move", "9", "--last").exit_code == 5


def test_settings_are_shown_and_changed(user: Run, panel: FakePanel) -> None:
    now = {"downloads_per_server": 3, "downloads_overall": None, "retry_on": ["network", "server"]}
    panel.answer("GET", "settings/", 200, now)
    panel.answer("PATCH", "settings/", 200, {**now, "downloads_per_server": 5})
    assert user("settings").stdout.splitlines() == [
        "downloads_per_server = 3",
        "downloads_overall = -",
        "retry_on = network, server",
    ]
    changes = ("downloads_per_server=5", "downloads_overall=", "keep_free_disk=5 GB", "retry_on=")
    assert "downloads_per_server = 5" in user("settings", *changes).stdout
    assert panel.calls[-1].body == {
        "downloads_per_server": 5,
        "downloads_overall": None,
        "keep_free_disk": "5 GB",
        "retry_on": [],
    }
    assert user("settings", "nonsense").exit_code == 2
    no = Reply(400, {"type": "validation_error", "errors": []})
    panel.answer("PATCH", "settings/", lambda call: no)
    assert user("settings", "x=1").exit_code != 0
