"""`conflicts` and `updates`: what is listed, and what is asked of the panel."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, blank_task


def test_conflicts_are_listed_with_both_sides(user: Run, panel: FakePanel) -> None:
    row = {
        "id": 4,
        "name": "a:latest",
        "server_name": "Local",
        "kind": "changed",
        "panel": {"digest": "a" * 64},
        "server_has": {"digest": "b" * 64},
        "state": "open",
    }
    panel.rows("sync-conflicts/", [row])
    result = user("conflicts", "ls")
    assert "4     a:latest    Local     changed    aaaaaaaaaaaa    bbbbbbbbbbbb" in result.stdout
    assert panel.calls[-1].query["state"] == ["open"]
    assert json.loads(user("conflicts", "ls", "--json").stdout) == [row]


def test_one_is_settled(user: Run, panel: FakePanel) -> None:
    answer = {"conflict": {"name": "a:latest"}, "task": blank_task(9)}
    panel.answer("POST", "sync-conflicts/4/settle/", 202, answer)
    result = user("conflicts", "settle", "4", "panel")
    assert (result.exit_code, result.stdout) == (0, "settled 'a:latest'\n")
    assert "tasks watch 9" in result.stderr
    assert panel.calls[-1].body == {"how": "panel"}
    assert user("conflicts", "settle", "4", "guess").exit_code == 2


def test_a_sync_names_its_conflicts(user: Run, panel: FakePanel) -> None:
    found = {"id": 4, "name": "a:latest", "kind": "gone", "panel": {"digest": "a" * 64}}
    panel.answer("POST", "models/sync/", 202, {"task": blank_task(9)})
    panel.rows("tasks/", [])
    panel.task(9, state="succeeded", result={"conflicts": [found]})
    result = user("sync", "--on-conflict", "report")
    assert "conflicts 1" in result.stdout
    assert "a:latest: gone from the server (aaaaaaaaaaaa / -)" in result.stderr
    assert "ollamactl conflicts settle 4 HOW" in result.stderr


def test_updates_are_looked_for_and_listed(user: Run, panel: FakePanel) -> None:
    known = {"outdated": 1, "up_to_date": 2, "unknown": 1, "checked_at": "2026-01-01T00:00:00Z"}
    panel.answer("POST", "models/updates/", 202, {"task": blank_task(9)})
    panel.answer("GET", "models/updates/", 200, known)
    panel.task(9, type="models.updates", state="succeeded", result={})
    panel.rows("models/", [{"id": 7, "name": "a:latest", "server": 1, "server_name": "Local"}])
    result = user("updates", "--check")
    assert result.exit_code == 0
    assert "a:latest    Local" in result.stdout
    assert "batch update" in result.stderr
    assert panel.calls[-1].query["outdated"] == ["true"]
