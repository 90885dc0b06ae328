"""Browsers of people with a role, without a browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from models_app.resources.verdict import Preflight
from models_app.services import lifecycle
from models_app.views import pulls
from tests.factories import UserFactory

ClientOf = Callable[..., Client]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client_of(db: None) -> ClientOf:
    """A logged-in client of a fresh user with a role; None is a user without any."""

    def make(role: str | None, **fields: Any) -> Client:
        client = Client()
        client.force_login(
            UserFactory(role=role, **fields), backend="django.contrib.auth.backends.ModelBackend"
        )
        return client

    return make


@pytest.fixture
def administrator(client_of: ClientOf) -> Client:
    """A client of an administrator."""
    return client_of("administrator")


@pytest.fixture
def operator(client_of: ClientOf) -> Client:
    """A client of an operator."""
    return client_of("operator")


@pytest.fixture
def viewer(client_of: ClientOf) -> Client:
    """A client of a viewer."""
    return client_of("viewer")


@pytest.fixture
def user(db: None) -> User:
    """A user without a role."""
    user: User = UserFactory()
    return user


@pytest.fixture
def verdict(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The resource check's verdict, without asking a registry; change it as a test likes."""
    fields: dict[str, Any] = {
        "verdict": "ok",
        "download_bytes": 2_000_000_000,
        "estimate": "manifest",
        "disk": {"state": "ok", "free": 50_000_000_000, "reserved": 0, "needed": 2, "after": 1},
    }

    def check(**kwargs: Any) -> Preflight:
        return Preflight(**fields)

    monkeypatch.setattr(lifecycle, "check_pull", check)
    monkeypatch.setattr(pulls, "check_pull", check)
    return fields
