"""What the panel can see of a server's host. Higher apps may add what they see."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from models_app.choices import ServerKind
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName

DiskProbe = Callable[[OllamaServer], int | None]
_disk_probes: list[DiskProbe] = []
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Manifests compared before a folder is taken for another server's, and the longest that is read.
COMPARED = 20
LONGEST_MANIFEST = 1_000_000


def register_disk_probe(probe: DiskProbe) -> None:
    """Add a probe: free bytes where a server keeps its models, or None where it cannot tell."""
    _disk_probes.append(probe)


def disk_free(server: OllamaServer) -> int | None:
    """Free bytes where the server keeps its models; None where nobody can tell."""
    return next((free for probe in _disk_probes if (free := probe(server)) is not None), None)


def local_disk(server: OllamaServer) -> int | None:
    """The disk under the models of an Ollama on this machine."""
    folder = models_folder(server)
    try:
        return shutil.disk_usage(folder).free if folder else None
    except OSError:
        return None


def models_folder(server: OllamaServer) -> Path | None:
    """Where an Ollama on this machine keeps its models, if that is one of the usual folders.

    A port of this machine may lead elsewhere (a tunnel, a container): so the folder has to hold
    models of this server, if it has any.
    """
    if server.kind != ServerKind.EXTERNAL or server.is_simulated:
        return None
    if urlsplit(server.base_url).hostname not in LOOPBACK:
        return None
    for name in settings.OLLAMA_MODELS_FOLDERS:
        folder = Path(name).expanduser()
        try:
            if (folder / "blobs").is_dir() and _belongs_to(folder, server):
                return folder
        except OSError:
            continue
    return None


def _belongs_to(folder: Path, server: OllamaServer) -> bool:
    """Whether a model of the server is in the folder, byte for byte; true where it has none."""
    installed = (
        OllamaModel.objects.filter(server=server).exclude(digest="").order_by("-modified_at")
    )
    models = list(installed.values_list("name", "digest")[:COMPARED])
    return not models or any(_has(folder, name, digest) for name, digest in models)


def _has(folder: Path, name: str, digest: str) -> bool:
    parsed = ModelName.parse(name)  # its grammar leaves no way out of the folder
    path = folder / "manifests" / parsed.host / parsed.namespace / parsed.model / parsed.tag
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(LONGEST_MANIFEST)).hexdigest() == digest
    except OSError:
        return False


register_disk_probe(local_disk)
