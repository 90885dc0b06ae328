"""What the downloads of a batch have still to write, so that others leave them that room."""

from __future__ import annotations

from typing import Any

from models_app.batch_models import Batch
from models_app.batches.asking import MOST_ASKED, Heard, ask_around
from models_app.batches.downloads import content_of
from models_app.batches.operations import KINDS
from models_app.batches.words import Operation
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.pulls import PULL_TYPE
from models_app.resources.estimates import assumed_size
from models_app.resources.needs import guess_of

Items = list[dict[str, Any]]


class Reservations:
    """The bytes of each download of a batch; some are asked for at a time, before they are begun.

    A layer that several of them share is counted for the first on its server.
    """

    def __init__(self, batch: Batch) -> None:
        self._items: Items = batch.items
        self._are_downloads = KINDS[Operation(batch.operation)].task_type == PULL_TYPE
        self._bytes: dict[int, int | None] = {}
        self._known_until = 0
        self._counted: set[tuple[int, str]] = set()

    def of(self, position: int) -> int | None:
        """The bytes of one item; None where nobody knows them, and for what is no download."""
        return self._bytes.get(position)

    def known(self, position: int) -> int:
        """So many items from there on may be begun without asking for more."""
        until = self._known_until if self._are_downloads else len(self._items)
        return until - position

    def look_ahead(self, position: int) -> None:
        """Ask for the next ones where they are not known; 2 s at most, in no transaction."""
        if not self._are_downloads or position < self._known_until:
            return
        items = self._items[position : position + MOST_ASKED]
        servers = OllamaServer.objects.in_bulk({item["server"] for item in items})
        rows = _rows(items)
        names = [ModelName.parse(item["name"]) for item in items]
        wanted = [
            (servers[item["server"]], name)
            for item, name in zip(items, names, strict=True)
            if item["server"] in servers
        ]
        heard = ask_around(wanted, layers=True)
        self._bytes = {}
        for offset, (item, name) in enumerate(zip(items, names, strict=True)):
            server = servers.get(item["server"])
            if server is not None:
                row = rows.get((server.pk, name.key))
                self._bytes[position + offset] = self._needed(server, name, row, heard)
        self._known_until = position + len(items)

    def _needed(
        self, server: OllamaServer, name: ModelName, row: OllamaModel | None, heard: Heard
    ) -> int | None:
        """By the manifest less the layers that are there, else by an estimate."""
        manifest = heard.of(server, name).manifest
        if manifest is None:
            guess = guess_of(row, name)
            return guess.bytes if guess else None
        said = heard.servers.get(server.pk)
        there = said.layers if said is not None else {}
        missing = {
            digest: size
            for digest, size in manifest.layers.items()
            if not there.get(digest) and (server.pk, digest) not in self._counted
        }
        self._counted |= {(server.pk, digest) for digest in missing}
        return sum(missing.values())


def guess(model: OllamaModel | None, name: str) -> int:
    """What one download is taken for until its registry is asked: the bytes of the whole model,
    unless the server had the newest version when its registry was asked last."""
    if model is not None and model.is_installed and model.outdated is False:
        return 0
    size = guess_of(model, ModelName.parse(name))
    return size.bytes if size else assumed_size()


def guess_each_once(items: Items) -> Items:
    """Two names of one download are fetched once to a server: the second counts for nothing."""
    seen: set[tuple[int | None, str]] = set()
    for item in items:
        content = (item["server"], content_of(ModelName.parse(item["name"]).full))
        if content in seen:
            item["guess"] = 0
        seen.add(content)
    return items


def sum_of(items: Items) -> dict[str, int]:
    """The guesses of downloads together, by the ids of their servers as they are stored."""
    found: dict[str, int] = {}
    for item in items:
        if item.get("guess"):
            key = str(item["server"])
            found[key] = found.get(key, 0) + item["guess"]
    return found


def take_from_sum(found: dict[str, int], item: dict[str, Any]) -> None:
    """Take one of them out: from now on its task itself says what it needs."""
    key, size = str(item["server"]), item.get("guess")
    if size and key in found:
        found[key] -= size
        if found[key] <= 0:
            del found[key]


def _rows(items: Items) -> dict[tuple[int, str], OllamaModel]:
    keys = [ModelName.parse(item["name"]).key for item in items]
    found = OllamaModel.objects.filter(key__in=keys, server__in={i["server"] for i in items})
    return {(row.server_id, row.key): row for row in found}
