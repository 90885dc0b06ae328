"""Services that mean harm: each answer is an error, or what was asked for and no more."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from ollamactl.lib.netguard import (
    AddressRefused,
    CutOff,
    EncodedAnswer,
    GuardedClient,
    NoUsableAnswer,
    OutboundError,
    Policy,
    TlsRefused,
    TotalTimeout,
    fetch,
)
from ollamactl.lib.netguard.connection import MOST_INTERIM, GuardedConnection
from tests.helpers.certificates import server_certificate
from tests.helpers.raw_http import Handler, RawRequest, answer_bytes, raw_server, say

LOCAL = Policy(allow_private=True, allow_loopback=True, total_timeout_s=5, max_bytes=1000)
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONG = b"x" * 10_000


async def get(words: bytes, policy: Policy = LOCAL) -> Any:
    async with raw_server(say(words)) as server:
        return await fetch("GET", server.url, policy=policy)


@pytest.mark.parametrize(
    "words",
    [
        *(b"HTTP/1.1 200 " + LONG, OK + b"X-Long: " + LONG, OK + LONG, OK + b"X: a\r\n" * 1000),
        *(OK + b"X: a\r\n" + b" more\r\n" * 2000, OK + b"X: a\x00b\r\n\r\n", OK + b"no colon\r\n"),
        *(
            b"HTTP/9.9 200 OK\r\n\r\n",
            b"HTTP/1.1 99 Few\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ),
        *(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\xff" * 9000),
        *(
            OK + b"Content-Length: " + size + b"\r\n\r\nok"
            for size in (b"-2", b"+2", b"2, 2", b"9" * 30)
        ),
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        *(CHUNKED + size + b"\r\nok\r\n0\r\n\r\n" for size in (b"", b"-1", b"zz", b"F" * 20)),
        CHUNKED + b"2\r\nok\r\n0\r\n" + b"X: a\r\n" * 1000,
        CHUNKED + b"2\r\nok\r\n0\r\nX: " + LONG,
    ],
    ids=lambda words: repr(words[:60]),
)
async def test_what_is_no_answer_is_none(words: bytes) -> None:
    with pytest.raises(NoUsableAnswer):
        await get(words)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (CHUNKED + b"2;", b"x" * 1000),
        (CHUNKED + b"2;x=", b"x" * 1000),
        (CHUNKED, b"0" * 1000),
    ],
    ids=["extension", "value", "zeros"],
)
async def test_what_never_comes_to_the_point_has_its_time(head: bytes, piece: bytes) -> None:
    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while not writer.is_closing():
            writer.write(piece)
            await writer.drain()

    policy = Policy(allow_loopback=True, total_timeout_s=0.5)
    async with raw_server(handler) as server:
        with pytest.raises(TotalTimeout):
            await fetch("GET", server.url, policy=policy)


CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


@pytest.mark.parametrize("interim", [CONTINUE, HINTS], ids=["continue", "hints"])
async def test_some_interim_answers_are_passed_over(interim: bytes) -> None:
    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(interim * MOST_INTERIM + answer_bytes("ok", headers={"Connection": "close"}))
        await writer.drain()

    async with (
        raw_server(handler) as server,
        GuardedClient(LOCAL, base_url=server.url) as client,
    ):
        for _again in range(2):
            async with client.stream("GET", "/", most=100) as answer:
                assert await answer.body() == b"ok"


@pytest.mark.parametrize("interim", [CONTINUE, HINTS], ids=["continue", "hints"])
async def test_a_flood_of_them_is_no_answer(
    interim: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the first few are read, however many come at once; the time of the policy is long."""
    read = []
    take = GuardedConnection.feed_data

    def counted(self: GuardedConnection, data: Any, size: int = 0) -> None:
        read.append(data)
        take(self, data, size)

    monkeypatch.setattr(GuardedConnection, "feed_data", counted)
    policy = Policy(allow_loopback=True, total_timeout_s=60)
    async with raw_server(say(interim * 20_000 + answer_bytes("ok"))) as server:
        with pytest.raises(NoUsableAnswer):
            await fetch("GET", server.url, policy=policy)
    assert len(read) < 1000


async def test_a_body_that_breaks_the_rules_later_is_known_to_be_broken() -> None:
    """The head was fine and has been taken; the connection stays open on the other side."""
    begun = asyncio.Event()

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"2\r\nok\r\n")
        await begun.wait()
        writer.write(b"no length\r\n")
        await asyncio.Event().wait()

    async with (
        raw_server(handler) as server,
        GuardedClient(LOCAL, base_url=server.url) as client,
        asyncio.timeout(30),
        client.stream("GET", "/", most=None) as answer,
    ):
        pieces = answer.pieces()
        assert await anext(pieces) == b"ok"
        begun.set()
        with pytest.raises(CutOff):
            await anext(pieces)


async def test_bytes_that_are_no_text_break_nothing() -> None:
    answer = await get(
        b"HTTP/1.1 200 \xff\xfe\r\nX-Odd: \xff\xfe\r\nDate: \xff\r\nContent-Length: 2\r\n\r\nok"
    )
    assert (answer.status, answer.body) == (200, b"ok")
    follow = Policy(allow_loopback=True, follow_redirects=True, max_redirects=1, total_timeout_s=5)
    for place in (b"/\xff\xfe", b"http://\xff\xfe/", b"//[\xff]/", b"http://127.0.0.1:99999/"):
        with pytest.raises(OutboundError):
            await get(
                b"HTTP/1.1 302 Found\r\nLocation: " + place + b"\r\nContent-Length: 0\r\n\r\n",
                follow,
            )


@pytest.mark.parametrize("encoding", ["gzip", "BR", "identity, gzip", "x-anything"])
async def test_whatever_is_packed_is_refused(encoding: str) -> None:
    with pytest.raises(EncodedAnswer):
        await get(answer_bytes(b"ok", headers={"Content-Encoding": encoding}))


def kept(*answers: bytes) -> Handler:
    """A handler that gives one answer after the other on one connection."""

    async def handler(_request: RawRequest, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
        await writer.drain()
        await asyncio.Event().wait()

    return handler


async def test_an_answer_that_nobody_asked_for_is_not_the_next_one() -> None:
    """Each connection says two answers at once; the second belongs to no question."""
    handler = kept(answer_bytes("first"), answer_bytes("forged"))
    async with (
        raw_server(handler) as server,
        GuardedClient(LOCAL, base_url=server.url) as client,
    ):
        said = []
        for path in ("/a", "/b", "/c"):
            async with client.stream("GET", path, most=100) as answer:
                said.append(await answer.body())
    assert said == [b"first"] * 3
    assert [request.path for request in server.requests] == ["/a", "/b", "/c"]


async def test_what_comes_between_two_questions_answers_none() -> None:
    """The forged answer comes while the connection rests."""
    forge, forged = asyncio.Event(), asyncio.Event()

    async def handler(request: RawRequest, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_bytes("true"))
        if request.path == "/a":
            await forge.wait()
            writer.write(answer_bytes("forged"))
            await writer.drain()
            forged.set()
            await asyncio.Event().wait()

    async with (
        raw_server(handler) as server,
        raw_server(say(answer_bytes("later"))) as other,
        GuardedClient(LOCAL, base_url=server.url) as client,
    ):
        async with client.stream("GET", "/a", most=100) as answer:
            assert await answer.body() == b"true"
        forge.set()
        await forged.wait()
        await fetch("GET", other.url, policy=LOCAL)  # by then the forged one has been read
        async with client.stream("GET", "/b", most=100) as answer:
            assert await answer.body() == b"true"


async def test_no_cookie_is_kept_and_nothing_is_read_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("default login ada password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    cookie = {"Set-Cookie": "session=stolen; Path=/"}
    async with (
        raw_server(say(answer_bytes("ok", headers=cookie))) as server,
        GuardedClient(LOCAL, base_url=server.url) as client,
    ):
        for path in ("/a", "/b"):
            async with client.stream("GET", path, most=100) as answer:
                await answer.body()
    for request in server.requests:
        assert not {"cookie", "authorization", "proxy-authorization"} & set(request.headers)


async def test_a_connection_is_trusted_by_the_authority_of_its_own_client_alone(
    tmp_path: Path,
) -> None:
    """While one client's connection is open, another to the same address trusts by its own."""
    tls, ca_pem = server_certificate(tmp_path, "127.0.0.1")
    trusting = Policy(allow_loopback=True, ca_pem=ca_pem)
    handler = kept(answer_bytes("ok"))
    async with (
        raw_server(handler, tls=tls) as server,
        GuardedClient(trusting, base_url=server.url) as known,
        GuardedClient(LOCAL, base_url=server.url) as stranger,
    ):
        async with known.stream("GET", "/", most=100) as answer:
            assert await answer.body() == b"ok"
        with pytest.raises(TlsRefused):
            async with stranger.stream("GET", "/", most=100):
                pass
    assert len(server.requests) == 1


async def test_each_connection_goes_by_the_address_of_its_own_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that leads elsewhere by the next connection is judged anew."""
    leads_to = ["127.0.0.1"]

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to[0], port))]

    monkeypatch.setattr("ollamactl.lib.netguard.resolving.socket.getaddrinfo", getaddrinfo)
    async with (
        raw_server(say(answer_bytes("ok"))) as server,
        GuardedClient(LOCAL, base_url=f"http://two.test:{server.port}") as client,
    ):
        async with client.stream("GET", "/", most=100) as answer:
            assert await answer.body() == b"ok"
        leads_to[0] = "169.254.169.254"
        with pytest.raises(AddressRefused):
            async with client.stream("GET", "/", most=100):
                pass
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("[::1]", True),
        ("[::1%25lo]", True),
        ("[fe80::1%25lo]", False),
        ("[fe80::1%251]", False),
        ("[::]", False),
        ("[::ffff:169.254.169.254]", False),
        ("[64:ff9b::a9fe:a9fe]", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
    ],
)
async def test_addresses_of_version_six_and_their_zones(host: str, allowed: bool) -> None:
    """What may be called is tried: port 1 has nobody who answers."""
    with pytest.raises(NoUsableAnswer if allowed else AddressRefused):
        await fetch("GET", f"http://{host}:1/", policy=LOCAL)
    with pytest.raises(OutboundError):
        await fetch("GET", f"http://{host}:1/", policy=Policy())
