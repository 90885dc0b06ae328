"""What the deletion of a model gives back, against what really goes from the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from audit_app.actors import SYSTEM
from models_app.models import OllamaServer
from models_app.services.copies import copy_model
from models_app.services.freeing import Freed, freed_by_deletion
from models_app.services.lifecycle import delete_model
from models_app.services.recreating import recreate_model
from tests.components.ollama_server import OllamaProcess
from tests.factories import OllamaModelFactory
from tests.models.backends import Backend


def _on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "blobs").iterdir())


@pytest.mark.parametrize("backend", ["real"], indirect=True, ids=["on-the-real-one"])
def test_the_bytes_are_those_that_go(
    backend: Backend, real_ollama: OllamaProcess, settings: Any
) -> None:
    settings.OLLAMA_MODELS_FOLDERS = [str(real_ollama.models_dir)]
    copied = copy_model(actor=SYSTEM, model=backend.model(), name="own")
    backend.panel.wait(copied.task)
    assert freed_by_deletion(backend.model("own")) == Freed(0, exact=True, twins=1)
    made = recreate_model(actor=SYSTEM, model=backend.model("own"), system="Be brief. " * 100)
    backend.panel.wait(made.task)

    said = freed_by_deletion(backend.model("own"))
    assert said is not None
    assert said.exact
    before = _on_disk(real_ollama.models_dir)
    backend.panel.wait(delete_model(actor=SYSTEM, model=backend.model("own")))
    assert before - _on_disk(real_ollama.models_dir) == said.bytes > 1000


def test_elsewhere_the_size_is_the_most(backend: Backend) -> None:
    """Nobody says where the folder is: what is shared is not known."""
    here = OllamaServer.objects.filter(pk=backend.panel.server.pk)
    here.update(base_url="http://ollama.example:11434")
    model = backend.model()
    assert freed_by_deletion(model) == Freed(model.size or 0, exact=False)
    here.update(base_url=backend.url)


@pytest.mark.django_db
def test_what_is_not_there_frees_nothing() -> None:
    assert freed_by_deletion(OllamaModelFactory(digest="", status="error")) is None
    assert freed_by_deletion(OllamaModelFactory(size=None)) is None


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"layers": 7}'])
def test_a_manifest_that_is_none_is_no_proof(tmp_path: Path, settings: Any, content: bytes) -> None:
    (tmp_path / "blobs").mkdir()
    manifest = tmp_path / "manifests/registry.ollama.ai/library/odd/latest"
    manifest.parent.mkdir(parents=True)
    manifest.write_bytes(content)
    settings.OLLAMA_MODELS_FOLDERS = [str(tmp_path)]
    model = OllamaModelFactory(
        name="odd:latest", digest=hashlib.sha256(content).hexdigest(), size=7
    )
    said = freed_by_deletion(model)
    assert said in (Freed(7, exact=False), Freed(0, exact=True))
