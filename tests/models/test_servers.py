"""Adding, changing and forgetting servers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connections

from audit_app.actors import SYSTEM
from audit_app.models import AuditRecord
from models_app.choices import ServerStatus
from models_app.models import OllamaModel, OllamaServer
from models_app.services import servers
from models_app.tasks import check, read_lists
from ollamactl.lib.errors import Conflict, InvalidInput
from ollamactl.simulator.running import RunningSimulator
from tests.factories import OllamaModelFactory
from tests.helpers.valkey import ValkeyProcess


@pytest.fixture(autouse=True)
def with_valkey(valkey: ValkeyProcess) -> None:
    pass


def test_a_server_is_checked_and_synced(
    transactional_db: None, simulator: RunningSimulator
) -> None:
    simulator.control.install("all-minilm")
    server = servers.add_server(actor=SYSTEM, name=" mine ", base_url=f"{simulator.url}/")
    assert (server.name, server.base_url) == ("mine", simulator.url)
    assert server.status == ServerStatus.UNKNOWN
    check()
    read_lists()
    server.refresh_from_db()
    assert (server.status, server.is_simulated) == (ServerStatus.ONLINE, True)
    assert OllamaModel.objects.get().name == "all-minilm:latest"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "attr"),
    [
        ({"name": ""}, "name"),
        ({"base_url": ""}, "base_url"),
        ({"base_url": "ftp://host"}, "base_url"),
        ({"base_url": "http://user:secret@host"}, "base_url"),
        ({"base_url": "http://169.254.169.254"}, "base_url"),
        ({"auth_kind": "bearer"}, "credentials"),
        ({"auth_kind": "basic", "credentials": {"username": "u"}}, "credentials"),
        ({"auth_kind": "bearer", "credentials": {"token": "a\nb"}}, "credentials"),
        ({"auth_kind": "bearer", "credentials": {"token": "日本"}}, "credentials"),
        (
            {"auth_kind": "basic", "credentials": {"username": "a:b", "password": "c"}},
            "credentials",
        ),
        ({"auth_kind": "header", "credentials": {"name": "Host", "value": "x"}}, "credentials"),
        ({"ca_pem": "nonsense"}, "ca_pem"),
        ({"max_downloads": 0}, "max_downloads"),
    ],
)
def test_what_cannot_be_right_is_said_at_its_field(fields: dict[str, Any], attr: str) -> None:
    values = {"name": "n", "base_url": "http://127.0.0.1:9", **fields}
    with pytest.raises(InvalidInput) as refused:
        servers.add_server(actor=SYSTEM, **values)
    assert refused.value.attr == attr
    assert str(refused.value)
    assert not OllamaServer.objects.exists()
    assert not AuditRecord.objects.exists()


def test_a_name_and_an_address_are_there_once(transactional_db: None) -> None:
    servers.add_server(actor=SYSTEM, name="one", base_url="http://127.0.0.1:9")
    for name, url in (("one", "http://127.0.0.1:10"), ("two", "HTTP://127.0.0.1:9/")):
        with pytest.raises(InvalidInput):
            servers.add_server(actor=SYSTEM, name=name, base_url=url)
    results: list[str] = []
    ready = threading.Barrier(4)

    def add() -> None:
        ready.wait(10)
        try:
            servers.add_server(actor=SYSTEM, name="three", base_url="http://127.0.0.1:3")
            results.append("added")
        except InvalidInput:
            results.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == ["added", "refused", "refused", "refused"]


@pytest.mark.django_db
def test_another_address_is_another_server(server: OllamaServer) -> None:
    OllamaServer.objects.update(tags_hash="x", latency_ms=3.0)
    server = servers.update_server(actor=SYSTEM, server=server, name="renamed")
    assert (server.status, server.tags_hash) == (ServerStatus.ONLINE, "x")
    server = servers.update_server(actor=SYSTEM, server=server, base_url="http://127.0.0.1:9")
    assert (server.status, server.version, server.latency_ms) == (ServerStatus.UNKNOWN, "", None)
    assert (server.tags_hash, server.next_check_at) == ("", None)


@pytest.mark.django_db
def test_credentials_stay_until_others_are_given(server: OllamaServer) -> None:
    servers.update_server(
        actor=SYSTEM, server=server, auth_kind="bearer", credentials={"token": "abc"}
    )
    changed = servers.update_server(actor=SYSTEM, server=server, name="renamed")
    assert changed.credentials == {"token": "abc"}
    record = AuditRecord.objects.latest("pk")
    assert record.data == {"fields": ["name"]}
    assert not AuditRecord.objects.filter(data__icontains="abc").exists()
    cleared = servers.update_server(actor=SYSTEM, server=server, auth_kind="none")
    assert cleared.credentials == {}


@pytest.mark.django_db
def test_credentials_do_not_follow_to_another_address(server: OllamaServer) -> None:
    """Else who may change a server could have its password sent to a machine of their own."""
    kept = {"token": "abc"}
    servers.update_server(actor=SYSTEM, server=server, auth_kind="bearer", credentials=kept)
    with pytest.raises(InvalidInput) as refused:
        servers.update_server(actor=SYSTEM, server=server, base_url="http://127.0.0.1:9")
    assert refused.value.attr == "credentials"
    server.refresh_from_db()
    assert server.base_url != "http://127.0.0.1:9"
    moved = servers.update_server(
        actor=SYSTEM, server=server, base_url="http://127.0.0.1:9", credentials={"token": "new"}
    )
    assert (moved.base_url, moved.credentials) == ("http://127.0.0.1:9", {"token": "new"})


@pytest.mark.django_db
def test_forgetting_a_server_forgets_its_models_here(server: OllamaServer) -> None:
    OllamaModelFactory(server=server)
    other = OllamaModelFactory()
    servers.remove_server(actor=SYSTEM, server=server)
    assert list(OllamaModel.objects.all()) == [other]
    with pytest.raises(Conflict, match="gone"):
        servers.update_server(actor=SYSTEM, server=server, name="x")
    with pytest.raises(Conflict, match="gone"):
        servers.remove_server(actor=SYSTEM, server=server)
