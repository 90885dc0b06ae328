"""Texts with a place for an id: filled, they are what would have been made for that id."""

from __future__ import annotations

import pytest
from django.test import override_settings
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ollamactl.lib.stencils import PLACE, Stencil, address_stencil

IDS = (1, 7, 1000, 9_876_543_210, 2**63 - 1)
ROUTES = ("admin:model", "admin:model-row", "admin:server", "admin:task", "admin:task-row")


@pytest.mark.parametrize("name", ROUTES)
@pytest.mark.parametrize("prefix", ["/", "/panel/"])
def test_an_address_is_the_one_that_is_reversed(name: str, prefix: str) -> None:
    before = get_script_prefix()
    set_script_prefix(prefix)
    try:
        stencil = address_stencil(name)
        assert [stencil.filled(pk) for pk in IDS] == [reverse(name, args=[pk]) for pk in IDS]
    finally:
        set_script_prefix(before)


def test_what_follows_the_id_stays() -> None:
    stencil = address_stencil("admin:model-act", "start")
    assert stencil.filled(12) == reverse("admin:model-act", args=[12, "start"])


def test_every_place_is_filled_and_markup_stays_markup() -> None:
    markup = Stencil(format_html('<a id="x-{}" href="/{}/">', str(PLACE), str(PLACE))).filled(5)
    assert markup == '<a id="x-5" href="/5/">'
    assert isinstance(markup, SafeString)
    assert not isinstance(Stencil(f"/{PLACE}/<").filled(5), SafeString)


@override_settings(USE_THOUSAND_SEPARATOR=True)
def test_an_id_is_written_without_separators() -> None:
    assert address_stencil("admin:model").filled(1_234_567).endswith("/1234567/")
