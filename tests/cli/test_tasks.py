"""`tasks`: the list, one task, its log, and a word to it."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_panel import Call, FakePanel, Reply, blank_task, progress, refusal


def test_the_list_shows_how_far_each_is(user: Run, panel: FakePanel) -> None:
    running = {**blank_task(2), "state": "running", "progress": progress(250)}
    panel.rows("tasks/", [running, {**blank_task(1), "state": "failed"}])
    result = user("tasks")

    head, *lines = result.stdout.splitlines()
    assert head.split() == ["ID", "TYPE", "RESOURCE", "STATE", "PROGRESS", "CREATED"]
    assert "25% (250 B/1 KB), 10 B/s, 1m15s left" in lines[0]
    assert lines[1].split()[:5] == ["1", "model.pull", "llama3.2:latest", "failed", "-"]


def test_the_list_is_filtered_at_the_panel(user: Run, panel: FakePanel) -> None:
    panel.rows("tasks/", [blank_task(1)])
    result = user("tasks", "ls", "--state", "running,queued", "-n", "5", "--json")
    assert [task["id"] for task in json.loads(result.stdout)] == [1]
    assert panel.calls[0].query == {"state": ["running,queued"], "page_size": ["5"]}


def test_one_task_is_shown_with_its_error(user: Run, panel: FakePanel) -> None:
    error = {"code": "cut", "detail": "It was\n\x1b[31mcut.", "retryable": True}
    panel.task(9, state="failed", error=error)
    result = user("tasks", "show", "9")
    assert "state: failed\n" in result.stdout
    assert "error: It was cut.\n" in result.stdout
    assert json.loads(user("tasks", "show", "9", "--json").stdout)["error"] == error


def test_a_task_that_is_not_there_is_not_found(user: Run) -> None:
    assert user("tasks", "show", "77").exit_code == 4
    assert user("tasks", "watch", "77").exit_code == 4
    assert user("tasks", "show", "none").exit_code == 2


def test_cancel_and_retry_are_sent(user: Run, panel: FakePanel) -> None:
    for verb in ("cancel", "retry"):
        panel.answer("POST", f"tasks/9/{verb}/", 202, {"task": blank_task(9)})
    assert user("tasks", "cancel", "9").stdout == "Cancelling task 9.\n"
    assert "ollamactl tasks watch 9" in user("tasks", "retry", "9").stdout


def test_a_task_that_cannot_be_cancelled_is_a_conflict(user: Run, panel: FakePanel) -> None:
    no = refusal(409, "conflict", "It has ended.")
    panel.answer("POST", "tasks/9/cancel/", lambda call: no)
    result = user("tasks", "cancel", "9")
    assert (result.exit_code, result.stderr) == (5, "Error: It has ended.\n")


def log_of(text: bytes, piece: int = 10) -> object:
    """Answers pieces of a log as the panel does."""

    def answer(call: Call) -> Reply:
        offset = int(call.query["offset"][0])
        part = text[offset : offset + piece]
        headers = {"X-Log-Next-Offset": str(offset + len(part)), "X-Log-Size": str(len(text))}
        return Reply(raw=part, headers={**headers, "Content-Type": "text/plain; charset=utf-8"})

    return answer


def test_a_log_is_printed_whole_and_clean(user: Run, panel: FakePanel) -> None:
    panel.answer("GET", "tasks/9/log/", log_of(b"first line\nsecond\x1b[2J line\n\tthird\n"))
    result = user("tasks", "log", "9")
    assert result.exit_code == 0
    assert result.stdout.replace("\x1b", "") == result.stdout
    assert result.stdout.startswith("first line\nsecond")
    assert result.stdout.endswith("\tthird\n")


def test_a_followed_log_ends_with_its_task(user: Run, panel: FakePanel) -> None:
    panel.task(9, state="running")
    seen: list[int] = []

    def answer(call: Call) -> Reply:
        seen.append(int(call.query["offset"][0]))
        if len(seen) == 1:
            return refusal(404, "log_missing", "No log.")
        panel.task(9, state="succeeded")
        reply = log_of(b"all of it\n", 100)
        assert callable(reply)
        answered = reply(call)
        assert isinstance(answered, Reply)
        return answered

    panel.answer("GET", "tasks/9/log/", answer)
    result = user("tasks", "log", "9", "--follow")
    assert (result.exit_code, result.stdout) == (0, "all of it\n")


def test_a_log_that_is_gone_is_not_found(user: Run, panel: FakePanel) -> None:
    panel.answer("GET", "tasks/9/log/", lambda call: refusal(404, "log_missing", "It is gone."))
    result = user("tasks", "log", "9")
    assert (result.exit_code, result.stderr) == (4, "Error: It is gone.\n")
