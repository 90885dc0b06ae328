"""`start`, `stop`, `rm` and `sync`: waiting, several models, names on several servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, Json, Reply, blank_task, refusal


def row(number: int, name: str, server: str = "Local") -> Json:
    fields = {"server": number, "server_name": server, "status": "stopped"}
    return {"id": number, "name": name, **fields}


def work(panel: FakePanel, method: str, path: str, **task: Any) -> None:
    """Accept work as task 9, which is at its end at the first look."""
    panel.answer(method, path, 202, {"task": blank_task(9)})
    panel.task(9, **{"state": "succeeded", **task})


@pytest.mark.parametrize(
    ("words", "method", "path", "said"),
    [
        (["start", "a"], "POST", "models/7/start/", "started 'a:latest'\n"),
        (["stop", "a"], "POST", "models/7/stop/", "stopped 'a:latest'\n"),
        (["rm", "--yes", "a"], "DELETE", "models/7/", "deleted 'a:latest'\n"),
    ],
)
def test_a_verb_waits_for_its_end(
    user: Run, panel: FakePanel, words: list[str], method: str, path: str, said: str
) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, method, path)
    result = user(*words)

    assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    assert panel.paths()[:2] == ["GET models/", f"{method} {path}"]
    assert panel.paths()[-1] == "GET tasks/9/"
    assert panel.calls[0].query["name"] == ["a"]
    assert panel.calls[1].body is None


def test_detached_it_prints_the_task(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", "models/7/start/")
    assert user("start", "a", "--detach").stdout == "9\n"
    assert panel.count("GET tasks/9/") == 0


def test_json_gives_the_task_even_when_it_failed(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", "models/7/start/", state="failed", error={"code": "x", "detail": "No."})
    result = user("start", "a", "--json")

    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert (answer["name"], answer["task"]["state"]) == ("a:latest", "failed")
    assert result.stderr == "Error: No.\n"


def test_one_that_is_missing_does_not_stop_the_others(user: Run, panel: FakePanel) -> None:
    def find(call: Any) -> Reply:
        names = {"a": [row(7, "a:latest")], "b": []}
        return Reply(json={"count": 0, "next": None, "results": names[call.query["name"][0]]})

    panel.answer("GET", "models/", find)
    work(panel, "POST", "models/7/stop/")
    result = user("stop", "b", "a", "a")

    assert result.exit_code == 4
    assert result.stdout == "stopped 'a:latest'\n"
    assert result.stderr.splitlines() == [
        "Error: The model “b” was not found.",
        "Pull it: ollamactl pull b",
    ]
    assert panel.count("POST models/7/stop/") == 1


def test_a_name_on_several_servers_needs_a_choice(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(1, "a:latest", "Local"), row(2, "a:latest", "Lab")])
    result = user("start", "a")
    assert result.exit_code == 2
    assert "--server: Local, Lab" in result.stderr


def test_the_server_that_is_chosen_is_asked_for(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", "models/7/start/")
    assert user("start", "a", "--server", "Local").exit_code == 0
    assert panel.calls[1].query["server"] == ["1"]


def test_what_one_may_not_do_is_said(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    no = refusal(403, "permission_denied", "You may not start models.", permission="x.start")
    panel.answer("POST", "models/7/start/", lambda call: no)
    result = user("start", "a")
    assert (result.exit_code, result.stderr) == (3, "Error: You may not start models.\n")


def test_deleting_unasked_needs_a_yes(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    result = user("rm", "a")
    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert not panel.calls


def test_without_a_name_it_is_a_usage_error(user: Run) -> None:
    assert user("rm", "--yes").exit_code == 2


CONFLICT = {"name": "x", "kind": "foreign", "panel": None, "server": {"digest": "abc"}}
COUNTS = {"added": 3, "updated": 1, "deleted": 0, "unchanged": 12, "conflicts": [CONFLICT]}
TOLD = "added 3, updated 1, deleted 0, unchanged 12, conflicts 1"


def test_sync_tells_what_it_did(user: Run, panel: FakePanel) -> None:
    panel.rows("tasks/", [])
    work(panel, "POST", "models/sync/", result=COUNTS, resource_name="Local")
    result = user("sync", "--server", "Local", "--on-conflict", "report")

    assert (result.exit_code, result.stdout) == (0, f"Local: {TOLD}\n")
    assert panel.calls[1].body == {"server": 1, "on_conflict": "report"}


def test_sync_of_all_tells_it_server_by_server(user: Run, panel: FakePanel) -> None:
    work(panel, "POST", "models/sync/", state="failed", error={"detail": "1 of 2 failed."})
    down = {"state": "failed", "error": {"code": "offline", "detail": "It is down."}}
    children = [
        {**blank_task(11), "resource_name": "Local", "state": "succeeded", "result": COUNTS},
        {**blank_task(10), "resource_name": "Lab", **down},
    ]
    panel.rows("tasks/", children)
    result = user("sync")

    assert panel.calls[0].body == {}
    assert result.stdout == f"Local: {TOLD}\n"
    told = "  x: brought there by somebody else (- / abc)\n"
    assert result.stderr == f"Lab: It is down.\n{told}Error: 1 of 2 failed.\n"
    assert result.exit_code == 1
    assert len(json.loads(user("sync", "--json").stdout)["children"]) == 2
    assert panel.calls[-1].query["parent"] == ["9"]
