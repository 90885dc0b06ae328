"""Which models of a batch can be begun: their rows locked and judged together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models_app.batches.words import Operation
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.services.beginnings import (
    ids_of,
    locked_servers,
    require_idle,
    require_installed,
    rows_for,
)
from models_app.services.states import GONE_FROM_PANEL, locked_models
from ollamactl.lib.errors import ApplicationError, Conflict

Item = dict[str, Any]
Place = tuple[int, str]
"""A server's id, and the key of a name on it."""


@dataclass
class Verdict:
    """One item with its locked row; with the `refusal` of what cannot be begun, then perhaps
    without a row."""

    item: Item
    row: OllamaModel | None = None
    refusal: ApplicationError | None = None


def each_once(items: Sequence[Item]) -> list[Item]:
    """The items up to one whose model is there before: it has to see what became of that."""
    found: set[object] = set()
    for number, item in enumerate(items):
        about = {_place_of(item), item["model"]} - {None}
        if about & found:
            return list(items[:number])
        found |= about
    return list(items)


def judge_items(operation: Operation, items: Sequence[Item], *, halts: bool) -> list[Verdict]:
    """Lock the rows of these items and judge each by the rules for a single model.

    Rows of new names are made where they are to be pulled. Where a refusal `halts` the batch none
    comes after it.
    """
    servers = _locked_servers(operation, items)
    ids = ids_of([_name_of(servers, item) for item in items if _is_named(servers, item)])
    rows = locked_models([item["model"] or ids.get(_place_of(item)) for item in items])
    verdicts: list[Verdict] = []
    for item in items:
        row = rows.get(item["model"] or ids.get(_place_of(item)) or 0)
        refusal = None if row is None and _is_named(servers, item) else _refusal(operation, row)
        verdicts.append(Verdict(item, row, refusal))
        if refusal is not None and halts:
            break
    _make_rows(servers, [one for one in verdicts if one.row is None and one.refusal is None])
    return verdicts


def _refusal(operation: Operation, row: OllamaModel | None) -> ApplicationError | None:
    try:
        if row is None:
            raise Conflict(GONE_FROM_PANEL)
        require_idle(row)
        if operation not in (Operation.PULL, Operation.DELETE):
            require_installed(row)
    except ApplicationError as refusal:
        return refusal
    return None


def _locked_servers(operation: Operation, items: Sequence[Item]) -> dict[int, OllamaServer]:
    """The servers on which names may be new. Who makes a row of one holds its lock."""
    if operation != Operation.PULL:
        return {}
    wanted = {item["server"] for item in items if item["model"] is None}
    return locked_servers(wanted) if wanted else {}


def _make_rows(servers: dict[int, OllamaServer], new: Sequence[Verdict]) -> None:
    if not new:
        return
    ids = rows_for([_name_of(servers, one.item) for one in new])
    rows = locked_models(ids.values())
    for one in new:
        one.row = rows[ids[_place_of(one.item)]]


def _is_named(servers: dict[int, OllamaServer], item: Item) -> bool:
    return item["model"] is None and item["server"] in servers


def _name_of(servers: dict[int, OllamaServer], item: Item) -> tuple[OllamaServer, ModelName]:
    return servers[item["server"]], ModelName.parse(item["name"])


def _place_of(item: Item) -> Place:
    return item["server"], ModelName.parse(item["name"]).key
