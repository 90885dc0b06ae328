"""The first server is found by itself, and only until there is one."""

from __future__ import annotations

from typing import Any

import pytest

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.discovery import look_for_a_server
from models_app.models import OllamaServer
from models_app.services import servers
from models_app.tasks import check
from ollamactl.simulator.running import RunningSimulator
from tests.helpers.valkey import ValkeyProcess

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def local_ollama(valkey: ValkeyProcess, simulator: RunningSimulator, settings: Any) -> None:
    settings.OLLAMA_URL = simulator.url


def test_it_is_added_once_it_answers(simulator: RunningSimulator) -> None:
    simulator.stop()
    assert look_for_a_server() is False
    simulator.start()
    check()  # one tick finds it and looks at it
    server = OllamaServer.objects.get()
    assert (server.name, server.base_url, server.status) == ("Ollama", simulator.url, "online")
    record = AuditRecord.objects.get(verb="server.add")
    assert (record.user, record.resource_id) == (None, server.pk)


def test_a_panel_with_a_server_looks_for_none() -> None:
    OllamaServer.objects.create(name="mine", base_url="http://127.0.0.1:9")
    assert look_for_a_server() is False
    assert OllamaServer.objects.count() == 1


def test_what_somebody_removed_does_not_come_back() -> None:
    assert look_for_a_server() is True
    servers.remove_server(actor=SYSTEM, server=OllamaServer.objects.get())
    assert look_for_a_server() is False
    assert not OllamaServer.objects.exists()


def test_a_web_page_is_not_taken_for_ollama(simulator: RunningSimulator) -> None:
    simulator.control.fault("html")
    assert look_for_a_server() is False


def test_an_address_that_can_never_work(settings: Any) -> None:
    settings.OLLAMA_URL = "http://169.254.169.254"
    assert look_for_a_server() is False
