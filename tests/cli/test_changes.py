"""`cp`, `mv`, `pin` and `unpin`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel
from tests.cli.test_lifecycle import row, work


@pytest.mark.parametrize(
    ("verb", "path", "said"),
    [
        ("cp", "copy", "copied 'a:latest'\n"),
        ("mv", "rename", "renamed 'a:latest'\n"),
    ],
)
def test_a_new_name_is_sent_and_waited_for(
    user: Run, panel: FakePanel, verb: str, path: str, said: str
) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", f"models/7/{path}/")
    result = user(verb, "a", "b")
    assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    assert panel.calls[1].body == {"name": "b"}
    assert user(verb, "a").exit_code == 2


@pytest.mark.parametrize("verb", ["pin", "unpin"])
def test_a_pin_is_set_at_once(user: Run, panel: FakePanel, verb: str) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    panel.answer("POST", f"models/7/{verb}/", 202, {"model": row(7, "a:latest")})
    assert user(verb, "a").stdout == f"{verb}ned 'a:latest'\n"
    assert json.loads(user(verb, "a", "--json").stdout)["id"] == 7
    assert panel.count("GET tasks/9/") == 0


@pytest.mark.parametrize(
    ("words", "path", "body"),
    [
        (["start", "a", "--keep-alive", "30m", "--num-ctx", "8192"], "start",
         {"keep_alive": "30m", "num_ctx": 8192}),
        (["stop", "a", "--force"], "stop", {"force": True}),
    ],
)  # fmt: skip
def test_options_go_with_the_request(
    user: Run, panel: FakePanel, words: list[str], path: str, body: dict[str, object]
) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", f"models/7/{path}/")
    assert user(*words).exit_code == 0
    assert panel.calls[1].body == body


def test_what_shall_be_different_is_sent(user: Run, panel: FakePanel, tmp_path: Path) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    work(panel, "POST", "models/7/recreate/")
    template = tmp_path / "template"
    template.write_text("{{ .Prompt }}")
    result = user(
        *("recreate", "a", "-p", "temperature=0.7", "-p", "stop=x", "-p", "stop=y=z"),
        *("--system", "Be brief.", "--template", str(template)),
    )
    assert (result.exit_code, result.stdout) == (0, "recreated 'a:latest'\n")
    assert panel.calls[1].body == {
        "parameters": {"temperature": "0.7", "stop": ["x", "y=z"]},
        "system": "Be brief.",
        "template": "{{ .Prompt }}",
    }
    assert user("recreate", "a").exit_code == 0
    assert panel.calls[-2].body is None
    assert user("recreate", "a", "-p", "hot").exit_code == 2


def test_a_benchmark_tells_its_figures(user: Run, panel: FakePanel) -> None:
    panel.rows("models/", [row(7, "a:latest")])
    figures = {"load_seconds": 1.25, "first_token_seconds": 0.0421, "token_rate": 42.31}
    work(panel, "POST", "models/7/benchmark/", result={"benchmark": figures})
    result = user("bench", "a", "--tokens", "16")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        ["loaded in 1.25 s", "first token after 0.042 s", "answer: 42.3 tokens a second"],
    )
    assert panel.calls[1].body == {"tokens": 16}
    assert json.loads(user("bench", "a", "--json").stdout)["task"]["id"] == 9
