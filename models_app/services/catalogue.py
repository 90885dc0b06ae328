"""What a server has room for of the catalogue."""

from __future__ import annotations

import psutil

from models_app.catalogue.searching import Room
from models_app.models import OllamaServer
from models_app.probes import disk_free, models_folder


def room_of(server: OllamaServer) -> Room:
    """What is known without asking the server: nothing of one that runs elsewhere."""
    is_here = models_folder(server) is not None
    return Room(
        disk=disk_free(server),
        memory=int(psutil.virtual_memory().total) if is_here else None,
    )
