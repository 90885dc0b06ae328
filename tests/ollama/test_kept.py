"""Clients that stay open: one connection for many questions, and never a wrong one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from models_app.looking import ListSeen, look_at, read_lists
from models_app.models import OllamaServer
from models_app.ollama import kept
from models_app.ollama.endpoint import Endpoint
from models_app.ollama.kept import KeptClients


@dataclass
class Ollama:
    """What says its version, and counts connections and requests."""

    url: str = ""
    version: str = "0.24.0"
    connections: int = 0
    open: int = 0
    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head.split(b" ")[1].decode())
                body = json.dumps({"version": self.version, "models": []}).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Ollama]:
    ollama = Ollama()
    async with await asyncio.start_server(ollama.serve, "127.0.0.1", 0) as server:
        ollama.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield ollama


async def test_one_connection_for_many_questions() -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(5), Endpoint(ollama.url)
        for _round in range(3):
            async with clients.use(1, endpoint) as one:
                if not one.known_version():
                    assert await one.ask_version() == "0.24.0"
                await one.client.ps()
        assert ollama.connections == 1
        assert ollama.asked == ["/api/version", *["/api/ps"] * 3]
        async with clients.use(1, endpoint, anew=True) as one:
            assert one.known_version() == ""
            await one.ask_version()
        assert ollama.connections == 2


async def test_a_version_is_known_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "VERSION_SECONDS", -1.0)
    async with serving() as ollama, KeptClients(5).use(1, Endpoint(ollama.url)) as one:
        await one.ask_version()
        assert one.known_version() == ""


async def test_another_address_or_secret_is_another_client() -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(5), Endpoint(ollama.url)
        other = Endpoint(ollama.url, auth_kind="bearer", credentials={"token": "t"})
        for each in (endpoint, other, other):
            async with clients.use(1, each) as one:
                await one.client.ps()
        assert ollama.connections == 2
        assert len(clients) == 1


async def test_one_that_breaks_off_is_closed() -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(5), Endpoint(ollama.url)

        async def break_off() -> None:
            async with clients.use(1, endpoint) as one:
                await one.client.ps()
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await break_off()
        assert len(clients) == 0
        while ollama.open:
            await asyncio.sleep(0)


async def test_two_users_at_once_have_one_each_and_one_is_kept() -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(5), Endpoint(ollama.url)
        async with clients.use(1, endpoint) as one, clients.use(1, endpoint) as two:
            assert one is not two
            await one.client.ps()
            await two.client.ps()
        assert len(clients) == 1
        while ollama.open > 1:
            await asyncio.sleep(0)


async def test_no_more_than_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(2), Endpoint(ollama.url)
        for key in range(4):
            async with clients.use(key, endpoint) as one:
                await one.client.ps()
        assert len(clients) == 2
        monkeypatch.setattr(kept, "IDLE_SECONDS", -1.0)
        async with clients.use(9, endpoint) as one:
            await one.client.ps()
        assert len(clients) == 0


async def test_what_is_in_memory_is_known_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as ollama:
        clients, endpoint = KeptClients(5), Endpoint(ollama.url)
        async with clients.use(1, endpoint) as one:
            assert one.lately_loaded() is None
            before = datetime.now(UTC)
            assert await one.ask_loaded() == []
        async with clients.use(1, endpoint) as again:
            lately = again.lately_loaded()
            assert lately is not None
            assert lately[0] == []
            assert before <= lately[1] <= datetime.now(UTC)
        monkeypatch.setattr(kept, "LOADED_SECONDS", 0.0)
        async with clients.use(1, endpoint) as later:
            await later.ask_loaded()
            assert later.lately_loaded() is None
        assert ollama.asked == ["/api/ps"] * 2
        await clients.aclose()


async def test_the_first_list_is_read_without_asking_for_what_runs_again() -> None:
    async with serving() as ollama:
        server = OllamaServer(pk=987_654, name="new", base_url=ollama.url)

        def look(*, whole: bool) -> ListSeen:
            ((finding,),) = look_at([server], anew=True)
            ((seen,),) = read_lists([server], whole=whole)
            assert finding.begun <= seen.asked_at
            assert seen.loaded == []
            return seen

        await asyncio.to_thread(look, whole=False)
        assert ollama.asked == ["/api/version", "/api/ps", "/api/tags"]
        await asyncio.to_thread(look, whole=True)
        assert ollama.asked[3:] == ["/api/version", "/api/ps", "/api/tags", "/api/ps"]
