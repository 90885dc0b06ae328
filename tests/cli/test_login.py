"""Logging in and out, and where the token goes."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from ollamactl.cli.remote import client
from ollamactl.cli.remote.config import config_file, panel_url
from tests.cli.conftest import TOKEN, Run, log_in
from tests.cli.fake_panel import Call, FakePanel, Reply, refusal

ME = {"user": {"id": 1, "username": "ada"}, "permissions": []}


def stored(environment: dict[str, str]) -> dict[str, str]:
    value = json.loads(config_file(environment).read_text())
    assert isinstance(value, dict)
    return value


def test_a_password_becomes_a_token_that_only_the_user_can_read(
    stranger: Run, panel: FakePanel, environment: dict[str, str]
) -> None:
    panel.answer("POST", "auth/login/", json={"token": "fresh", "expiry": "2030-01-01T00:00:00Z"})
    result = stranger("login", panel.url, "--user", "ada", input="s3cret ü\n")

    assert result.exit_code == 0
    assert result.stdout == f"Logged in at {panel.url} as ada.\n"
    call = panel.calls[0]
    assert (
        call.headers["Authorization"]
        == "Basic " + base64.b64encode("ada:s3cret ü".encode()).decode()
    )
    assert call.headers["User-Agent"].startswith("ollamactl/")
    assert call.body["name"].startswith("ollamactl on ")
    assert stored(environment) == {
        "url": panel.url,
        "token": "fresh",
        "user": "ada",
        "expiry": "2030-01-01T00:00:00Z",
    }
    path = config_file(environment)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert "s3cret" not in path.read_text() + result.output


def test_a_wrong_password_is_not_permitted_and_stores_nothing(
    stranger: Run, panel: FakePanel, environment: dict[str, str]
) -> None:
    panel.answer("POST", "auth/login/", lambda call: refusal(401, "no", "Wrong name or password."))
    result = stranger("login", panel.url, "--user", "ada", input="wrong\n")

    assert result.exit_code == 3
    assert result.stderr == "Error: Wrong name or password.\n"
    assert not config_file(environment).exists()


def test_a_token_from_stdin_is_checked_and_kept(
    stranger: Run, panel: FakePanel, environment: dict[str, str]
) -> None:
    panel.answer("GET", "me/", json=ME)
    result = stranger("login", panel.url, "--token", "-", "--json", input="given\n")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"url": panel.url, "user": "ada", "expiry": None}
    assert panel.calls[0].headers["Authorization"] == "Token given"
    assert stored(environment)["token"] == "given"


def test_without_a_terminal_a_user_has_to_be_given(stranger: Run, panel: FakePanel) -> None:
    result = stranger("login", panel.url)

    assert result.exit_code == 2
    assert "--token" in result.stderr
    assert not panel.calls


def test_a_redirect_is_refused_and_the_password_does_not_follow(
    stranger: Run, panel: FakePanel
) -> None:
    elsewhere = FakePanel()
    try:
        panel.answer("POST", "auth/login/", 308, headers={"Location": elsewhere.url})
        result = stranger("login", panel.url, "--user", "ada", input="secret\n")
        assert result.exit_code == 1
        assert elsewhere.url in result.stderr
        assert not elsewhere.calls
    finally:
        elsewhere.stop()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b"<html>hello</html>"),
        Reply(raw=b"[1]"),
        Reply(raw=b"[" * 5000),
        Reply(json={"token": ""}),
        Reply(json={"token": "a\nb"}),
    ],
)
def test_what_is_no_panel_is_said_to_be_none(
    stranger: Run, panel: FakePanel, environment: dict[str, str], reply: Reply
) -> None:
    panel.answer("POST", "auth/login/", lambda call: reply)
    result = stranger("login", panel.url, "--user", "ada", input="secret\n")

    assert result.exit_code in {1, 2}
    assert result.stderr.startswith("Error: ")
    assert not config_file(environment).exists()


def test_the_environment_is_enough_for_scripts(
    stranger: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMACTL_URL", panel.url + "/")
    monkeypatch.setenv("OLLAMACTL_TOKEN", "from-environment")
    assert stranger("ls", "--json").exit_code == 0
    assert panel.calls[0].headers["Authorization"] == "Token from-environment"


def test_a_stored_token_is_not_sent_to_another_address(
    user: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakePanel()
    try:
        other.answer("GET", "models/", lambda call: refusal(401, "no", ""))
        monkeypatch.setenv("OLLAMACTL_URL", other.url)
        result = user("ls")
        assert result.exit_code == 3
        assert f"ollamactl login {other.url}" in result.stderr
        assert all("Authorization" not in call.headers for call in other.calls)
    finally:
        other.stop()


def test_a_netrc_does_not_replace_the_token(
    user: Run, panel: FakePanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login eve password x\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setattr(client, "is_loopback", lambda url: False)
    assert user("ls").exit_code == 0
    assert panel.calls[0].headers["Authorization"] == f"Token {TOKEN}"


def test_a_proxy_is_not_asked_for_this_machine(
    user: Run, panel: FakePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert user("ls").exit_code == 0
    assert panel.calls


def test_logging_out_revokes_the_token_and_forgets_it(
    user: Run, panel: FakePanel, environment: dict[str, str]
) -> None:
    panel.answer("POST", "auth/logout/", 204, raw=b"")
    result = user("logout")

    assert (result.exit_code, result.stdout) == (0, "Logged out.\n")
    assert panel.calls[0].headers["Authorization"] == f"Token {TOKEN}"
    assert not config_file(environment).exists()


def test_logging_out_forgets_the_token_even_if_the_panel_is_away(
    stranger: Run, environment: dict[str, str]
) -> None:
    gone = FakePanel()
    path = log_in(environment, gone)
    gone.stop()
    result = stranger("logout")

    assert result.exit_code == 1
    assert "does not answer" in result.stderr
    assert not path.exists()


def test_a_broken_config_file_is_one_sentence(stranger: Run, environment: dict[str, str]) -> None:
    path = config_file(environment)
    path.parent.mkdir(parents=True)
    path.write_text("[1, 2]")
    result = stranger("ls")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert str(path) in result.stderr


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("panel.example:8800", "http://panel.example:8800"),
        ("https://Panel.example/", "https://panel.example"),
        ("https://panel.example/ollama/", "https://panel.example/ollama"),
        ("http://[::1]:8800", "http://[::1]:8800"),
    ],
)
def test_addresses_are_read_as_people_write_them(text: str, url: str) -> None:
    assert panel_url(text) == url


@pytest.mark.parametrize(
    "text", ["ftp://x", "http://", "http://u:p@x", "http://x?y", "http://x:99999", "http://x y"]
)
def test_what_is_no_address_is_a_usage_error(stranger: Run, text: str) -> None:
    result = stranger("login", text, "--user", "ada", input="secret\n")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")


def test_every_call_carries_the_readers_language(user: Run, panel: FakePanel) -> None:
    def answer(call: Call) -> Reply:
        return refusal(400, "invalid", f"in {call.headers['Accept-Language']}")

    panel.answer("GET", "models/", answer)
    assert "in en" in user("ls").stderr
