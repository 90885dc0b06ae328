"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from tests.helpers.valkey import ValkeyProcess

# How long an example takes on a busy machine says nothing of what it is an example of.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

pytest_plugins = [
    "tests.components.reporting",
    "tests.components.turns",
    "tests.components.fixtures",
]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test's database, without the table of knox's own tokens.

    The panel has swapped it for its own, so Django does not name it when it empties all tables;
    PostgreSQL refuses to empty the users alone, to whom it refers.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS knox_authtoken")


@pytest.fixture(scope="session")
def session_valkey() -> Iterator[ValkeyProcess]:
    """The server behind `valkey`."""
    from django.conf import settings as django_settings

    with ValkeyProcess(django_settings.VALKEY_URL) as server:
        yield server


@pytest.fixture
def valkey(session_valkey: ValkeyProcess) -> ValkeyProcess:
    """A running Valkey without messages, whatever the last test did to it."""
    session_valkey.start()
    session_valkey.flush()
    return session_valkey


@pytest.fixture(autouse=True)
def begin_in_english() -> Iterator[None]:
    """Every test begins in English: a request in another language leaves it in its thread."""
    with translation.override("en"):
        yield
