"""Static files: kept for ever by browsers under an address of this version, compressed once."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.templatetags.static import static
from django.test import Client
from pytest_django import Settings

from ollamactl.settings.fingerprint import fingerprint_of

PACKAGES = ("django",)


@pytest.fixture
def browser(settings: Settings, tmp_path: Path) -> Client:
    """A client of the panel as it serves static files in production."""
    settings.WHITENOISE_AUTOREFRESH = False
    settings.STATIC_CACHE = tmp_path / "static-cache"
    return Client()


@pytest.mark.parametrize("name", ["panel/panel.css", "unfold/css/styles.css", "panel/live.js"])
def test_a_file_is_compressed_and_kept_for_ever(browser: Client, name: str) -> None:
    plain = browser.get(static(name))
    content = b"".join(plain)
    assert "immutable" in plain.headers["Cache-Control"]
    assert plain.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in plain.headers
    packed = browser.get(static(name), headers={"Accept-Encoding": "gzip, br"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    body = b"".join(packed)
    assert gzip.decompress(body) == content
    assert len(body) == int(packed.headers["Content-Length"]) < len(content) / 2


def test_what_is_compressed_already_stays_as_it_is(browser: Client) -> None:
    font = static("unfold/fonts/inter/Inter-Regular.woff2")
    answer = browser.get(font, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_copies_of_another_version_are_forgotten(browser: Client, tmp_path: Path) -> None:
    other = tmp_path / "static-cache" / "static-other"
    other.mkdir(parents=True)
    (other / "panel-panel.css.gz").write_bytes(b"old")
    browser.get(static("panel/panel.css"))
    assert not other.exists()


def test_an_address_of_another_version_is_not_answered(browser: Client, db: None) -> None:
    assert browser.get("/static/panel/panel.css").status_code in (302, 404)


def test_the_fingerprint_follows_every_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "panel.js"
    file.write_text("1")
    first = fingerprint_of([tmp_path], PACKAGES)
    assert fingerprint_of([tmp_path], PACKAGES) == first
    file.write_text("2")
    second = fingerprint_of([tmp_path], PACKAGES)
    file.rename(tmp_path / "panel.js")
    third = fingerprint_of([tmp_path], PACKAGES)
    assert len({first, second, third, fingerprint_of([tmp_path], ())}) == 4
