"""Pages outside the shell look like the login: a lock-out, a stale form, an address of nobody."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests.factories import UserFactory

DRESSED = re.compile(r'<link[^>]*href="[^"]*panel/panel\.css"')


@pytest.mark.django_db
def test_a_lock_out_is_a_page_like_the_login(client: Client, settings: Settings) -> None:
    settings.AXES_ENABLED = True
    user = UserFactory()
    for _try in range(settings.AXES_FAILURE_LIMIT):
        answer = client.post(
            reverse("admin:login"), {"username": user.username, "password": "wrong"}
        )
    page = answer.content.decode()
    assert answer.status_code == 429
    assert "Too many failed logins" in page
    assert DRESSED.search(page)


@pytest.mark.django_db
def test_a_stale_form_is_refused_on_a_page_like_the_login() -> None:
    answer = Client(enforce_csrf_checks=True).post(reverse("admin:login"), {"username": "x"})
    page = answer.content.decode()
    assert answer.status_code == 403
    assert "This form is out of date" in page
    assert DRESSED.search(page)


def test_the_page_of_an_app_has_what_every_page_has(administrator: Client) -> None:
    page = administrator.get("/auth/").content.decode()
    assert 'id="oc-dialog"' in page
    assert DRESSED.search(page)
