"""`batch`: the plan, the question, and what became of each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, Json, blank_task, refusal


def plan(will: int = 2, **changes: Any) -> Json:
    items = [
        {
            "model": n,
            "name": f"m{n}:latest",
            "server_name": "Local",
            "outcome": "will",
            "detail": "",
        }
        for n in range(will)
    ]
    items.append(
        {
            "model": 9,
            "name": "x:latest",
            "server_name": "Local",
            "outcome": "cannot",
            "detail": "It is being worked on already.",
        }
    )
    return {
        "operation": "stop",
        "dangerous": False,
        "counts": {"total": will + 1, "will": will, "nothing": 0, "cannot": 1},
        "bytes": {"resource": "memory", "direction": "frees", "total": 2_000_000_000},
        "undo": {},
        "warnings": [],
        "items": items,
        **changes,
    }


@pytest.fixture
def batches(panel: FakePanel) -> FakePanel:
    """A panel that takes a batch, which is at its end at the first look."""
    panel.answer("POST", "models/batch/plan/", 200, plan())
    panel.answer("POST", "models/batch/", 202, {"task": blank_task(9)})
    panel.rows("tasks/", [])
    panel.task(
        9, type="model.batch", state="succeeded", result={"succeeded": 2, "failed": 0, "total": 2}
    )
    return panel


def test_it_shows_the_plan_begins_and_reports(user: Run, batches: FakePanel) -> None:
    result = user("batch", "stop", "a", "b", "--yes", "--on-error", "stop")
    assert result.exit_code == 0, result.stderr
    assert "x:latest (Local): cannot be done. It is being worked on already." in result.stderr
    assert "2 will be done, 0 have nothing to do, 1 cannot. It frees up to 2 GB." in result.stderr
    assert result.stdout == "2 succeeded, 0 failed, 0 cancelled\n"
    asked = {"operation": "stop", "on_error": "stop", "names": ["a", "b"]}
    assert [call.body for call in batches.calls if call.method == "POST"] == [asked, asked]


def test_numbers_are_grouped_for_people(user: Run, batches: FakePanel) -> None:
    counts = {"total": 10_000, "will": 7_500, "nothing": 1_500, "cannot": 1_000}
    batches.answer("POST", "models/batch/plan/", 200, plan(counts=counts))
    result = {"succeeded": 6_000, "failed": 1_500, "cancelled": 0, "total": 7_500}
    batches.task(9, state="succeeded", result=result)
    ended = user("batch", "stop", "a", "--yes")
    assert "7,500 will be done, 1,500 have nothing to do, 1,000 cannot." in ended.stderr
    assert ended.stdout == "6,000 succeeded, 1,500 failed, 0 cancelled\n"
    lines = user("batch", "stop", "a", "--yes", "--json").stdout.splitlines()
    assert json.loads(lines[0])["counts"] == counts


def test_it_shows_what_each_server_has(user: Run, batches: FakePanel) -> None:
    disk = {"free": 12_000_000_000, "reserved": 0, "kept": None}
    servers = [
        {"server_name": "shop", "bytes": 2_000_000_000, "answers": True, "disk": disk},
        {"server_name": "off", "bytes": None, "answers": False, "disk": {}},
    ]
    size = {"resource": "disk", "direction": "needs", "total": 2_000_000_000}
    found = plan(bytes={**size, "exact": True, "unknown": 1}, servers=servers)
    batches.answer("POST", "models/batch/plan/", 200, found)
    told = user("batch", "pull", "a", "--plan").stderr
    assert "shop: 2 GB to download; 12 GB free, 0 B for other downloads, – to be kept free" in told
    assert "off: – to download; – free" in told
    assert told.count("(does not answer)") == 1
    assert "It needs 2 GB. Of 1 models the size is not known." in told
    found["bytes"] = {**size, "exact": False}
    assert "It needs up to 2 GB." in user("batch", "pull", "a", "--plan").stderr


def test_what_is_on_no_server_has_no_place(user: Run, batches: FakePanel) -> None:
    found = plan()
    found["items"][-1] |= {"name": "misspelt:latest", "server_name": "", "detail": "Nowhere."}
    batches.answer("POST", "models/batch/plan/", 200, found)
    assert (
        "misspelt:latest: cannot be done. Nowhere." in user("batch", "stop", "a", "--plan").stderr
    )


def test_a_filter_and_servers(user: Run, batches: FakePanel) -> None:
    batches.rows("servers/", [{"id": 3, "name": "shop"}])
    words = ("--filter", "status=running", "--filter", "status=stopped", "--server", "shop")
    assert user("batch", "stop", *words, "--plan").exit_code == 0
    assert batches.calls[-1].body["filter"] == {"status": ["running", "stopped"], "server": [3]}
    assert batches.count("POST models/batch/") == 0


def test_nobody_can_say_yes(user: Run, batches: FakePanel) -> None:
    result = user("batch", "stop", "a")
    assert result.exit_code == 2
    assert "Add --yes" in result.stderr
    assert batches.count("POST models/batch/") == 0


def test_nothing_to_do_is_a_conflict(user: Run, batches: FakePanel) -> None:
    batches.answer("POST", "models/batch/plan/", 200, plan(0))
    assert user("batch", "stop", "a", "--yes").exit_code == 5


def test_failures_are_named(user: Run, batches: FakePanel) -> None:
    error = {"code": "no", "detail": "No room.", "retryable": True}
    failed = {"state": "failed", "resource_name": "m1:latest", "error": error}
    parts = [{**blank_task(n), **failed, "resource_id": n or None} for n in (0, 5, 6)]
    batches.rows("tasks/", parts)
    batches.answer("GET", "models/5/", 200, {"id": 5, "name": "m1:latest", "server_name": "shop"})
    batches.answer("GET", "models/6/", lambda _call: refusal(404, "not_found", "It is gone."))
    batches.task(
        9,
        state="failed",
        error={"code": "children_failed", "detail": "1 of 2 did not succeed.", "retryable": True},
        result={"succeeded": 1, "failed": 1, "cancelled": 0, "rolled_back_by": 14},
    )
    result = user("batch", "stop", "a", "--yes")
    assert result.exit_code == 1
    lines = [line.split() for line in result.stdout.splitlines()[1:4]]
    assert [line[:2] for line in lines] == [["m1:latest", word] for word in ("-", "shop", "-")]
    assert "No room." in result.stdout
    assert "1 succeeded, 1 failed, 0 cancelled" in result.stdout
    assert "tasks watch 14" in result.stderr


def left_out(count: int) -> list[Json]:
    word = {"place": "shop", "code": "missing", "detail": "Its registry has no such model."}
    rows = [{"resource_name": f"gone{number}:7b", **word} for number in range(count)]
    return [*rows[1:], {**rows[0], "place": ""}]


def test_what_was_left_out_is_named_with_its_reason(user: Run, batches: FakePanel) -> None:
    batches.task(9, result={"succeeded": 2, "failed": 0, "total": 2, "skipped": 2})
    batches.rows("tasks/9/left-out/", left_out(2))
    result = user("batch", "stop", "a", "--yes")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[:3] for line in result.stdout.splitlines()[:3]] == [
        ["LEFT", "OUT", "SERVER"],
        ["gone1:7b", "shop", "Its"],
        ["gone0:7b", "-", "Its"],
    ]
    assert result.stdout.splitlines()[-1] == "2 succeeded, 0 failed, 0 cancelled"


def test_a_batch_that_was_cut_short_names_them_too(user: Run, batches: FakePanel) -> None:
    batches.task(9, state="cancelled", result={"cancelled": 1, "total": 1, "cut_short": True})
    batches.rows("tasks/9/left-out/", left_out(2))
    assert user("batch", "stop", "a", "--yes").stdout.count("Its registry has no such model.") == 2


def test_of_many_that_were_left_out_the_first_are_named(user: Run, batches: FakePanel) -> None:
    batches.task(9, result={"succeeded": 2, "failed": 0, "total": 2, "skipped": 1000})
    batches.rows("tasks/9/left-out/", left_out(1000))
    result = user("batch", "stop", "a", "--yes")
    assert result.stdout.count("Its registry has no such model.") == 40
    assert "… and 960 others" in result.stderr
    assert batches.count("GET tasks/9/left-out/") == 1
    result = user("batch", "stop", "a", "--yes", "--json")
    assert len(json.loads(result.stdout.splitlines()[-1])["left_out"]) == 1000


def test_json_lines(user: Run, batches: FakePanel) -> None:
    result = user("batch", "stop", "a", "--yes", "--json")
    events = [json.loads(line)["event"] for line in result.stdout.splitlines()]
    assert events[0] == "plan"
    assert events[-1] == "result"


@pytest.mark.parametrize(
    "words", [[], ["a", "--filter", "status=running"], ["--filter", "status"]], ids=str
)
def test_a_bad_selection_is_usage(user: Run, batches: FakePanel, words: list[str]) -> None:
    assert user("batch", "stop", *words, "--yes").exit_code == 2


def test_not_permitted(user: Run, batches: FakePanel) -> None:
    refused = refusal(403, "permission_denied", "Ask for models_app.stop_ollamamodel.")
    batches.answer("POST", "models/batch/plan/", lambda call: refused)
    assert user("batch", "stop", "a", "--yes").exit_code == 3
