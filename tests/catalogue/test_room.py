"""The catalogue says of a server's room what the check before the download says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from models_app.catalogue import catalogue
from models_app.catalogue.types import CatalogueTag
from models_app.choices import ModelStatus
from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.ollama.kv_cache import MOST_BYTES_A_TOKEN, KvCache
from models_app.probes import Candidate, Disk
from models_app.resources import host
from models_app.resources.fitting import DISK, MEMORY, Room, room_of
from models_app.resources.machine import Gpu, Gpus, Memory
from models_app.resources.verdict import OK, UNKNOWN, WARN
from models_app.services.preflight import check_pull
from models_app.services.survey import Answers
from tests.factories import OllamaModelFactory, OllamaServerFactory, TaskFactory

GB = 1_000_000_000
CARD = Gpu("Card", total=24 * GB, free=20 * GB)
# Of each size of machine something fits closely, and something does not.
TAGS = sorted(catalogue().tags, key=lambda tag: tag.size)[::4]


@pytest.fixture
def server(db: None, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    """A server on this machine, whose registry says nothing in time."""
    monkeypatch.setattr("models_app.services.preflight.survey", lambda *_: Answers())
    monkeypatch.setattr(host, "local_candidate", lambda server: Candidate(()))
    row: OllamaServer = OllamaServerFactory()
    return row


def has(
    monkeypatch: pytest.MonkeyPatch, disk: int | None, memory: int | None, gpus: list[Gpu] | None
) -> None:
    """Let the looks at the machine find this."""

    def main_memory() -> Memory:
        if memory is None:
            raise OSError("nobody knows")
        return Memory(64 * GB, memory)

    seen = Disk(disk, 1, Path("/models")) if disk is not None else None
    monkeypatch.setattr(Candidate, "disk", lambda candidate: seen)
    monkeypatch.setattr(host, "main_memory", main_memory)
    monkeypatch.setattr(host, "gpus", lambda: Gpus(gpus))


def said_by_check(server: OllamaServer, tag: CatalogueTag) -> tuple[bool | None, str]:
    found = check_pull(server=server, name=tag.name)
    if found.disk["state"] not in (OK, UNKNOWN):
        return False, DISK
    if found.memory["state"] == WARN:
        return False, MEMORY
    is_known = UNKNOWN not in (found.disk["state"], found.memory["state"])
    return (True if is_known else None), ""


@pytest.mark.parametrize(
    ("disk", "memory", "gpus"),
    [
        (20 * GB, 6 * GB, None),
        (60 * GB, 16 * GB, [CARD]),
        (12 * GB, 40 * GB, []),
        (500 * GB, 2 * GB, [CARD, CARD]),
        (30 * GB, None, None),
        (None, 8 * GB, None),
    ],
)
@pytest.mark.parametrize("is_spoken_for", [False, True])
def test_they_never_contradict_each_other(
    server: OllamaServer,
    monkeypatch: pytest.MonkeyPatch,
    disk: int | None,
    memory: int | None,
    gpus: list[Gpu] | None,
    is_spoken_for: bool,
) -> None:
    has(monkeypatch, disk, memory, gpus)
    if is_spoken_for:
        PanelSettings.objects.create(pk=1, keep_free_disk=3 * GB, keep_free_memory=2 * GB)
        key = f"server.pulls:{server.pk}"
        TaskFactory(limit_key=key, payload={"needed": 4 * GB})
        TaskFactory(limit_key=key, state="paused", done=GB, total=3 * GB)
    room = room_of(server)
    found = {tag.name: (room.fits(tag), room.lacks(tag)) for tag in TAGS}
    assert found == {tag.name: said_by_check(server, tag) for tag in TAGS}
    if disk and memory:
        assert {fits for fits, _lacks in found.values()} == {True, False}


def test_a_servers_own_thresholds_count(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, 40 * GB, 40 * GB, None)
    before = room_of(server)
    server.keep_free_disk, server.keep_free_memory = 39 * GB, 39 * GB
    server.save()
    after = room_of(server)
    assert sum(before.fits(tag) is True for tag in TAGS) > sum(
        after.fits(tag) is True for tag in TAGS
    )
    assert {tag.name: (after.fits(tag), after.lacks(tag)) for tag in TAGS} == {
        tag.name: said_by_check(server, tag) for tag in TAGS
    }


def test_of_what_is_installed_only_the_memory_counts(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = next(tag for tag in catalogue().tags if tag.aliases and tag.size > 4 * GB)
    OllamaModelFactory(server=server, name=f"{tag.family}:{tag.aliases[0]}")
    has(monkeypatch, GB, 5000 * GB, None)
    room = room_of(server)
    assert (room.has(tag), room.fits(tag), room.lacks(tag)) == (True, True, "")
    assert {room.has(other) for other in catalogue().tags if other != tag} == {False}
    has(monkeypatch, GB, GB, None)
    assert (room_of(server).fits(tag), room_of(server).lacks(tag)) == (False, MEMORY)
    OllamaModel.objects.update(status=ModelStatus.DOWNLOADING)
    assert (room_of(server).has(tag), room_of(server).lacks(tag)) == (False, DISK)


def test_what_servers_have_said_of_their_caches_counts(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = next(tag for tag in TAGS if tag.parameters > 3 * GB)
    other = next(tag for tag in TAGS if tag.family != own.family and tag.parameters > 3 * GB)
    has(monkeypatch, 5000 * GB, 500 * GB, None)
    assert (room_of(server).lacks(own), room_of(server).lacks(other)) == ("", "")
    large = KvCache(MOST_BYTES_A_TOKEN).as_json()
    OllamaModelFactory(server=server, name=own.name, size=own.size, kv_cache=large)
    OllamaModelFactory(server=OllamaServerFactory(), name=other.name, kv_cache=large)
    has(monkeypatch, 5000 * GB, 200 * GB, None)
    room = room_of(server)
    for tag in (own, other):
        assert (room.fits(tag), room.lacks(tag)) == said_by_check(server, tag) == (False, MEMORY)


def test_of_nothing_known_nothing_is_said() -> None:
    room: Any = Room()
    assert {(room.fits(tag), room.lacks(tag)) for tag in TAGS} == {(None, "")}
