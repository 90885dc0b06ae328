"""Outbound calls: the checked address is the one connected to, and every limit holds."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.netguard import (
    AddressRefused,
    AnswerTooLarge,
    EncodedAnswer,
    GuardedClient,
    NameNotResolved,
    NoUsableAnswer,
    OutboundError,
    Policy,
    RedirectRefused,
    TotalTimeout,
    fetch,
    ssl_context,
)
from tests.helpers.certificates import server_certificate
from tests.helpers.raw_http import answer_bytes, raw_server, routes, say, say_then_hang

LOCAL = Policy(allow_private=True, allow_loopback=True, total_timeout_s=5)


def resolve_as(monkeypatch: pytest.MonkeyPatch, table: Mapping[str, list[str]]) -> list[str]:
    """Let names resolve as in `table`; gives the list of the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if host not in table:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in table[host]]

    monkeypatch.setattr("ollamactl.lib.netguard.resolving.socket.getaddrinfo", getaddrinfo)
    return asked


async def test_a_small_answer_comes_back_whole() -> None:
    async with raw_server(say(answer_bytes('{"a": 1}'))) as server:
        answer = await fetch("GET", f"{server.url}/x", policy=LOCAL, headers={"X-One": "1"})
    assert (answer.status, answer.body) == (200, b'{"a": 1}')
    assert server.requests[0].headers["x-one"] == "1"
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_the_checked_address_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = resolve_as(monkeypatch, {"ollama.test": ["127.0.0.1"]})
    async with raw_server(say(answer_bytes("ok"))) as server:
        await fetch("GET", f"http://ollama.test:{server.port}/", policy=LOCAL)
    assert asked == ["ollama.test"], "resolved once, so that it cannot change after the check"
    assert server.requests[0].headers["host"] == f"ollama.test:{server.port}"


async def test_a_name_that_leads_to_a_forbidden_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_as(monkeypatch, {"evil.test": ["169.254.169.254"], "inside.test": ["127.0.0.1"]})
    with pytest.raises(AddressRefused):
        await fetch("GET", "http://evil.test/", policy=LOCAL)
    with pytest.raises(AddressRefused):
        await fetch("GET", "http://inside.test/", policy=Policy())
    with pytest.raises(AddressRefused):
        await fetch("GET", "http://inside.test/", policy=Policy(allow_private=True))


async def test_of_mixed_addresses_only_the_allowed_one_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve_as(monkeypatch, {"mixed.test": ["169.254.169.254", "127.0.0.1"]})
    async with raw_server(say(answer_bytes("ok"))) as server:
        answer = await fetch("GET", f"http://mixed.test:{server.port}/", policy=LOCAL)
    assert answer.body == b"ok"


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_as(monkeypatch, {"two.test": ["127.0.0.2", "127.0.0.1"]})
    async with raw_server(say(answer_bytes("ok"))) as server:
        answer = await fetch("GET", f"http://two.test:{server.port}/", policy=LOCAL)
    assert answer.body == b"ok"


async def test_an_unknown_name_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_as(monkeypatch, {})
    with pytest.raises(NameNotResolved) as caught:
        await fetch("GET", "http://nowhere.test/", policy=LOCAL)
    assert caught.value.retryable


async def test_a_resolver_that_hangs_costs_no_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    monkeypatch.setattr(
        "ollamactl.lib.netguard.resolving.socket.getaddrinfo", lambda *_, **__: release.wait(10)
    )
    policy = Policy(connect_timeout_s=0.2, total_timeout_s=0.2)
    started = time.monotonic()
    with pytest.raises((TotalTimeout, NoUsableAnswer)):
        await fetch("GET", "http://slow.test/", policy=policy)
    release.set()
    assert time.monotonic() - started < 3


async def test_the_environment_offers_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with raw_server(say(answer_bytes("ok"))) as server:
        answer = await fetch("GET", server.url, policy=LOCAL)
    assert answer.body == b"ok"


async def test_too_much_is_refused_announced_or_not() -> None:
    policy = Policy(allow_loopback=True, max_bytes=1000)
    async with raw_server(say(answer_bytes("x" * 1001))) as server:
        with pytest.raises(AnswerTooLarge):
            await fetch("GET", server.url, policy=policy)
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
    async with raw_server(say(endless, *[b"x" * 500] * 100)) as server:
        with pytest.raises(AnswerTooLarge):
            await fetch("GET", server.url, policy=policy)
    async with raw_server(say(answer_bytes("x" * 1000))) as server:
        assert len((await fetch("GET", server.url, policy=policy)).body) == 1000


async def test_nothing_is_unpacked() -> None:
    packed = gzip.compress(b"0" * 5_000_000)
    async with raw_server(
        say(answer_bytes(packed, headers={"Content-Encoding": "gzip"}))
    ) as server:
        with pytest.raises(EncodedAnswer):
            await fetch("GET", server.url, policy=LOCAL)


async def test_the_total_time_holds_against_an_answer_that_trickles() -> None:
    async def trickle(_request: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n")
        while True:
            writer.write(b"X-More: 1\r\n" if not writer.is_closing() else b"")
            await writer.drain()
            await asyncio.sleep(0.02)

    policy = Policy(allow_loopback=True, read_timeout_s=5, total_timeout_s=0.3)
    async with raw_server(trickle) as server:
        with pytest.raises(TotalTimeout):
            await fetch("GET", server.url, policy=policy)


async def test_silence_is_an_error_within_the_limit() -> None:
    policy = Policy(allow_loopback=True, read_timeout_s=0.2)
    async with raw_server(say_then_hang()) as server:
        with pytest.raises(TotalTimeout):
            await fetch("GET", server.url, policy=policy)


async def test_what_is_no_http_or_breaks_off_is_one_error() -> None:
    for words in (
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab",
    ):
        async with raw_server(say(words)) as server:
            with pytest.raises(NoUsableAnswer):
                await fetch("GET", server.url, policy=LOCAL)
    with pytest.raises(NoUsableAnswer):
        await fetch("GET", "http://127.0.0.1:1/", policy=LOCAL)


# --- redirects ---


def moved(location: str, status: str = "302 Found") -> bytes:
    return answer_bytes("", status=status, headers={"Location": location})


async def test_redirects_stay_unfollowed_unless_asked_for() -> None:
    async with raw_server(say(moved("/b"))) as server:
        assert (await fetch("GET", server.url, policy=LOCAL)).status == 302
        assert len(server.requests) == 1


FOLLOW = Policy(
    allow_private=True,
    allow_loopback=True,
    follow_redirects=True,
    max_redirects=3,
    total_timeout_s=5,
)


async def test_a_hop_into_the_private_network_is_refused_by_default() -> None:
    async with raw_server(say(moved("http://127.0.0.1:9/"))) as server:
        with pytest.raises(AddressRefused):
            await fetch("GET", server.url, policy=FOLLOW)


async def test_each_hop_is_judged_and_secrets_stay_with_the_first_host() -> None:
    hops: list[str] = []

    def judge(url: str) -> Policy:
        hops.append(url)
        return LOCAL

    async with raw_server(say(answer_bytes("end"))) as last:
        table = {"GET /a": say(moved("/b")), "GET /b": say(moved(f"{last.url}/c"))}
        async with raw_server(routes(table)) as first:
            answer = await fetch(
                "GET",
                f"{first.url}/a",
                policy=FOLLOW,
                headers={"Authorization": "Bearer x"},
                policy_for_hop=judge,
            )
    assert hops == [f"{first.url}/b", f"{last.url}/c"]
    assert (answer.body, answer.url) == (b"end", f"{last.url}/c")
    assert first.requests[1].headers["authorization"] == "Bearer x"
    assert "authorization" not in last.requests[0].headers


@pytest.mark.parametrize(
    "location",
    ["ftp://example.com/", "file:///etc/passwd", "http://u:p@example.com/", "http://", "//"],
)
async def test_hops_to_what_is_no_web_address_are_refused(location: str) -> None:
    async with raw_server(say(moved(location))) as server:
        with pytest.raises(RedirectRefused):
            await fetch("GET", server.url, policy=FOLLOW, policy_for_hop=lambda _url: LOCAL)


async def test_a_loop_ends_and_a_post_is_not_sent_on() -> None:
    async with raw_server(say(moved("/again"))) as server:
        with pytest.raises(RedirectRefused):
            await fetch("GET", server.url, policy=FOLLOW, policy_for_hop=lambda _url: LOCAL)
        assert len(server.requests) == 4
        with pytest.raises(RedirectRefused):
            await fetch("POST", server.url, policy=FOLLOW, content=b"x")


# --- TLS ---


async def test_an_own_authority_is_trusted_for_the_hosts_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    resolve_as(monkeypatch, {"ollama.test": ["127.0.0.1"], "other.test": ["127.0.0.1"]})
    tls, ca_pem = server_certificate(tmp_path, "ollama.test")
    own = Policy(allow_loopback=True, ca_pem=ca_pem, total_timeout_s=5)
    async with raw_server(say(answer_bytes("ok")), tls=tls) as server:
        url = f"https://ollama.test:{server.port}/"
        assert (await fetch("GET", url, policy=own)).body == b"ok"
        with pytest.raises(NoUsableAnswer):
            await fetch("GET", url, policy=LOCAL)
        with pytest.raises(NoUsableAnswer):
            await fetch("GET", f"https://other.test:{server.port}/", policy=own)


async def test_a_hop_from_https_to_http_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tls, ca_pem = server_certificate(tmp_path, "127.0.0.1")
    policy = Policy(allow_loopback=True, follow_redirects=True, ca_pem=ca_pem, total_timeout_s=5)
    async with raw_server(say(moved("http://127.0.0.1:9/")), tls=tls) as server:
        with pytest.raises(RedirectRefused):
            await fetch("GET", server.url, policy=policy, policy_for_hop=lambda _url: policy)


async def test_what_is_no_certificate_says_so() -> None:
    with pytest.raises(InvalidInput) as caught:
        ssl_context("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----")
    assert caught.value.attr == "ca_pem"


async def test_a_connection_that_the_server_closed_meanwhile_is_made_again() -> None:
    async with (
        raw_server(say(answer_bytes("ok"))) as server,
        GuardedClient(LOCAL, base_url=server.url) as client,
    ):
        for path in ("/a", "/b"):
            async with client.stream("GET", path, most=100) as answer:
                assert await answer.body() == b"ok"


async def test_the_client_has_the_guard() -> None:
    async with GuardedClient(Policy(), base_url="http://127.0.0.1:9") as client:
        with pytest.raises(AddressRefused):
            async with client.stream("GET", "/", most=100):
                pass


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]"])
async def test_a_number_in_another_form_is_no_way_round_the_guard(host: str) -> None:
    with pytest.raises(OutboundError):
        await fetch("GET", f"http://{host}:9/", policy=Policy())


async def test_a_redirect_that_cannot_be_read_is_an_error() -> None:
    async with raw_server(say(moved("http://[bad"))) as server:
        with pytest.raises(OutboundError):
            await fetch("GET", server.url, policy=FOLLOW)
