"""The bench of faults itself: its eyes are sharp, and its choices can be repeated."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from chaos.__main__ import chosen, parser
from chaos.history import Change, History
from chaos.scenarios import SCENARIOS
from chaos.stage import Death
from chaos.verdict import taken_back


def test_the_database_notes_each_change_of_a_state_itself(tmp_path: Path) -> None:
    path = tmp_path / "ollamactl.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE tasks_app_task (id INTEGER, state TEXT, done INTEGER)")
        connection.execute("INSERT INTO tasks_app_task VALUES (7, 'queued', 0)")
    history = History(tmp_path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for state in ("running", "running", "succeeded"):
            connection.execute("UPDATE tasks_app_task SET state = ?, done = done + 1", (state,))
    changes = [(change.task, change.old, change.new) for change in history.changes()]
    assert changes == [(7, "queued", "running"), (7, "running", "succeeded")]


def test_the_last_task_to_come_back_counts() -> None:
    changes = [
        Change(1, "queued", "running", 10.0),
        Change(2, "queued", "running", 11.0),
        Change(3, "queued", "running", 11.0),
        Change(3, "running", "succeeded", 12.0),
        Change(1, "running", "queued", 21.0),
        Change(2, "running", "queued", 23.5),
        Change(1, "queued", "running", 24.0),
        Change(1, "running", "queued", 90.0),
    ]
    assert taken_back(changes, Death(20.0, 4)) == 3.5
    assert taken_back(changes, Death(100.0, len(changes))) is None


def test_a_clock_that_was_put_back_is_no_matter() -> None:
    changes = [
        Change(1, "queued", "running", 5000.0),
        Change(1, "running", "queued", 1402.0),
    ]
    assert taken_back(changes, Death(1400.0, 1)) == 2.0


def test_every_scenario_says_what_it_does() -> None:
    assert all(scenario.about.endswith(".") for scenario in SCENARIOS.values())


@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        (["-s", "worker"], [("real", "worker")]),
        (["-s", "worker", "--on", "simulated"], [("simulated", "worker")]),
        (["--quick", "--on", "real"], [("real", "worker"), ("real", "machine")]),
    ],
)
def test_what_was_asked_for_is_run(words: list[str], pairs: list[tuple[str, str]]) -> None:
    assert chosen(parser().parse_args(words)) == pairs


def test_all_of_them_on_the_real_ollama_and_some_on_the_simulated_one() -> None:
    pairs = chosen(parser().parse_args([]))
    assert {name for kind, name in pairs if kind == "real"} == set(SCENARIOS)
    assert ("simulated", "several") in pairs
