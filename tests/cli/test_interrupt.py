"""Ctrl-C on a real terminal: the question, its answers, and the second Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ollamactl.cli.terminal import clean_block
from tests.cli.conftest import log_in, spawn
from tests.cli.fake_panel import Call, FakePanel, Reply, blank_task, progress
from tests.helpers.terminal import CTRL_C, QUESTION, Terminal


@pytest.fixture
def pulling(panel: FakePanel, environment: dict[str, str]) -> Iterator[Terminal]:
    """A pull at 42 %, shown on a terminal."""
    log_in(environment, panel)
    panel.has_socket = True
    body = {"task": blank_task(9), "preflight": {"verdict": "ok", "reasons": []}}
    panel.answer("POST", "models/", 202, body)
    panel.task(9, state="running", progress=progress(420))

    def cancel(call: Call) -> Reply:
        panel.task(9, state="cancelled")
        return Reply(202, {"task": blank_task(9)})

    panel.answer("POST", "tasks/9/cancel/", cancel)
    terminal = Terminal(environment, "pull", "llama3.2")
    terminal.wait_for("42%")
    panel.wait_for_follower(9)
    yield terminal
    terminal.close()


def test_the_bar_looks_like_ollamas(pulling: Terminal, panel: FakePanel) -> None:
    assert "pulling llama3.2:  42% ▕████" in pulling.screen
    assert "420 B/1 KB     10 B/s      58s" in pulling.screen
    panel.task(9, state="succeeded", progress=progress(1000, phase="done"))
    panel.send_event({"id": 9, "state": "succeeded", "progress": {}}, "task.changed")

    assert pulling.end() == 0
    assert "100% ▕" in pulling.screen
    assert clean_block(pulling.screen).rstrip().endswith("\nsuccess")


def test_cancel_is_carried_out_and_waited_for(pulling: Terminal, panel: FakePanel) -> None:
    pulling.press(CTRL_C)
    pulling.wait_for(QUESTION)
    pulling.press("c\n")

    assert pulling.end() == 130
    assert "Cancelled." in pulling.screen
    assert panel.count("POST tasks/9/cancel/") == 1


@pytest.mark.parametrize("keys", ["l\n", "\n", CTRL_C, "\x04"])
def test_leaving_it_running_is_the_easy_answer(
    pulling: Terminal, panel: FakePanel, keys: str
) -> None:
    pulling.press(CTRL_C)
    pulling.wait_for(QUESTION)
    if keys == CTRL_C:
        assert pulling.interrupt() == 130
    else:
        pulling.press(keys)
        assert pulling.end() == 130

    assert "ollamactl tasks watch 9" in pulling.screen
    assert "Traceback" not in pulling.screen
    assert panel.count("POST tasks/9/cancel/") == 0


def test_watching_on_goes_on(pulling: Terminal, panel: FakePanel) -> None:
    pulling.press(CTRL_C)
    pulling.wait_for(QUESTION)
    pulling.press("x\n")
    pulling.wait_for(QUESTION)
    panel.task(9, progress=progress(430))
    pulling.press("w\n")
    pulling.wait_for("43%")
    panel.wait_for_follower(9)
    panel.task(9, state="succeeded", progress=progress(1000, phase="done"))
    panel.send_event({"id": 9, "state": "succeeded", "progress": {}}, "task.changed")
    assert pulling.end() == 0


def test_without_a_terminal_it_is_left_running(
    panel: FakePanel, environment: dict[str, str]
) -> None:
    log_in(environment, panel)
    panel.task(9, state="running", progress=progress(1))
    process = spawn(environment, "tasks", "watch", "9")
    panel.wait_for(lambda: panel.count("GET tasks/9/") >= 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert process.returncode == 130
    assert err.splitlines()[-1] == "It goes on at the panel. Watch it: ollamactl tasks watch 9"
    assert "Traceback" not in out + err


def test_interrupting_another_verb_ends_it_quietly(
    panel: FakePanel, environment: dict[str, str]
) -> None:
    terminal = Terminal(environment, "login", panel.url)
    try:
        terminal.wait_for("User")
        assert terminal.interrupt() == 130
        assert "Traceback" not in terminal.screen
    finally:
        terminal.close()


def test_a_password_is_not_shown(panel: FakePanel, environment: dict[str, str]) -> None:
    panel.answer("POST", "auth/login/", json={"token": "fresh", "expiry": None})
    terminal = Terminal(environment, "login", panel.url)
    try:
        terminal.wait_for("User")
        terminal.press("ada\n")
        terminal.wait_for("Password")
        terminal.press("s3cret\n")
        assert terminal.end() == 0
        assert "s3cret" not in terminal.screen
    finally:
        terminal.close()


def test_deleting_asks_and_no_means_no(panel: FakePanel, environment: dict[str, str]) -> None:
    log_in(environment, panel)
    row = {"id": 7, "name": "a:1", "server": 1, "server_name": "Local", "status": "stopped"}
    panel.rows("models/", [row])
    terminal = Terminal(environment, "rm", "a:1")
    try:
        terminal.wait_for("Delete a:1 from Local?")
        terminal.press("n\n")
        assert terminal.end() == 130
        assert panel.count("DELETE models/7/") == 0
    finally:
        terminal.close()
