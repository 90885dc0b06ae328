"""Who sees and may do what while a real model comes: API, socket and command of a whole panel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.end_to_end.api import Api, Json
from tests.end_to_end.conftest import AsUser
from tests.end_to_end.shell import Shell
from tests.end_to_end.users import take_roles
from tests.socket.client import Listener, connect

SOON = 5.0  # seconds in which a socket closes whose right has ended


@pytest.fixture
def pulling(
    admin: Api, server: int, real_registry: RegistryProcess
) -> Iterator[tuple[PushedModel, Json]]:
    """A slow pull under way: the model and the answer."""
    pushed = real_registry.push_random_model(size=4_000_000)
    real_registry.blobs.rate = 200_000
    accepted = admin.post("models/", {"name": pushed.name, "server": server})
    yield pushed, accepted
    real_registry.blobs.rate = None
    admin.wait_for_task(accepted["task"]["id"])
    admin.call("DELETE", f"models/{accepted['model']['id']}/")


def sees_progress(listener: Listener, task: int) -> None:
    while True:
        message = listener.next("task.progress", timeout=15)
        if message["data"]["id"] == task and message["data"]["done"]:
            return


def test_a_viewer_sees_everything_live_and_changes_nothing(
    as_user: AsUser, pulling: tuple[PushedModel, Json], server: int
) -> None:
    pushed, accepted = pulling
    viewer = as_user("viewer")
    model = viewer.model(pushed.name)
    assert model is not None
    listener = viewer.listen("models", "tasks", "servers", f"task:{accepted['task']['id']}")
    sees_progress(listener, accepted["task"]["id"])
    listener.close()
    refusals = {
        f"models/{model['id']}/cancel/": "tasks_app.cancel_task",
        f"models/{model['id']}/start/": "models_app.start_ollamamodel",
        f"tasks/{model['task']['id']}/cancel/": "tasks_app.cancel_task",
        f"servers/{server}/sync/": "models_app.sync_ollamaserver",
        "models/": "models_app.pull_ollamamodel",
    }
    for path, codename in refusals.items():
        status, _code, sentence = viewer.refusal("POST", path)
        assert status == 403
        assert codename in sentence
    assert viewer.refusal("DELETE", f"models/{model['id']}/")[0] == 403
    assert viewer.get(f"tasks/{model['task']['id']}/")["state"] == "running"


def test_an_operator_works_but_does_not_override(
    as_user: AsUser, server: int, real_registry: RegistryProcess
) -> None:
    operator = as_user("operator")
    missing = f"{real_registry.host}/library/no-such-model:latest"
    wanted = {"name": missing, "server": server}
    assert operator.refusal("POST", "models/", wanted)[0] == 409
    status, _code, sentence = operator.refusal("POST", "models/", {**wanted, "override": True})
    assert status == 403
    assert "models_app.override_preflight" in sentence
    assert operator.refusal("POST", "servers/", {"name": "x", "base_url": "http://x"})[0] == 403

    pushed = real_registry.push_random_model()
    accepted = operator.post("models/", {"name": pushed.name, "server": server})
    task = operator.succeed(accepted)
    assert task["created_by"] == operator.get("me/")["user"]["id"]
    operator.succeed(operator.delete(f"models/{accepted['model']['id']}/"))


def test_somebody_without_a_role_sees_nothing(
    as_user: AsUser, panel: PanelProcess, pulling: tuple[PushedModel, Json]
) -> None:
    nobody = as_user("nobody")
    assert nobody.get("me/")["permissions"] == []
    for path in ("models/", "servers/", "tasks/", f"tasks/{pulling[1]['task']['id']}/"):
        assert nobody.refusal("GET", path)[0] == 403
    for topic in ("models", "tasks", "servers", f"task:{pulling[1]['task']['id']}"):
        listener = connect(panel.url.removeprefix("http://"))
        listener.send({"type": "auth", "token": nobody.token})
        listener.subscribe(topic)
        assert listener.close_code() == 4403
        assert [message["type"] for message in listener.received] == ["hello", "error"]
        assert listener.received[1]["data"]["code"] == "permission_denied"


def test_a_stranger_is_let_in_nowhere(
    panel: PanelProcess, pulling: tuple[PushedModel, Json]
) -> None:
    with Api(panel) as stranger:
        for path in ("models/", "servers/", "tasks/", "me/", "../schema/", "../docs/"):
            assert stranger.call("GET", path).status_code == 401
        assert stranger.refusal("POST", "models/", {"name": "llama3.2"})[0] == 401
    address = panel.url.removeprefix("http://")
    silent = connect(address)
    hasty = connect(address)
    hasty.subscribe("tasks")
    forger = connect(address)
    forger.send({"type": "auth", "token": "x" * 64})
    assert hasty.close_code() == forger.close_code() == silent.close_code(8) == 4401
    assert silent.received == []
    codes = [[m["data"]["code"] for m in who.received] for who in (hasty, forger)]
    assert codes == [["not_authenticated"], ["invalid_token"]]


def test_a_revoked_token_ends_everywhere(
    admin: Api,
    panel: PanelProcess,
    server: int,
    pulling: tuple[PushedModel, Json],
    tmp_path: Path,
) -> None:
    made = admin.post("tokens/", {"name": "to be revoked"}, status=201)
    with Api(panel, made["token"]) as program:
        listener = program.listen("tasks")
        sees_progress(listener, pulling[1]["task"]["id"])
        shell = Shell(panel, tmp_path)
        assert shell.run("login", panel.url, "--token", "-", stdin=made["token"]).returncode == 0
        assert shell.run("ls").returncode == 0
        assert admin.call("DELETE", f"tokens/{made['id']}/").status_code == 204
        assert listener.close_code(SOON) == 4401
        assert program.call("GET", "me/").status_code == 401
        done = shell.run("ls")
        assert done.returncode == 3
        assert f"Log in: ollamactl login {panel.url}" in done.stderr


def test_a_lost_role_ends_what_it_allowed(
    as_user: AsUser, panel: PanelProcess, pulling: tuple[PushedModel, Json]
) -> None:
    leaving = as_user("leaving viewer")
    listener = leaving.listen("tasks")
    sees_progress(listener, pulling[1]["task"]["id"])
    take_roles(panel, "leaving viewer")
    assert listener.close_code(SOON) == 4403
    assert leaving.refusal("GET", "tasks/")[0] == 403


def log_in(browser: httpx.Client, user: str, password: str) -> None:
    """Log in as the login page does."""
    page = browser.get("/login/").text
    hidden = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert hidden is not None
    fields = {"csrfmiddlewaretoken": hidden[1], "username": user, "password": password}
    assert browser.post("/login/", data=fields).status_code == 302


def log_out(browser: httpx.Client) -> None:
    token = browser.cookies[settings.CSRF_COOKIE_NAME]
    browser.post("/logout/", headers={"X-CSRFToken": token})


def test_a_logout_closes_the_pages_sockets(
    panel: PanelProcess, pulling: tuple[PushedModel, Json], admin: Api
) -> None:
    address = panel.url.removeprefix("http://")
    with httpx.Client(base_url=panel.url, verify=PLAIN, trust_env=False, timeout=30) as browser:
        log_in(browser, "admin", panel.password)
        session = browser.cookies[settings.SESSION_COOKIE_NAME]
        foreign = connect(address, session=session, origin="http://evil.example")
        foreign.subscribe("tasks")
        assert foreign.close_code() == 4401
        page = connect(address, session=session, origin=panel.url)
        page.subscribe("tasks")
        sees_progress(page, pulling[1]["task"]["id"])
        log_out(browser)
        assert page.close_code(SOON) == 4401
        assert connect(address, session=session, origin=panel.url).close_code(8) == 4401
    # The work of somebody who has gone goes on.
    assert admin.get(f"tasks/{pulling[1]['task']['id']}/")["state"] == "running"
