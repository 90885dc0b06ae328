"""What the deletion of a model gives back on its server's disk."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
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
    until = time.monotonic() + SECONDS
    own = _alone(folder, [ModelName.parse(model.name)], until) if folder else None
    if own is not None:
        return Freed(own, exact=True)
    return None if model.size is None else Freed(model.size, exact=False)


def freed_by_deleting(models: Sequence[OllamaModel]) -> Freed:
    """What goes with all of them together: what they share with each other goes too.

    Exact where the panel can read the manifests of every server; else the size of each content
    that no other name keeps, as an upper bound.
    """
    by_server: dict[int, list[OllamaModel]] = {}
    for model in models:
        if model.is_installed:
            by_server.setdefault(model.server_id, []).append(model)
    until = time.monotonic() + SECONDS
    parts = [_freed_on_server(group, until) for group in by_server.values()]
    return Freed(sum(part.bytes for part in parts), exact=all(part.exact for part in parts))


def _freed_on_server(models: list[OllamaModel], until: float) -> Freed:
    folder = models_folder(models[0].server)
    if folder is not None and time.monotonic() < until:
        alone = _alone(folder, [ModelName.parse(model.name) for model in models], until)
        if alone is not None:
            return Freed(alone, exact=True)
    chosen = {model.pk for model in models}
    contents = {model.digest: model.size or 0 for model in models}
    others = OllamaModel.objects.filter(server_id=models[0].server_id).exclude(digest="")
    for pk, digest in others.order_by().values_list("pk", "digest").iterator(2000):
        if pk not in chosen:
            contents.pop(digest, None)
    return Freed(sum(contents.values()), exact=False)


def _alone(folder: Path, names: Sequence[ModelName], until: float) -> int | None:
    """The bytes of the layers that no manifest but theirs names; None if one is unreadable."""
    root = folder / "manifests"
    own_paths = {root / name.host / name.namespace / name.model / name.tag for name in names}
    own: dict[str, int] = {}
    for path in own_paths:
        layers = _layers(path)
        if layers is None:
            return None
        own |= layers
    for number, path in enumerate(_manifests(root)):
        if number >= MOST_MANIFESTS or time.monotonic() > until:
            return None
        if path in own_paths:
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
