"""Clients of the API, one for each role."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from tests.factories import UserFactory, token_of

ClientOf = Callable[[str | None], APIClient]


@pytest.fixture(autouse=True)
def _no_throttle_from_before() -> None:
    cache.clear()


@pytest.fixture
def client_of(db: None) -> ClientOf:
    """A client with a token of a fresh user with a role; None is a user without any."""

    def make(role: str | None) -> APIClient:
        client = APIClient(raise_request_exception=False)
        client.credentials(HTTP_AUTHORIZATION=f"Token {token_of(UserFactory(role=role))}")
        return client

    return make


@pytest.fixture
def administrator(client_of: ClientOf) -> APIClient:
    """A client of an administrator."""
    return client_of("administrator")


@pytest.fixture
def viewer(client_of: ClientOf) -> APIClient:
    """A client of a viewer."""
    return client_of("viewer")


@pytest.fixture
def anonymous(db: None) -> APIClient:
    """A client without a login, which raises no exception of the server's."""
    return APIClient(raise_request_exception=False)
