"""The machine of a server on its page."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import F
from django.test import Client
from django.urls import reverse

from models_app.host_models import HostReport
from models_app.host_reports import Seen, write_report
from models_app.models import OllamaServer
from models_app.resources import host
from models_app.resources.machine import Gpu, Memory
from models_app.topics import register
from ollamactl.lib.units import format_size
from tasks_app.live import topic_kinds
from tests.factories import OllamaServerFactory

pytestmark = pytest.mark.django_db
GB = 1_000_000_000
SEEN = Seen(
    "gpu-<b>1",
    "/models",
    "",
    500 * GB,
    100 * GB,
    Memory(64 * GB, 32 * GB),
    [Gpu("<i>Card", 24 * GB, 20 * GB)],
)


@pytest.fixture
def server() -> OllamaServer:
    row: OllamaServer = OllamaServerFactory()
    return row


def card(client: Client, server: OllamaServer, **headers: str) -> str:
    answer = client.get(reverse("admin:server-host", args=[server.pk]), headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def page(client: Client, server: OllamaServer) -> str:
    return client.get(reverse("admin:server", args=[server.pk])).content.decode()


def test_what_the_worker_has_said_is_on_the_page(viewer: Client, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    for text in (page(viewer, server), card(viewer, server)):
        assert "100 GB of 500 GB free" in text
        assert "32 GB of 64 GB free" in text
        assert "20 GB of 24 GB free" in text
        assert "By the worker on its host (gpu-&lt;b&gt;1)" in text
        assert "&lt;i&gt;Card" in text
        assert f'data-live-refresh="host:{server.pk}"' in text
        assert "every 20s" in text


def test_a_silent_worker(viewer: Client, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    HostReport.objects.update(seen_at=F("seen_at") - timedelta(minutes=2))
    text = card(viewer, server)
    assert "has said nothing for 2m" in text
    assert "100 GB" not in text
    assert text.count("not known") == 3


def test_no_worker_and_no_look(viewer: Client, server: OllamaServer) -> None:
    assert "live:refresh, load" in page(viewer, server)  # looked at after the page is there
    text = card(viewer, server)
    assert f"ollamactl worker --host-of {server.pk}" in text
    assert "every 20s" not in text


def test_the_panels_own_machine(
    viewer: Client, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = host.Host(disk_free=70 * GB, memory=Memory(16 * GB, 8 * GB), gpus=[])
    monkeypatch.setattr(host.HostLook, "result", lambda look: seen)
    text = card(viewer, server)
    assert "70 GB free" in text
    assert "no NVIDIA GPU" in text
    assert "As the panel sees it" in text


def test_cards_that_say_little_are_shown(viewer: Client, server: OllamaServer) -> None:
    shared = Gpu("GB10", None, None, 7, 45, None, "shared")
    lost = Gpu("GPU 1", state="lost")
    write_report(server.pk, replace(SEEN, gpus=[shared, lost]))
    text = card(viewer, server)
    assert "GB10 · uses the machine&#x27;s own memory · 7% busy · 45\N{NO-BREAK SPACE}°C" in text
    assert "GPU 1 · does not answer any more" in text
    assert "no NVIDIA GPU" not in text


@pytest.mark.parametrize(
    ("gpus", "problem", "said"),
    [
        ([], "", "no NVIDIA GPU"),
        (None, "no_driver", "NVIDIA&#x27;s driver is not installed"),
        (None, "no_permission", "no permission to ask NVIDIA&#x27;s driver"),
        (None, "", "not known"),
    ],
)
def test_why_there_is_no_card(
    viewer: Client, server: OllamaServer, gpus: list[Gpu] | None, problem: str, said: str
) -> None:
    write_report(server.pk, replace(SEEN, gpus=gpus, gpu_problem=problem))
    text = card(viewer, server)
    assert f">{said}</span>" in text
    assert ("no NVIDIA GPU" in text) == (gpus == [])


def test_a_problem_is_said(viewer: Client, server: OllamaServer) -> None:
    write_report(server.pk, Seen("gpu-1", problem="other_models"))
    assert "holds none of this server&#x27;s" in card(viewer, server)


def test_two_workers_for_one_server(viewer: Client, server: OllamaServer) -> None:
    for name, word in (("gpu-1", "aa"), ("gpu-<b>2", "bb"), ("gpu-1", "aa")):
        seen = replace(SEEN, host=name, worker=word, is_first=False)
        write_report(server.pk, seen)
    for text in (page(viewer, server), card(viewer, server)):
        assert "overwrite each other: gpu-1 (aa) and gpu-&lt;b&gt;2 (bb)" in text
    found = json.loads(viewer.get(f"/api/v1/servers/{server.pk}/").content)["host"]
    assert (found["worker"], found["rival"]) == ("aa", "gpu-<b>2 (bb)")
    assert "Two workers report" in found["detail"]
    call_command("check_rows", stdout=(said := StringIO()))
    assert json.loads(said.getvalue())["rivals"] == [server.name]


def test_in_chinese(viewer: Client, server: OllamaServer) -> None:
    write_report(server.pk, SEEN)
    text = card(viewer, server, **{"Accept-Language": "zh-hans"})
    assert "By the worker" not in text
    assert "Its machine" not in text


def test_a_server_that_is_gone(viewer: Client) -> None:
    answer = viewer.get(reverse("admin:server-host", args=[4711]))
    assert "server-host-title" not in answer.content.decode()


def test_the_topic_of_a_host(server: OllamaServer) -> None:
    register()
    kind: Any = topic_kinds()["host"]
    assert kind.permission == "models_app.view_ollamaserver"
    assert kind.snapshot(server.pk) is None
    write_report(server.pk, SEEN)
    said = kind.snapshot(server.pk)
    assert said["disk"] == {"free": 100 * GB, "total": 500 * GB}
    assert said["seq"] > 0
    assert (said["worker"], said["rival"], said["gpus"][0]["name"]) == ("", "", "<i>Card")
    for word in ("aa", "bb"):
        write_report(server.pk, replace(SEEN, worker=word, is_first=False))
    said = kind.snapshot(server.pk)
    assert (said["worker"], said["rival"]) == ("bb", "gpu-<b>1 (aa)")
    HostReport.objects.update(seen_at=F("seen_at") - timedelta(minutes=2))
    assert kind.snapshot(server.pk) is None


def test_why_the_machine_is_not_seen(viewer: Client, settings: Any) -> None:
    settings.OLLAMA_MODELS_FOLDERS = []
    for fields, said in (
        ({"base_url": "http://ollama.example:11434"}, "does not see the machine of this server"),
        ({"base_url": "http://127.0.0.1:9"}, "start the panel with OLLAMA_MODELS"),
        ({"version": "0.24.0-simulated"}, "it has no machine of its own"),
    ):
        seen = card(viewer, OllamaServerFactory(**fields))
        assert said in seen, said
        assert ("--host-of" in seen) == ("no machine" not in said)


def test_the_panels_own_disk_is_shown_whole(viewer: Client, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "blobs").mkdir()
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path)]
    seen = card(viewer, OllamaServerFactory(base_url="http://127.0.0.1:9"))
    total = format_size(shutil.disk_usage(tmp_path).total)
    assert f" of {total} free" in seen
    assert str(tmp_path) in seen
