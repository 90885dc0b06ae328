"""`pull` without a terminal: lines, JSON, conflicts, checks that say no, cuts and restarts."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.cli.conftest import Run, log_in, spawn
from tests.cli.fake_panel import Call, FakePanel, Json, Reply, blank_task, progress, refusal

OK = {"verdict": "ok", "reasons": []}


def accept(panel: FakePanel, **preflight: Any) -> None:
    """Accept a pull as task 9."""
    body = {"model": {"id": 7}, "task": blank_task(9), "preflight": {**OK, **preflight}}
    panel.answer("POST", "models/", 202, body)


def finish(process: subprocess.Popen[str], seconds: float = 30.0) -> tuple[int, str, str]:
    """The end of a process: its exit code and what it has said."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def succeed(panel: FakePanel) -> None:
    panel.task(9, state="succeeded", progress=progress(1000, phase="done"))


def story(panel: FakePanel, *states: Json) -> None:
    """Let task 9 be in one state more each time it is asked for."""
    left = list(states)

    def answer(call: Call) -> Reply:
        changes = left.pop(0) if len(left) > 1 else left[0]
        return Reply(json={**blank_task(9), **changes})

    panel.answer("GET", "tasks/9/", answer)


def test_a_pull_tells_its_phases_line_by_line(user: Run, panel: FakePanel) -> None:
    accept(panel)
    story(
        panel,
        {"state": "queued"},
        {"state": "running", "progress": progress(0, phase="manifest")},
        {"state": "running", "progress": progress(10)},
        {"state": "running", "progress": progress(20)},
        {"state": "running", "progress": progress(500)},
        {"state": "running", "progress": progress(1000, phase="verifying")},
        {"state": "running", "progress": progress(1000, phase="writing")},
        {"state": "succeeded", "progress": progress(1000, phase="done")},
    )
    result = user("pull", "llama3.2")

    assert result.exit_code == 0
    assert panel.calls[1].body == {"name": "llama3.2", "server": 1, "override": False}
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "waiting in the queue",
        "pulling manifest",
        "pulling llama3.2: 1% (10 B/1 KB), 10 B/s, 1m39s left",
        "pulling llama3.2: 50% (500 B/1 KB), 10 B/s, 50s left",
        "verifying sha256 digest",
        "writing manifest",
        "success",
    ]


def test_json_is_one_event_a_line_and_then_the_result(user: Run, panel: FakePanel) -> None:
    accept(panel)
    story(
        panel,
        {"state": "running", "progress": progress(10)},
        {"state": "succeeded", "progress": progress(1000, phase="done"), "result": {"size": 1}},
    )
    result = user("pull", "llama3.2", "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]

    assert [event["event"] for event in events] == ["accepted", "task", "task", "result"]
    assert events[1]["progress"] == progress(10)
    assert events[3]["task"]["result"] == {"size": 1}
    assert result.stderr == ""


def test_warnings_of_the_check_are_said(user: Run, panel: FakePanel) -> None:
    accept(panel, verdict="warn", reasons=[{"code": "queued_behind", "detail": "Three wait."}])
    story(panel, {"state": "succeeded"})
    assert "Warning: Three wait.\n" in user("pull", "x").stderr


def test_detached_it_prints_the_task(user: Run, panel: FakePanel) -> None:
    accept(panel)
    result = user("pull", "x", "--detach")
    assert (result.exit_code, result.stdout) == (0, "9\n")
    assert "ollamactl tasks watch 9" in result.stderr


def test_a_pull_under_way_is_followed(user: Run, panel: FakePanel) -> None:
    conflict = refusal(409, "conflict", "Busy.", task=9, model=7)
    panel.answer("POST", "models/", lambda call: conflict)
    story(panel, {"state": "running", "progress": progress(1)}, {"state": "succeeded"})
    result = user("pull", "x")

    assert result.exit_code == 0
    assert "this is task 9" in result.stderr


def test_other_work_on_the_model_is_a_conflict(user: Run, panel: FakePanel) -> None:
    conflict = refusal(409, "conflict", "It is being deleted.", task=9, model=7)
    panel.answer("POST", "models/", lambda call: conflict)
    story(panel, {"state": "running", "type": "model.delete"})
    result = user("pull", "x")
    assert (result.exit_code, result.stderr) == (5, "Error: It is being deleted.\n")


def test_a_check_that_says_no_tells_why_and_what_to_do(user: Run, panel: FakePanel) -> None:
    reasons = [{"code": "disk", "detail": "12 GB are needed, 3 GB are free."}]
    no = refusal(409, "insufficient_resources", "No.", preflight={"reasons": reasons})
    panel.answer("POST", "models/", lambda call: no)
    result = user("pull", "big")

    assert result.exit_code == 5
    assert result.stderr.splitlines() == [
        "Error: The resource check says no.",
        "- 12 GB are needed, 3 GB are free.",
        "To go on all the same: ollamactl pull big --override",
    ]
    user("pull", "big", "--override")
    assert panel.calls[-1].body["override"] is True


def test_a_model_that_does_not_exist_is_not_found(user: Run, panel: FakePanel) -> None:
    reasons = [{"code": "model_missing", "detail": "There is no such model. Check the name."}]
    no = refusal(409, "insufficient_resources", "No.", preflight={"reasons": reasons})
    panel.answer("POST", "models/", lambda call: no)
    result = user("pull", "lama")
    assert result.exit_code == 4
    assert result.stderr == "Error: There is no such model. Check the name.\n"


def test_a_failed_pull_says_why_and_how_to_retry(user: Run, panel: FakePanel) -> None:
    accept(panel)
    error = {"code": "cut", "detail": "The connection\x1b[1m was cut.", "retryable": True}
    story(panel, {"state": "failed", "error": error})
    result = user("pull", "x")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: The connection was cut.",
        "Try again: ollamactl tasks retry 9",
    ]


def test_a_pull_that_somebody_cancels_ends_with_130(user: Run, panel: FakePanel) -> None:
    accept(panel)
    story(panel, {"state": "cancelled"})
    result = user("pull", "x")
    assert (result.exit_code, result.stderr) == (130, "Cancelled.\n")


def test_several_servers_need_a_choice(user: Run, panel: FakePanel) -> None:
    panel.rows("servers/", [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}])
    result = user("pull", "x")
    assert result.exit_code == 2
    assert "--server: a, b" in result.stderr

    accept(panel)
    assert user("pull", "x", "--server", "b", "--detach").exit_code == 0
    assert panel.calls[-1].body["server"] == 2


def test_without_a_server_it_says_how_to_add_one(user: Run, panel: FakePanel) -> None:
    panel.rows("servers/", [])
    result = user("pull", "x")
    assert result.exit_code == 4
    assert "ollamactl servers add" in result.stderr


def test_progress_comes_over_the_socket(panel: FakePanel, environment: dict[str, str]) -> None:
    log_in(environment, panel)
    panel.has_socket = True
    accept(panel)
    panel.task(9, state="running", progress=progress(0, phase="manifest"))
    process = spawn(environment, "pull", "llama3.2")
    panel.wait_for_follower(9)
    panel.send_event({"id": 9, "state": "running", **progress(420)})
    panel.send_event({"id": 8, "state": "failed"}, "task.changed")
    succeed(panel)
    panel.send_event({"id": 9, "state": "succeeded", "progress": {}}, "task.changed")
    code, _out, err = finish(process)

    assert (code, err.splitlines()) == (
        0,
        ["pulling manifest", "pulling llama3.2: 42% (420 B/1 KB), 10 B/s, 58s left", "success"],
    )
    assert panel.socket_messages == [
        {"type": "auth", "token": "the-token"},
        {"type": "subscribe", "topics": ["task:9"]},
    ]
    assert panel.count("GET tasks/9/") == 2


def test_a_cut_socket_is_made_good_by_asking(panel: FakePanel, environment: dict[str, str]) -> None:
    log_in(environment, panel)
    panel.has_socket = True
    accept(panel)
    panel.task(9, state="running", progress=progress(0, phase="manifest"))
    process = spawn(environment, "pull", "x")
    panel.wait_for_follower(9)
    panel.has_socket = False
    panel.cut_sockets()
    panel.wait_for(lambda: panel.count("GET tasks/9/") >= 3)
    succeed(panel)
    assert finish(process)[0] == 0


def test_a_refused_topic_is_made_good_by_asking(
    panel: FakePanel, environment: dict[str, str]
) -> None:
    log_in(environment, panel)
    panel.has_socket = True
    accept(panel)
    panel.task(9, state="running", progress=progress(0))
    process = spawn(environment, "pull", "x")
    panel.wait_for_follower(9)
    panel.send_event({"id": 0, "code": "permission_denied", "detail": "no"}, "error")
    succeed(panel)
    assert finish(process)[0] == 0
    assert sum(message["type"] == "auth" for message in panel.socket_messages) == 1


def test_a_restart_of_the_panel_is_outlived(environment: dict[str, str]) -> None:
    first = FakePanel()
    first.rows("servers/", [{"id": 1, "name": "Local"}])
    accept(first)
    first.has_socket = True
    first.task(9, state="running", progress=progress(100))
    log_in(environment, first)
    process = spawn(environment, "pull", "x")
    first.wait_for_follower(9)
    first.stop()
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("does not answer" in line for line in lines)

    second = FakePanel(first.port)
    try:
        succeed(second)
        code, _out, err = finish(process)
    finally:
        second.stop()
    assert code == 0
    assert err.splitlines() == ["The panel answers again.", "success"]


def test_a_redirected_socket_does_not_get_the_token(user: Run, panel: FakePanel) -> None:
    elsewhere = FakePanel()
    elsewhere.has_socket = True
    try:
        accept(panel)
        story(panel, {"state": "running"}, {"state": "succeeded"})
        target = elsewhere.url.replace("http", "ws") + "/ws/v1/events/"
        panel.answer("GET", "/ws/v1/events/", 302, headers={"Location": target})
        assert user("pull", "x").exit_code == 0
        assert panel.count("GET /ws/v1/events/") == 1
        assert not elsewhere.socket_messages
    finally:
        elsewhere.stop()


@pytest.mark.parametrize("body", [{}, {"task": None}, {"task": {"id": "9"}}, {"task": [1]}])
def test_an_answer_without_a_task_is_said(user: Run, panel: FakePanel, body: Json) -> None:
    panel.answer("POST", "models/", 202, body)
    result = user("pull", "x")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
