"""What goes wrong is said in one clear sentence, the same in the API and the command, and nothing
is wedged afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

import pytest

from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import RegistryProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api, Json
from tests.end_to_end.bad_servers import hanging_server, html_server, no_server
from tests.end_to_end.shell import Shell

AddServer = Callable[[str, str], Json]


@pytest.fixture(scope="module")
def shell(panel: PanelProcess, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(panel, tmp_path_factory.mktemp("shell"))
    shell.log_in("admin", panel.password)
    return shell


@pytest.fixture
def add_server(admin: Api) -> Iterator[AddServer]:
    """``add_server(name, url)`` adds one, which goes with the test."""
    added = []

    def add(name: str, url: str) -> Json:
        row = admin.post("servers/", {"name": name, "base_url": url}, status=201)
        added.append(row["id"])
        return row

    yield add
    for server in added:
        for model in admin.all("models/", server=server):
            admin.wait_for_task(model["task"]["id"])
        assert admin.call("DELETE", f"servers/{server}/").status_code == 204


def works_as_before(api: Api, server: int, registry: RegistryProcess) -> None:
    """A whole round on the good server, in a few seconds."""
    pushed = registry.push_random_model()
    accepted = api.post("models/", {"name": pushed.name, "server": server})
    api.succeed(accepted, 15)
    api.succeed(api.delete(f"models/{accepted['model']['id']}/"), 15)


def wait_for_a_look(api: Api, server: int, timeout: float) -> None:
    last = api.get(f"servers/{server}/")["last_seen_at"]

    def was_looked_at() -> bool:
        return bool(api.get(f"servers/{server}/")["last_seen_at"] != last)

    wait_until(was_looked_at, "the server was looked at again", timeout)


def reasons(answer: Json) -> str:
    return " ".join(reason["detail"] for reason in answer["reasons"])


@pytest.mark.parametrize(
    "name",
    ["", "llama3.2:", "two words", "../../etc/passwd", "https://example.com/x", "x" * 300, "模型"],
)
def test_a_wrong_name_is_said_before_anything_is_asked(
    admin: Api, server: int, shell: Shell, name: str
) -> None:
    wanted = {"name": name, "server": server}
    status, _code, sentence = admin.refusal("POST", "models/", wanted)
    assert status == 400
    assert sentence.endswith(".")
    assert admin.refusal("POST", "models/preflight/", wanted)[2] == sentence
    done = shell.run("pull", "--server", "Ollama", "--", name)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"Error: {sentence}\n")
    assert admin.all("models/") == []


def test_a_model_that_the_registry_does_not_have(
    admin: Api, server: int, shell: Shell, real_registry: RegistryProcess
) -> None:
    name = f"{real_registry.host}/library/no-such-model:7b"
    wanted = {"name": name, "server": server}
    preflight = admin.post("models/preflight/", wanted, status=200)
    assert preflight["verdict"] == "block"
    says = f"{real_registry.host} has no such model. Check the name and the tag."
    assert reasons(preflight) == says
    _status, _code, sentence = admin.refusal("POST", "models/", wanted)
    assert says in sentence
    done = shell.run("pull", "--server", "Ollama", name)
    assert done.returncode in (4, 5)
    assert says in done.stderr
    assert admin.all("models/") == []

    # Against the check: Ollama itself says it, in the middle of its stream.
    accepted = admin.post("models/", {**wanted, "override": True})
    task = admin.wait_for_task(accepted["task"]["id"])
    assert (task["state"], task["attempt"]) == ("failed", 1)
    assert task["error"] == {
        "code": "model_missing",
        "detail": "The registry has no such model. Check the name and the tag.",
        "retryable": False,
    }
    model = admin.model(name)
    assert model is not None
    assert (model["status"], model["message"]) == ("error", task["error"]["detail"])
    done = shell.run("pull", "--server", "Ollama", "--override", name)
    assert done.returncode == 1
    assert task["error"]["detail"] in done.stderr
    assert shell.run("rm", "--yes", name).returncode == 0
    assert admin.model(name) is None
    works_as_before(admin, server, real_registry)


@dataclass(frozen=True)
class BadServer:
    """What answers, and what the panel says: of the server, and when a model shall be pulled."""

    serve: Callable[[], AbstractContextManager[str]]
    reason: str
    message: str
    refusal: str


BAD_SERVERS = {
    "html": BadServer(
        html_server,
        "not_ollama",
        "A web page answers at “html”, not Ollama. Enter the address and port of Ollama itself",
        "A web page answers at “html”, not Ollama. Enter the address and port of Ollama itself",
    ),
    "hanging": BadServer(
        hanging_server,
        "timeout",
        "No answer within 3 s. Is the server overloaded or the network slow?",
        "“hanging” does not answer.",
    ),
    "down": BadServer(
        no_server,
        "unreachable",
        "“down” does not answer. Check that Ollama runs there",
        "“down” does not answer. Check that Ollama runs there",
    ),
}


@pytest.mark.parametrize("kind", BAD_SERVERS)
def test_a_server_that_is_no_ollama(
    admin: Api,
    server: int,
    shell: Shell,
    add_server: AddServer,
    real_registry: RegistryProcess,
    kind: str,
) -> None:
    known = BAD_SERVERS[kind]
    with known.serve() as url:
        bad = add_server(kind, url)

        def looked_at() -> Json | None:
            row = admin.get(f"servers/{bad['id']}/")
            return row if row["message"] else None

        row = wait_until(looked_at, "it has been looked at", 10)
        assert (row["status"], row["reason"], row["latency_ms"]) == ("offline", known.reason, None)
        assert row["message"].startswith(known.message)
        done = shell.run("servers", "check", kind)
        assert done.returncode == 1
        assert row["message"] in done.stdout

        pushed = real_registry.push_random_model()
        wanted = {"name": pushed.name, "server": bad["id"]}
        begun = time.monotonic()
        preflight = admin.post("models/preflight/", wanted, status=200)
        assert time.monotonic() - begun < 4
        assert preflight["verdict"] == "block"
        assert known.refusal in reasons(preflight)
        status, code, sentence = admin.refusal("POST", "models/", wanted)
        assert (status, code) == (409, "insufficient_resources")
        assert reasons(preflight) in sentence
        done = shell.run("pull", "--server", kind, pushed.name)
        assert done.returncode == 5
        assert reasons(preflight) in done.stderr

        # Against the check: it waits or tries, can be cancelled at once, and leaves nothing.
        accepted = admin.post("models/", {**wanted, "override": True})
        task, model = accepted["task"]["id"], accepted["model"]["id"]
        wait_until(lambda: admin.get(f"tasks/{task}/")["attempt"] > 0, "it has been tried", 10)
        # What no further attempt can mend has failed by now.
        assert admin.call("POST", f"models/{model}/cancel/").status_code in (202, 409)
        assert admin.wait_for_task(task, 5)["state"] in ("cancelled", "failed")
        admin.wait_for_task(admin.delete(f"models/{model}/")["task"]["id"], 20)
        assert admin.model(pushed.name) is None
        works_as_before(admin, server, real_registry)


def test_a_frozen_ollama_is_seen_and_comes_back(
    admin: Api, server: int, ollama: OllamaProcess
) -> None:
    ollama.freeze()
    row = admin.wait_for_server(server, "offline", 12)
    assert row["message"] == ("No answer within 3 s. Is the server overloaded or the network slow?")
    ollama.thaw()
    row = admin.wait_for_server(server, "online", 12)
    assert row["message"] == ""


def test_others_are_not_slowed_by_servers_that_hang(
    admin: Api, server: int, add_server: AddServer, real_registry: RegistryProcess
) -> None:
    with ExitStack() as stack:
        for number in range(12):
            add_server(f"hanging {number}", stack.enter_context(hanging_server()))
        admin.call("POST", "models/sync/", json={})  # one worker's thread each, for minutes
        wait_until(
            lambda: len(admin.all("servers/", status="offline")) == 12, "all were looked at", 15
        )
        for _look in range(2):  # status true within 10 s of a change
            wait_for_a_look(admin, server, 10)
        assert admin.get(f"servers/{server}/")["status"] == "online"
        begun = time.monotonic()
        works_as_before(admin, server, real_registry)
        assert time.monotonic() - begun < 10
        for task in admin.all("tasks/", type="server.sync"):
            if task["state"] in ("queued", "running"):
                admin.post(f"tasks/{task['id']}/cancel/")
        wait_until(
            lambda: not admin.all("tasks/", state="queued,running"), "nothing is left over", 10
        )
