"""What the simulated server has on its disk: manifests, blobs and parts of blobs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from ollamactl.simulator.manifests import Layer, Manifest
from ollamactl.simulator.names import Name, require_name

_FILE = "simulator.json"


@dataclass(frozen=True)
class Installed:
    """A model on this server. `seeded` ones were there from the first start."""

    name: Name
    manifest: Manifest
    modified_at: datetime
    seeded: bool = False

    @cached_property
    def encoded(self) -> bytes:
        """Its entry in the answer to `/api/tags`, kept so that 50,000 of them answer at once."""
        return json.dumps(self.as_json(), separators=(",", ":")).encode()

    def as_json(self) -> dict[str, Any]:
        """As `/api/tags` shows it."""
        shown: dict[str, Any] = {"name": self.name.display, "model": self.name.display}
        facts = self.manifest.facts
        if facts.get("remote_host"):
            shown["remote_model"] = facts["remote_model"]
            shown["remote_host"] = facts["remote_host"]
        return shown | {
            "modified_at": timestamp(self.modified_at),
            "size": self.manifest.size,
            "digest": self.manifest.digest,
            "details": self.manifest.details,
        }


def timestamp(moment: datetime) -> str:
    """A time as Go writes it: RFC 3339 with nanoseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "123Z"


class Store:
    """Models and blobs, kept in `folder` where one is given.

    Blobs are counted by digest and exist while a manifest names them; `partials` holds the bytes
    reached of downloads that did not end.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = folder / _FILE if folder else None
        self._models: dict[str, Installed] = {}
        self._blobs: dict[str, Layer] = {}
        self._uses: dict[str, int] = {}
        self._removed: set[str] = set()
        self._tags: bytes | None = None
        self.partials: dict[str, int] = {}

    # Reading

    def find(self, name: Name) -> Installed | None:
        return self._models.get(name.key)

    def models(self) -> Iterable[Installed]:
        return self._models.values()

    def has_blob(self, digest: str) -> bool:
        return digest in self._blobs

    def blob(self, digest: str) -> Layer | None:
        return self._blobs.get(digest)

    def tags(self) -> bytes:
        """The answer to `/api/tags`, most recently changed first; built once for each change."""
        if self._tags is None:
            newest = sorted(self._models.values(), key=lambda one: one.modified_at, reverse=True)
            self._tags = b'{"models":[' + b",".join(one.encoded for one in newest) + b"]}"
        return self._tags

    # Changing

    def seed(self, models: Iterable[tuple[Name, Manifest]]) -> None:
        """Install what a first start finds there, except what has been deleted since."""
        moment = datetime.now(UTC)
        for number, (name, manifest) in enumerate(models):
            if name.key not in self._removed and name.key not in self._models:
                older = moment - timedelta(minutes=number)
                self._put(Installed(name, manifest, older, seeded=True))

    def install(self, name: Name, manifest: Manifest) -> None:
        """Write a manifest; an older one of the same name loses its unused blobs."""
        old = self._models.get(name.key)
        self._put(Installed(old.name if old else name, manifest, datetime.now(UTC)))
        for blob in manifest.blobs:
            self.partials.pop(blob.digest, None)
        self.save()

    def add_blob(self, blob: Layer) -> None:
        self._blobs[blob.digest] = blob
        self.partials.pop(blob.digest, None)

    def drop_blob(self, digest: str) -> None:
        """Remove a blob that no manifest names."""
        if digest not in self._uses:
            self._blobs.pop(digest, None)

    def remove(self, name: Name) -> bool:
        """Delete a model and the blobs that no other names; False where there was none."""
        old = self._models.pop(name.key, None)
        if old is None:
            return False
        self._release(old.manifest)
        self._removed.add(name.key)
        self._tags = None
        self.save()
        return True

    def _put(self, model: Installed) -> None:
        for blob in model.manifest.blobs:
            self._blobs[blob.digest] = blob
            self._uses[blob.digest] = self._uses.get(blob.digest, 0) + 1
        old = self._models.get(model.name.key)
        self._models[model.name.key] = model
        if old is not None:
            self._release(old.manifest)
        self._tags = None

    def _release(self, manifest: Manifest) -> None:
        for blob in manifest.blobs:
            self._uses[blob.digest] -= 1
            if not self._uses[blob.digest]:
                del self._uses[blob.digest]
                self._blobs.pop(blob.digest, None)

    # Keeping

    def save(self) -> None:
        """Write everything that a restart must find again."""
        if self._file is None:
            return
        installed = [one for one in self._models.values() if not one.seeded]
        kept = {blob.digest for one in installed for blob in one.manifest.blobs}
        loose = [blob for digest, blob in self._blobs.items() if digest not in self._uses]
        state = {
            "models": [_model_to_json(one) for one in installed],
            "blobs": [_blob_to_json(self._blobs[digest]) for digest in kept]
            + [_blob_to_json(blob) for blob in loose],
            "partials": self.partials,
            "removed": sorted(self._removed),
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        fresh.write_text(json.dumps(state))
        fresh.replace(self._file)

    def load(self) -> None:
        """Read what an earlier run has saved, if there is something."""
        if self._file is None or not self._file.exists():
            return
        state = json.loads(self._file.read_text())
        blobs = {blob["digest"]: _blob_from_json(blob) for blob in state["blobs"]}
        self._blobs.update(blobs)
        for model in state["models"]:
            self._put(_model_from_json(model, blobs))
        self.partials = dict(state["partials"])
        self._removed = set(state["removed"])


def _blob_to_json(blob: Layer) -> dict[str, Any]:
    content = None if blob.content is None else base64.b64encode(blob.content).decode()
    return {
        "media_type": blob.media_type,
        "digest": blob.digest,
        "size": blob.size,
        "content": content,
    }


def _blob_from_json(data: dict[str, Any]) -> Layer:
    content = None if data["content"] is None else base64.b64decode(data["content"])
    return Layer(data["media_type"], data["digest"], data["size"], content)


def _model_to_json(model: Installed) -> dict[str, Any]:
    name = model.name
    return {
        "name": f"{name.host}/{name.namespace}/{name.model}:{name.tag}",
        "manifest": model.manifest.raw.decode(),
        "modified_at": model.modified_at.isoformat(),
    }


def _model_from_json(data: dict[str, Any], blobs: dict[str, Layer]) -> Installed:
    raw = data["manifest"].encode()
    document = json.loads(raw)
    manifest = Manifest(
        raw,
        blobs[document["config"]["digest"]],
        tuple(_typed(blobs[layer["digest"]], layer) for layer in document["layers"]),
    )
    return Installed(
        require_name(data["name"]), manifest, datetime.fromisoformat(data["modified_at"])
    )


def _typed(blob: Layer, layer: dict[str, Any]) -> Layer:
    return Layer(layer["mediaType"], blob.digest, blob.size, blob.content)
