"""The disk of an Ollama on this machine is seen, and no other's is taken for it."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest

from models_app.models import OllamaServer
from models_app.probes import disk_gauge
from tests.components.waiting import free_port
from tests.factories import OllamaModelFactory

pytestmark = pytest.mark.django_db
MANIFEST = b'{"schemaVersion": 2}'


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """A folder as Ollama keeps it, with one model."""
    place = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "llama3.2"
    place.mkdir(parents=True)
    (place / "latest").write_bytes(MANIFEST)
    (tmp_path / "blobs").mkdir()
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path / "absent"), str(tmp_path)]
    return tmp_path


@pytest.fixture
def local() -> OllamaServer:
    """At a port where no Ollama listens that this machine may have."""
    address = f"http://127.0.0.1:{free_port()}"
    return OllamaServer.objects.create(name="local", base_url=address)


def disk_free(server: OllamaServer) -> int | None:
    """The free bytes that are seen; None where nobody can tell."""
    gauge = disk_gauge(server)
    return gauge() if gauge is not None else None


def about(folder: Path, free: int | None) -> bool:
    return free is not None and abs(free - shutil.disk_usage(folder).free) < 10**9


def test_a_server_without_models(folder: Path, local: OllamaServer) -> None:
    assert about(folder, disk_free(local))


def test_a_server_whose_models_are_in_the_folder(folder: Path, local: OllamaServer) -> None:
    digest = hashlib.sha256(MANIFEST).hexdigest()
    OllamaModelFactory(server=local, name="other:latest")
    OllamaModelFactory(server=local, name="llama3.2:latest", digest=digest)
    assert about(folder, disk_free(local))


def test_a_port_that_leads_elsewhere(folder: Path, local: OllamaServer) -> None:
    OllamaModelFactory(server=local, name="llama3.2:latest", digest="f" * 64)
    assert disk_free(local) is None


def test_no_folder_is_there(local: OllamaServer, settings: Any, tmp_path: Path) -> None:
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path)]
    assert disk_free(local) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "http://gpu.example:11434"},
        {"kind": "container"},
        {"version": "0.24.0-simulated"},
    ],
)
def test_no_server_of_another_machine(
    folder: Path, local: OllamaServer, fields: dict[str, str]
) -> None:
    OllamaServer.objects.filter(pk=local.pk).update(**fields)
    local.refresh_from_db()
    assert disk_free(local) is None
