"""What a server answers becomes a clear state and a sentence, whatever it is; nothing breaks."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models_app import checks
from models_app.models import OllamaModel, OllamaServer
from tests.components.waiting import wait_until
from tests.helpers.raw_http import (
    Handler,
    RawRequest,
    RawServer,
    answer_bytes,
    raw_server,
    routes,
    say,
)


@pytest.fixture(autouse=True)
def with_valkey(valkey: Any) -> None:
    pass


@contextmanager
def serving(handler: Handler) -> Iterator[RawServer]:
    """A raw server on an event loop of its own."""
    ready: list[RawServer] = []
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    async def serve() -> None:
        async with raw_server(handler) as server:
            ready.append(server)
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    wait_until(lambda: bool(ready), "the server listens")
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(10)
        loop.close()


def ollama(**answers: Any) -> Handler:
    """An Ollama whose answers to `version`, `ps` and `tags` are these; bytes as they are."""
    told = {"version": {"version": "0.24.0"}, "ps": {"models": []}, "tags": {"models": []}}
    return routes(
        {
            f"GET /api/{name}": say(answer if isinstance(answer, bytes) else as_json(answer))
            for name, answer in {**told, **answers}.items()
        }
    )


def as_json(answer: object) -> bytes:
    return answer_bytes(json.dumps(answer))


def checked(url: str) -> OllamaServer:
    server = OllamaServer.objects.create(name="odd", base_url=url, status="online")
    checks.check_servers([server])
    server.refresh_from_db()
    return server


async def drip(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
    """A byte now and then."""
    for byte in answer_bytes('{"version": "0.24.0"}'):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


LOGIN_PAGE = answer_bytes("<form>Password</form>", content_type="text/html")
TO_LOGIN = answer_bytes("", status="302 Found", headers={"Location": "/login"})


@pytest.mark.parametrize(
    ("handler", "status", "reason", "words"),
    [
        (say(LOGIN_PAGE), "offline", "not_ollama", "A web page answers"),
        (say(TO_LOGIN), "offline", "not_ollama", "odd"),
        (say(as_json({"name": "elasticsearch", "version": {"number": "8"}})), "offline",
         "not_ollama", "is not Ollama"),
        (say(answer_bytes(b'{"version": "\xff"}')), "offline", "bad_answer", "not with what"),
        (say(answer_bytes('{"version": NaN}')), "offline", "not_ollama", "is not Ollama"),
        (say(answer_bytes("[" * 50_000)), "offline", "bad_answer", "not with what Ollama sends"),
        (say(as_json({"version": "1", "x": "x" * 100_000})), "offline", "too_large", "larger than"),
        (ollama(ps=answer_bytes(" " * 600_000)), "degraded", "too_large", "larger than"),
        (ollama(ps=as_json({"models": "none"})), "degraded", "bad_answer", "not with what"),
        (ollama(version={"version": "99.0.0-rc1"}), "online", "", ""),
        (ollama(ps={"models": [{"name": "a\x00<b>", "size": -1}, 5, {"name": "x", "size": -5}]}),
         "online", "", ""),
        (drip, "offline", "timeout", "No answer within"),
        (say(b"220 mail ESMTP\r\n\r\n"), "offline", "not_ollama", "does not speak HTTP"),
        (say(b"-ERR unknown command\r\n"), "offline", "not_ollama", "does not speak HTTP"),
        (say(b"HTTP/1.1 200 OK\r\nX-Half: a"), "offline", "unreachable", "broke off"),
        (say(), "offline", "unreachable", "broke off"),
    ],
)  # fmt: skip
def test_every_answer_is_a_state_and_a_sentence(
    db: None, handler: Handler, status: str, reason: str, words: str
) -> None:
    with serving(handler) as raw:
        server = checked(raw.url)
    assert (server.status, server.reason) == (status, reason), str(server.message)
    sentence = str(server.message)
    assert words in sentence
    assert "<" not in sentence
    assert not sentence or sentence[-1] in ".?"


def test_a_list_with_anything_in_it(transactional_db: None) -> None:
    """What cannot be a model is left out; what can has nothing that could hurt."""
    digest = "ab" * 32
    odd: list[Any] = [
        {"name": "good:latest", "digest": digest, "size": 5},
        {"name": "less:latest", "digest": "no", "size": -5, "modified_at": "never"},
        {"name": "large:latest", "digest": digest, "size": 2**70},
        {"name": "marked:latest", "details": {"family": "<script>alert(1)</script>\x1b[31m\u202e"}},
        {"name": "../../etc/passwd"},
        {"name": "a\x00b"},
        {"name": "<img src=x>"},
        *(5, None, [], {}, {"name": None}),
    ]
    with serving(ollama(tags={"models": odd})) as raw:
        server = checked(raw.url)
        assert server.status == "online"
        checks.read_due_lists()
    rows = {row.name: row for row in OllamaModel.objects.all()}
    assert set(rows) == {f"{name}:latest" for name in ("good", "less", "large", "marked")}
    assert (rows["good:latest"].size, rows["less:latest"].size) == (5, None)
    assert rows["large:latest"].size is None
    assert rows["marked:latest"].family == "<script>alert(1)</script>[31m"


def test_a_name_that_leads_elsewhere_the_second_time(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection goes to an address that was judged: never to that of a cloud's metadata."""
    answers = ["127.0.0.1", "169.254.169.254"]
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = answers[min(len(asked), 2) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("ollamactl.lib.netguard.resolving.socket.getaddrinfo", getaddrinfo)
    one_answer_a_connection = say(answer_bytes('{"version": "1"}', headers={"Connection": "close"}))
    with serving(one_answer_a_connection) as raw:
        server = checked(f"http://rebound.test:{raw.port}")
        assert [request.path for request in raw.requests] == ["/api/version"]
    assert len(asked) == 2
    assert server.status == "degraded"
    assert "never called" in str(server.message)
    checks.check_servers([server])
    server.refresh_from_db()
    assert server.status == "offline"
    assert "never called" in str(server.message)
