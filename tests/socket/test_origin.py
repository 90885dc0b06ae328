"""What counts as the panel's own origin, directly and behind a proxy."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from tasks_app.sockets.handshake import is_same_origin, parse_origin, request_of


def is_own(origin: str, host: str, *, peer: str = "127.0.0.1", **headers: str) -> bool:
    pairs = {"origin": origin, "host": host, **headers}
    scope: dict[str, Any] = {
        "path": "/ws/v1/events/",
        "client": [peer, 40000],
        "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in pairs.items()],
    }
    return is_same_origin(scope, request_of(scope))


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://panel.lan:8800", "panel.lan:8800", True),
        ("http://PANEL.lan:8800", "panel.lan:8800", True),
        ("http://panel.lan", "panel.lan", True),
        ("http://panel.lan:80", "panel.lan", True),
        ("http://[::1]:8800", "[::1]:8800", True),
        ("https://panel.lan:8800", "panel.lan:8800", False),
        ("http://panel.lan:8801", "panel.lan:8800", False),
        ("http://panel.lan", "panel.lan:8800", False),
        ("http://panel.lan.evil.example:8800", "panel.lan:8800", False),
        ("http://127.0.0.1:8800", "localhost:8800", False),
        ("ftp://panel.lan:8800", "panel.lan:8800", False),
        ("null", "panel.lan:8800", False),
        ("", "panel.lan:8800", False),
        ("http://panel.lan:99999", "panel.lan:8800", False),
        ("http://panel.lan:8800", "panel.lan:8800, evil.example", False),
    ],
)
def test_scheme_host_and_port_must_all_be_equal(origin: str, host: str, own: bool) -> None:
    assert is_own(origin, host) is own


def test_a_host_that_is_not_served_is_never_own(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["panel.lan"]
    assert is_own("http://panel.lan", "panel.lan")
    assert not is_own("http://rebound.example", "rebound.example")


def test_the_word_of_a_trusted_proxy_counts_and_nobody_elses(settings: Settings) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    https = {"x_forwarded_proto": "https"}
    assert is_own("https://panel.lan", "panel.lan", peer="10.1.2.3", **https)
    assert not is_own("http://panel.lan", "panel.lan", peer="10.1.2.3", **https)
    assert not is_own("https://panel.lan", "panel.lan", peer="192.0.2.1", **https)
    assert is_own("http://panel.lan", "panel.lan", peer="192.0.2.1", **https)
    assert not is_own(
        "https://panel.lan", "panel.lan", peer="10.1.2.3", x_forwarded_proto="https, http"
    )


def test_the_public_url_is_an_origin_of_the_panel(settings: Settings) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://panel.example.com"]
    assert is_own("https://panel.example.com", "127.0.0.1:8800")
    assert not is_own("http://panel.example.com", "127.0.0.1:8800")
    assert is_own("http://127.0.0.1:8800", "127.0.0.1:8800")


@pytest.mark.parametrize("text", ["null", "", "//host", "http://", "http://a:b", "http://[::1"])
def test_text_that_is_no_origin(text: str) -> None:
    assert parse_origin(text) is None
