"""What the tests of the two languages share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.test import Client
from django.utils import translation

from ollamactl.messages import compile_catalogues
from tests.factories import UserFactory

CHINESE = "zh-hans"


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """The catalogues as they are now, also where only pytest was run."""
    compile_catalogues()


@pytest.fixture
def reader(db: None) -> Client:
    """An administrator whose browser asks for Chinese."""
    client = Client(headers={"Accept-Language": CHINESE})
    user = UserFactory(role="administrator", is_superuser=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def chinese() -> Iterator[Callable[[str], str]]:
    """Chinese in this thread; gives the translator."""
    with translation.override(CHINESE):
        yield translation.gettext
