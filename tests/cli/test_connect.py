"""`connect` and `open-webui`: the URLs and texts of a server, and files of them."""

from __future__ import annotations

import json
from typing import Any

import click
import pytest
import yaml

from tests.cli.conftest import Run
from tests.cli.fake_panel import FakePanel, Json, refusal

URL = "http://192.168.1.20:11434"


def way(situation: str, **changes: Any) -> Json:
    return {
        "situation": situation,
        "label": situation,
        "place": "this_machine",
        "url": URL,
        "openai_url": f"{URL}/v1",
        "state": "works",
        "detail": "It answers here.",
        "variables": {"OLLAMA_HOST": URL, "OLLAMA_API_KEY": ""},
        "snippets": [{"language": "shell", "title": "In the shell", "text": f"curl {URL}\n"}],
        **changes,
    }


def answer(panel: FakePanel, *ways: Json) -> None:
    info = {
        "server": 1,
        "name": "Local",
        "model": "llama3.2:latest",
        "tried": True,
        "authentication": {"kind": "bearer", "header": "Authorization", "variables": []},
        "warnings": [{"code": "open_without_key", "level": "warning", "detail": "It is open."}],
        "situations": list(ways),
    }
    panel.answer("GET", "servers/1/connection-info/", 200, info)


def test_the_urls_of_all_situations(user: Run, panel: FakePanel) -> None:
    answer(panel, way("this_machine"), way("local_network", url="", state="unknown"))
    result = user("connect")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["FOR", "URL", "STATE"]
    assert lines[1].split() == ["this-machine", URL, "works"]
    assert lines[2].split() == ["local-network", "-", "unknown"]
    assert len(lines) == 3
    assert result.stderr == "It is open.\n"
    assert panel.calls[-1].query == {"try": ["true"]}


def test_the_texts_of_one(user: Run, panel: FakePanel) -> None:
    answer(panel, way("open_webui"))
    words = ["--for", "open-webui", "--from", "container", "--model", "x:1", "--no-try"]
    result = user("connect", "local", *words)
    assert result.stdout.splitlines()[-2:] == ["# In the shell", f"curl {URL}"]
    assert panel.calls[-1].query == {
        "for": ["open_webui"],
        "place": ["container"],
        "model": ["x:1"],
        "try": ["false"],
    }


def test_files_for_other_programs(user: Run, panel: FakePanel) -> None:
    answer(panel, way("curl"), way("openai", variables={"OPENAI_BASE_URL": f"{URL}/v1"}))
    env = user("connect", "--format", "env").stdout
    assert env.splitlines() == [
        "# Local",
        f"OLLAMA_HOST={URL}",
        "# Fill this in: the panel never tells a server's secrets.",
        "OLLAMA_API_KEY=",
        f"OPENAI_BASE_URL={URL}/v1",
    ]
    data = json.loads(user("connect", "--format", "json").stdout)
    assert data["situations"]["curl"]["url"] == URL
    assert data["authentication"] == "bearer"
    assert yaml.safe_load(user("connect", "--format", "yaml").stdout) == data


def test_what_the_panel_sends_cannot_play_with_the_terminal(user: Run, panel: FakePanel) -> None:
    evil = {"language": "shell", "title": "a\x1b[2Jb", "text": "x\x1b]0;evil\x07y\n"}
    answer(panel, way("curl", url="http://h\x1b[31m", snippets=[evil]))
    for words in (["--for", "curl"], ["--format", "env"], ["--format", "yaml"]):
        assert "\x1b" not in user("connect", *words).output


def test_a_word_that_is_no_situation_is_a_usage_error(user: Run, panel: FakePanel) -> None:
    assert user("connect", "--for", "fax").exit_code == 2
    assert user("connect", "nowhere").exit_code == 4
    refused = refusal(400, "invalid", "This is no name.")
    panel.answer("GET", "servers/1/connection-info/", lambda call: refused)
    result = user("connect", "--model", "//")
    assert (result.exit_code, result.stderr) == (2, "Error: This is no name.\n")


def jump(state: str, url: str = "http://127.0.0.1:3000") -> Json:
    detail = "Open WebUI 0.12.4 answers." if state == "ready" else "It is not there."
    return {"url": url, "source": "set", "state": state, "detail": detail}


def test_open_webui_is_printed_when_it_is_there(user: Run, panel: FakePanel) -> None:
    panel.answer("GET", "servers/1/open-webui/", 200, jump("ready"))
    result = user("open-webui")
    assert (result.exit_code, result.stdout) == (0, "http://127.0.0.1:3000\n")
    assert result.stderr == "Open WebUI 0.12.4 answers.\n"
    panel.answer("GET", "servers/1/open-webui/", 200, jump("something_else"))
    result = user("open-webui", "Local")
    assert (result.exit_code, result.stderr) == (1, "Error: It is not there.\n")
    result = user("open-webui", "--json")
    assert (result.exit_code, json.loads(result.stdout)["state"]) == (1, "something_else")


def test_only_a_web_address_is_opened(
    user: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    panel.answer("GET", "servers/1/open-webui/", 200, jump("ready", "file:///etc/passwd"))
    assert user("open-webui", "--open").exit_code == 1
    panel.answer("GET", "servers/1/open-webui/", 200, jump("ready"))
    assert user("open-webui", "--open").exit_code == 0
    assert opened == ["http://127.0.0.1:3000"]
