"""What a request says in a proxy's name counts when the proxy is one of the settings' own."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from audit_app.actors import client_address
from audit_app.models import AuditRecord
from audit_app.proxies import TrustedProxiesMiddleware, keep_trusted_words
from tests.factories import PASSWORD, UserFactory
from tests.pages.conftest import ClientOf

PROXY, STRANGER = "10.1.2.3", "192.0.2.1"
HEADERS = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Port": "443",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=127.0.0.1;proto=https;host=evil.example",
}


@pytest.fixture(autouse=True)
def trusted(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "fd00::1"]


def seen(peer: str, **headers: str) -> Any:
    """The request that the panel sees."""
    requests: list[Any] = []

    def view(request: Any) -> HttpResponse:
        requests.append(request)
        return HttpResponse()

    TrustedProxiesMiddleware(view)(RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer))
    return requests[0]


@pytest.mark.parametrize("peer", [STRANGER, "", "10.0.0.300", "::ffff:192.0.2.1", "fd00::2"])
def test_nothing_of_a_stranger_is_left(peer: str) -> None:
    request = seen(peer, **HEADERS)
    assert request.scheme == "http"
    assert not request.is_secure()
    assert not [name for name in request.META if "FORWARDED" in name]
    assert client_address(request) in (peer, None, "192.0.2.1")


@pytest.mark.parametrize("peer", [PROXY, "::ffff:10.1.2.3", "fd00::1"])
def test_a_trusted_proxy_is_believed(peer: str) -> None:
    request = seen(peer, **{**HEADERS, "X-Forwarded-For": "203.0.113.9"})
    assert request.scheme == "https"
    assert client_address(request) == "203.0.113.9"
    assert request.get_host() in ("testserver", "testserver:80")


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("https, http", "http"),
        ("http, https", "https"),
        ("http", "http"),
        ("", "http"),
        ("wss", "http"),
        ("https,", "http"),
    ],
)
def test_the_nearest_proxys_word_counts(said: str, scheme: str) -> None:
    assert seen(PROXY, **{"X-Forwarded-Proto": said}).scheme == scheme


def test_no_proxy_is_trusted_where_none_is_named(settings: Any) -> None:
    settings.TRUSTED_PROXIES = []
    for peer in (PROXY, "127.0.0.1"):
        meta: dict[str, Any] = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_PROTO": "https"}
        keep_trusted_words(meta)
        assert meta == {"REMOTE_ADDR": peer}


def test_every_page_has_the_guard_before_all_else(client: Client, settings: Any, db: None) -> None:
    """A panel behind HTTPS sends to https whoever came without, whatever they claim."""
    settings.SECURE_SSL_REDIRECT = True
    stranger = client.get("/login/", headers=HEADERS, REMOTE_ADDR=STRANGER)
    assert (stranger.status_code, stranger["Location"]) == (301, "https://testserver/login/")
    assert client.get("/login/", headers=HEADERS, REMOTE_ADDR=PROXY).status_code == 200


def test_a_referer_is_asked_for_only_where_https_is_true(
    client_of: ClientOf, settings: Any, db: None
) -> None:
    """Django checks the referer of a form that came by https; a lie must not choose the checks."""
    UserFactory(username="ada")
    browser = Client(enforce_csrf_checks=True)
    browser.get("/login/", REMOTE_ADDR=STRANGER)
    token = browser.cookies[settings.CSRF_COOKIE_NAME].value
    form = {"username": "ada", "password": PASSWORD, "csrfmiddlewaretoken": token}
    for peer, status in ((PROXY, 403), (STRANGER, 302)):
        said = {"X-Forwarded-Proto": "https"}
        assert browser.post("/login/", form, headers=said, REMOTE_ADDR=peer).status_code == status


def test_the_audit_has_the_address_that_is_true(client: Client, db: None) -> None:
    UserFactory(username="ada")
    form = {"username": "ada", "password": "wrong"}
    for peer, said in itertools.product((PROXY, STRANGER), ("203.0.113.9", "<b>", "1.1.1.1, x")):
        client.post("/login/", form, headers={"X-Forwarded-For": said}, REMOTE_ADDR=peer)
    addresses = list(AuditRecord.objects.order_by("pk").values_list("address", flat=True))
    assert addresses == ["203.0.113.9", PROXY, PROXY, STRANGER, STRANGER, STRANGER]
