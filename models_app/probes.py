"""What the panel can see of a server's host. Higher apps may add what they see."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from models_app.choices import ServerKind
from models_app.models import OllamaServer

DiskProbe = Callable[[OllamaServer], int | None]
_disk_probes: list[DiskProbe] = []


def register_disk_probe(probe: DiskProbe) -> None:
    """Add a probe: free bytes where a server keeps its models, or None where it cannot tell."""
    _disk_probes.append(probe)


def disk_free(server: OllamaServer) -> int | None:
    """Free bytes where the server keeps its models; None where nobody can tell."""
    return next((free for probe in _disk_probes if (free := probe(server)) is not None), None)


def local_disk(server: OllamaServer) -> int | None:
    """The disk under the models of an Ollama on this machine, in the usual folders."""
    host = urlsplit(server.base_url).hostname
    if server.kind != ServerKind.EXTERNAL or server.is_simulated:
        return None
    if host not in ("127.0.0.1", "localhost", "::1"):
        return None
    for folder in settings.OLLAMA_MODELS_FOLDERS:
        try:
            if (Path(folder).expanduser() / "blobs").is_dir():
                return shutil.disk_usage(Path(folder).expanduser()).free
        except OSError:
            continue
    return None


register_disk_probe(local_disk)
