"""`searches`: the searches that a user keeps."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel

ROW = {"id": 4, "name": "Busy", "query": "status=running", "is_default": True}


def test_they_are_listed(user: Run, panel: FakePanel) -> None:
    panel.rows("searches/", [ROW])
    assert user("searches").stdout.splitlines() == [
        "NAME    QUERY             DEFAULT",
        "Busy    status=running    yes",
    ]
    assert json.loads(user("searches", "--json").stdout) == [ROW]


def test_one_is_saved(user: Run, panel: FakePanel) -> None:
    panel.answer("POST", "searches/", 201, ROW)
    result = user("searches", "save", "Busy", "status=running", "--default")
    assert (result.exit_code, result.stdout) == (0, "Busy\n")


def test_one_is_forgotten_by_its_name(user: Run, panel: FakePanel) -> None:
    panel.rows("searches/", [ROW])
    panel.answer("DELETE", "searches/4/", 204, {})
    assert user("searches", "rm", "Busy").exit_code == 0
    assert user("searches", "rm", "Idle").exit_code == 4
