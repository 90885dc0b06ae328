"""`ls` and `ps`: Ollama's columns, several servers, filters, and hostile texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_panel import Call, FakePanel, Reply, refusal

Row = dict[str, Any]


def at(**distance: float) -> str:
    """A time that far from now, as the API writes it."""
    return (datetime.now(UTC) + timedelta(**distance)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def model(name: str, **changes: Any) -> Row:
    return {
        "id": 7,
        "name": name,
        "server": 1,
        "server_name": "Local",
        "size": 2_019_393_189,
        "status": "stopped",
        "digest": "a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
        "context_length": 131072,
        "modified_at": at(days=-3, minutes=-1),
        "loaded": None,
        **changes,
    }


def loaded(**changes: Any) -> Row:
    return {
        "size": 3_400_000_000,
        "size_vram": 3_400_000_000,
        "processor": "100% GPU",
        "context_length": 4096,
        "expires_at": None,
        **changes,
    }


def test_ls_looks_like_ollamas(user: Run, panel: FakePanel) -> None:
    older = model("qwen3:8b", size=5_200_000_000, modified_at=at(weeks=-9), status="running")
    panel.rows("models/", [older, model("llama3.2:latest")])
    result = user("ls")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "NAME               ID              SIZE      MODIFIED",
        "llama3.2:latest    a80c4f17acd5    2.0 GB    3 days ago",
        "qwen3:8b           a80c4f17acd5    5.2 GB    2 months ago",
    ]


def test_work_under_way_adds_its_status(user: Run, panel: FakePanel) -> None:
    new = model("new:latest", status="downloading", size=None, digest=None, modified_at=None)
    panel.rows("models/", [new])
    assert user("ls").stdout.splitlines() == [
        "NAME          ID    SIZE    MODIFIED    STATUS",
        "new:latest    -     -       -           downloading",
    ]


def test_several_servers_add_where_a_model_is(user: Run, panel: FakePanel) -> None:
    panel.rows("servers/", [{"id": 1, "name": "Local"}, {"id": 2, "name": "机房"}])
    panel.rows("models/", [model("a:1", server=2, server_name="机房")])
    lines = user("ls").stdout.splitlines()

    assert lines[0].endswith("SERVER    STATUS")
    assert lines[1].endswith("机房      stopped")


def test_ps_looks_like_ollamas(user: Run, panel: FakePanel) -> None:
    panel.rows(
        "models/",
        [
            model("a:1", loaded=loaded(), status="running"),
            model("b:1", loaded=loaded(expires_at=at(minutes=4, seconds=30)), status="running"),
            model("c:1", loaded=loaded(expires_at=at(seconds=-2)), status="running"),
            model("d:1", loaded=loaded(expires_at=at(days=90_000)), status="running"),
        ],
    )
    result = user("ps")

    assert panel.calls[0].query["loaded"] == ["true"]
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["NAME", "ID", "SIZE", "PROCESSOR", "CONTEXT", "UNTIL"]
    assert lines[0] == "a:1     a80c4f17acd5    3.4 GB    100% GPU     4096       Forever"
    assert [line.split(" 4096 ")[1].strip() for line in lines] == [
        "Forever",
        "4 minutes from now",
        "Stopping...",
        "Forever",
    ]


def test_all_pages_are_read(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [model(f"m{number}:latest") for number in range(450)])
    result = user("ls", "--json")

    assert len(json.loads(result.stdout)) == 450
    assert panel.count("GET models/") == 3


def test_filters_go_to_the_panel(user: Run, panel: FakePanel) -> None:
    user("ls", "llama", "--status", "running,stopped", "--server", "local")
    query = panel.calls[-2].query if panel.calls[-1].path == "servers/" else panel.calls[-1].query

    assert query["search"] == ["llama"]
    assert query["status"] == ["running,stopped"]
    assert query["server"] == ["1"]


def test_an_unknown_server_is_not_found_and_those_there_are_named(
    user: Run, panel: FakePanel
) -> None:
    result = user("ls", "--server", "remote")
    assert result.exit_code == 4
    assert "“remote”" in result.stderr
    assert "Local" in result.stderr


def test_texts_from_outside_cannot_touch_the_terminal(user: Run, panel: FakePanel) -> None:
    hostile = "\x1b]0;owned\x07\x1b[31mred\x9b2J\r\n\u202eevil[bold]x[/bold]:1"
    panel.rows("models/", [model(hostile)])
    table = user("ls").stdout
    lines = user("ls", "--json").stdout

    assert table.splitlines()[1].startswith("red  evil[bold]x[/bold]:1")
    for output in (table, lines):
        assert not set(output) & set("\x1b\x07\x9b\r\u202e")
    assert json.loads(lines)[0]["name"] == hostile


def test_a_hostile_refusal_is_one_clean_line(user: Run, panel: FakePanel) -> None:
    detail = "no\x1b[2J\nError: all is well"
    panel.answer("GET", "models/", lambda call: refusal(403, "permission_denied", detail))
    result = user("ls")

    assert result.exit_code == 3
    assert result.stderr == "Error: no Error: all is well\n"


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 2), (401, 3), (403, 3), (404, 4), (409, 5), (429, 1), (503, 1)]
)
def test_each_refusal_has_its_exit_code(
    user: Run, panel: FakePanel, status: int, exit_code: int
) -> None:
    panel.answer("GET", "models/", lambda call: refusal(status, "code", "A sentence."))
    result = user("ls")
    assert result.exit_code == exit_code
    assert result.stderr.startswith("Error: ")
    assert not result.stdout


@pytest.mark.parametrize(
    "reply",
    [
        Reply(502, raw=b"<html>bad gateway</html>"),
        Reply(404, raw=b"nothing"),
        Reply(200, raw=b"<html>a login page</html>"),
        Reply(200, json={"detail": "something else"}),
        Reply(302, headers={"Location": "/login/"}),
        Reply(418, raw=b"\xff\xfe"),
    ],
)
def test_a_foreign_answer_is_one_sentence(user: Run, panel: FakePanel, reply: Reply) -> None:
    panel.answer("GET", "models/", lambda call: reply)
    result = user("ls")
    assert result.exit_code in {1, 4}
    assert result.stderr.startswith("Error: ")
    assert "<html>" not in result.stderr


def test_a_panel_that_hangs_is_given_up(
    user: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    from ollamactl.cli.remote import client

    end = threading.Event()

    def hang(call: Call) -> Reply:
        end.wait(30)
        return Reply(json={})

    monkeypatch.setattr(client.Panel.__init__, "__kwdefaults__", {"read_timeout": 0.2})
    panel.answer("GET", "models/", hang)
    result = user("ls")
    end.set()
    assert result.exit_code == 1
    assert "did not answer in time" in result.stderr


def test_an_endless_answer_is_cut(
    user: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ollamactl.cli.remote import client

    monkeypatch.setattr(client, "LONGEST_BODY", 1000)
    panel.rows("models/", [model("x" * 2000)])
    result = user("ls")
    assert result.exit_code == 1
    assert "too long" in result.stderr


SAVED = {"id": 4, "name": "Big ones", "is_default": False}


def test_a_saved_search_is_used_with_its_order(user: Run, panel: FakePanel) -> None:
    query = "status=running&status=stopped&min_size=1GB&ordering=-size&search=a%20b"
    panel.rows("searches/", [{**SAVED, "query": query}])
    newest = model("small:1", modified_at=at(hours=-1))
    panel.rows("models/", [model("large:1"), newest])
    rows = json.loads(user("ls", "--saved", "Big ones", "--json").stdout)
    assert [row["name"] for row in rows] == ["large:1", "small:1"]
    asked = panel.calls[-1].query
    assert asked["status"] == ["running", "stopped"]
    assert (asked["min_size"], asked["ordering"]) == (["1GB"], ["-size"])
    assert asked["search"] == ["a b"]


def test_what_is_asked_besides_counts_before_a_saved_search(user: Run, panel: FakePanel) -> None:
    panel.rows("searches/", [{**SAVED, "query": "status=running&search=qwen&pinned=true"}])
    panel.rows("models/", [model("older:1", modified_at=at(weeks=-9)), model("newer:1")])
    lines = user("ls", "llama", "--saved", "Big ones", "--status", "stopped").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["newer:1", "older:1"]
    asked = next(call.query for call in panel.calls if call.path == "models/")
    assert (asked["search"], asked["status"]) == (["llama"], ["stopped"])
    assert asked["pinned"] == ["true"]


def test_an_unknown_saved_search_is_said(user: Run, panel: FakePanel) -> None:
    panel.rows("searches/", [{**SAVED, "query": ""}])
    result = user("ls", "--saved", "Small ones", "--json")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "no saved search “Small ones”" in result.stderr
    assert "ollamactl searches" in result.stderr
