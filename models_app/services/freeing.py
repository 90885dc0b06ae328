"""What the deletion of a model gives back on its server's disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from models_app.models import OllamaModel
from models_app.ollama.names import ModelName
from models_app.ollama.untrusted import mapping, objects, parse_object, whole_number
from models_app.probes import LONGEST_MANIFEST, models_folder

# How long reading manifests may keep a page waiting, and how many are read at most.
SECONDS = 1.0
MOST_MANIFESTS = 20_000


@dataclass(frozen=True)
class Freed:
    """Bytes that go; not `exact`: at most so many. `twins`: names with the same content."""

    bytes: int
    exact: bool
    twins: int = 0


def freed_by_deletion(model: OllamaModel) -> Freed | None:
    """What goes with the model, layers that others share left out; None where nothing is known.

    Exact where another name has the same content, and where the panel can read the manifests on
    its own machine; else the model's whole size, as an upper bound.
    """
    if not model.is_installed:
        return None
    same = OllamaModel.objects.filter(server_id=model.server_id, digest=model.digest)
    twins = same.exclude(pk=model.pk).count()
    if twins:
        return Freed(0, exact=True, twins=twins)
    folder = models_folder(model.server)
    own = _alone(folder, ModelName.parse(model.name)) if folder else None
    if own is not None:
        return Freed(own, exact=True)
    return None if model.size is None else Freed(model.size, exact=False)


def _alone(folder: Path, name: ModelName) -> int | None:
    """The bytes of the layers that no other manifest in the folder names; None if unreadable."""
    until = time.monotonic() + SECONDS
    root = folder / "manifests"
    own_path = root / name.host / name.namespace / name.model / name.tag
    own = _layers(own_path)
    if own is None:
        return None
    for number, path in enumerate(_manifests(root)):
        if number >= MOST_MANIFESTS or time.monotonic() > until:
            return None
        if path == own_path:
            continue
        others = _layers(path)
        if others is None:
            return None
        own = {digest: size for digest, size in own.items() if digest not in others}
    return sum(own.values())


def _manifests(root: Path) -> Iterator[Path]:
    """host/namespace/model/tag"""
    return (path for path in root.glob("*/*/*/*") if path.is_file() and path.name[0] != ".")


def _layers(path: Path) -> dict[str, int] | None:
    """Bytes by digest; None where the file is not to be read, or is no manifest."""
    try:
        with path.open("rb") as file:
            document = parse_object(file.read(LONGEST_MANIFEST))
    except OSError:
        return None
    if document is None:
        return None
    blobs = [mapping(document.get("config")), *objects(document.get("layers"))]
    return {str(blob.get("digest")): whole_number(blob.get("size")) or 0 for blob in blobs}
