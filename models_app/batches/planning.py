"""What a batch will do, model by model, before it does anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext_noop

from models_app.batches.asking import Heard, Said, ask_around
from models_app.batches.downloads import ServerPlan, Wanted, bytes_of, plan_servers
from models_app.batches.looks import ServerLooks
from models_app.batches.operations import (
    KINDS,
    NO_ANSWER,
    NOT_THERE,
    WILL,
    Judgement,
    Kind,
    judge,
)
from models_app.batches.selection import Chosen
from models_app.batches.words import Operation, Outcome
from models_app.choices import Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.ollama.registry import Manifest
from models_app.querysets import GONE
from models_app.resources.estimates import assumed_size
from models_app.resources.needs import MANIFEST, guess_of
from models_app.resources.verdict import UNKNOWN
from models_app.services.freeing import freed_by_deleting
from ollamactl.lib.sentences import Sentence

FROM_REGISTRY = (Operation.PULL, Operation.RECREATE, Operation.UPDATE)
GONE_FROM_LIST = Sentence(gettext_noop("It is gone from the panel."))
NOWHERE = Sentence(gettext_noop("No server has a model of this name."))
NO_SUCH_MODEL = Sentence(gettext_noop("Its registry has no such model."))
PINNED = gettext_noop("Pinned models among them: {count}.")
# Whether a model can be brought back to what it was.
UNDO = ("yes", "other_version", "no", "unknown")


@dataclass(frozen=True)
class PlanItem:
    """One model: what will happen, why not, and the bytes that it frees or needs (None: unknown).

    `undo` is one of `UNDO`, for those that will be done. `manifest`: what is to be downloaded;
    `estimate`: how the bytes of a download are known, as in the check of a single one.
    """

    chosen: Chosen
    judgement: Judgement
    bytes: int | None = None
    undo: str = "no"
    manifest: Manifest | None = None
    estimate: str = UNKNOWN

    @property
    def is_estimated(self) -> bool:
        """Whether the bytes of a download are not its registry's own."""
        return self.estimate not in (MANIFEST, UNKNOWN)

    def as_json(self) -> dict[str, Any]:
        """The item as the API shows it."""
        server = self.chosen.server
        return {
            "model": self.chosen.id,
            "name": self.chosen.name,
            "server": server.pk if server else None,
            "server_name": server.name if server else "",
            "outcome": str(self.judgement.outcome),
            "code": self.judgement.code,
            "detail": str(self.judgement.detail),
            "bytes": self.bytes,
            "estimate": self.estimate,
            "undo": self.undo if self.judgement.outcome == Outcome.WILL else None,
        }


@dataclass(frozen=True)
class Plan:
    """All items; `resource` and `direction` say what the bytes are.

    `total_bytes` has what several models share once. `servers`: those that are downloaded to.
    """

    kind: Kind
    items: list[PlanItem]
    total_bytes: int | None = None
    exact: bool = False
    warnings: list[dict[str, Any]] = field(default_factory=list)
    servers: list[ServerPlan] = field(default_factory=list)

    @property
    def resource(self) -> str:
        """`memory` for loading and unloading, else `disk`."""
        loads = (Operation.START, Operation.STOP)
        return "memory" if self.kind.operation in loads else "disk"

    @property
    def direction(self) -> str:
        """`frees` or `needs`."""
        gives = (Operation.STOP, Operation.DELETE)
        return "frees" if self.kind.operation in gives else "needs"

    @property
    def unknown(self) -> int:
        """Of how many models that will be done nobody knows the bytes."""
        return sum(item.bytes is None for item in self.will())

    @property
    def unknown_each(self) -> int | None:
        """The bytes of the disk that each download of unknown size is taken for."""
        is_download = self.kind.operation in FROM_REGISTRY
        return assumed_size() if self.unknown and is_download else None

    @property
    def estimated(self) -> int:
        """Of how many models that will be downloaded the bytes are an estimate."""
        return sum(item.is_estimated for item in self.will())

    def counts(self) -> dict[str, int]:
        """How many there are of each outcome, and in all."""
        found = Counter(str(item.judgement.outcome) for item in self.items)
        return {"total": len(self.items), **{one.value: found[one.value] for one in Outcome}}

    def undo_counts(self) -> dict[str, int]:
        """How many of those that will be done can be brought back."""
        found = Counter(item.undo for item in self.will())
        return {name: found[name] for name in UNDO}

    def will(self) -> list[PlanItem]:
        """Those that will be done."""
        return [item for item in self.items if item.judgement.outcome == Outcome.WILL]

    def left_out(self) -> list[PlanItem]:
        """The others: what cannot be done first."""
        others = [item for item in self.items if item.judgement.outcome != Outcome.WILL]
        return sorted(others, key=lambda item: item.judgement.outcome != Outcome.CANNOT)

    def as_json(self) -> dict[str, Any]:
        """The API's answer, in the reader's language."""
        return {
            "operation": str(self.kind.operation),
            "dangerous": self.kind.dangerous,
            "counts": self.counts(),
            "bytes": {
                "resource": self.resource,
                "direction": self.direction,
                "total": self.total_bytes,
                "exact": self.exact,
                "estimated": self.estimated,
                "unknown": self.unknown,
                "unknown_each": self.unknown_each,
            },
            "undo": self.undo_counts(),
            "warnings": [
                {"code": each["code"], "detail": str(each["detail"])} for each in self.warnings
            ],
            "servers": [server.as_json() for server in self.servers],
            "items": [item.as_json() for item in self.items],
        }


def make_plan(*, chosen: list[Chosen], operation: Operation, ask: bool = True) -> Plan:
    """Judge each model; with `ask` registries and servers are asked too, for 2 s at most in all.

    Without it registries are asked all the same which of the models to pull they have: what a plan
    has called impossible is not begun.
    """
    kind = KINDS[operation]
    downloads = operation in FROM_REGISTRY
    items = [PlanItem(one, _judge(kind, one)) for one in chosen]
    will = [item for item in items if item.judgement.outcome == Outcome.WILL]
    looks = ServerLooks(_servers(will)) if ask and downloads else None
    asked = ask or downloads
    heard = ask_around(_questions(kind, will), layers=ask and downloads) if asked else Heard()
    items = [
        _measured(kind, item, heard, ask) if item.judgement.outcome == Outcome.WILL else item
        for item in items
    ]
    plan = Plan(kind, items)
    return _with_servers(plan, heard, looks) if looks is not None else _summed(plan)


def _servers(items: Iterable[PlanItem]) -> Iterable[OllamaServer]:
    return (item.chosen.server for item in items if item.chosen.server is not None)


def _judge(kind: Kind, one: Chosen) -> Judgement:
    if one.model is not None:
        return judge(kind, one.model)
    if one.server is None:
        if one.id is None:
            return Judgement(Outcome.CANNOT, "not_installed", NOWHERE)
        return Judgement(Outcome.CANNOT, "gone", GONE_FROM_LIST)
    if kind.operation != Operation.PULL:
        return Judgement(Outcome.CANNOT, "not_installed", NOT_THERE)
    if one.server.status in GONE:
        return Judgement(Outcome.CANNOT, "unavailable", NO_ANSWER)
    return WILL


def _questions(kind: Kind, items: Iterable[PlanItem]) -> Iterable[tuple[OllamaServer, ModelName]]:
    """What only a registry knows: the size of what is pulled, and whether it can come back."""
    if kind.operation not in (*FROM_REGISTRY, Operation.DELETE):
        return
    for item in items:
        model, server = item.chosen.model, item.chosen.server
        if server is not None and not (model is not None and model.source == Source.LOCAL):
            yield server, ModelName.parse(item.chosen.name)


def _measured(kind: Kind, item: PlanItem, heard: Heard, ask: bool) -> PlanItem:
    model, server = item.chosen.model, item.chosen.server
    assert server is not None  # noqa: S101 - what has no server cannot be done
    answer = heard.of(server, ModelName.parse(item.chosen.name))
    if kind.operation in FROM_REGISTRY:
        if answer.missing:
            return replace(item, judgement=Judgement(Outcome.CANNOT, "missing", NO_SUCH_MODEL))
        is_new = kind.operation == Operation.PULL and not (model and model.is_installed)
        item = replace(item, undo="yes" if is_new else "no")
        return _sized(item, server, answer.manifest, heard) if ask else item
    if model is None:
        return item
    if kind.operation == Operation.STOP:
        return replace(item, bytes=(model.loaded or {}).get("size"), undo="yes")
    if kind.operation == Operation.START:
        return replace(item, bytes=model.size, undo="yes")
    return replace(item, bytes=model.size or 0, undo=_comes_back(model, answer))


def _sized(
    item: PlanItem, server: OllamaServer, manifest: Manifest | None, heard: Heard
) -> PlanItem:
    """The bytes of a download: by the manifest, else by the estimate of a single check."""
    if manifest is not None:
        size = bytes_of(manifest, heard.servers.get(server.pk))
        return replace(item, bytes=size, manifest=manifest, estimate=MANIFEST)
    guess = guess_of(item.chosen.model, ModelName.parse(item.chosen.name))
    return replace(item, bytes=guess.bytes, estimate=guess.source) if guess else item


def _comes_back(model: OllamaModel, answer: Said) -> str:
    """Whether a deleted model can be pulled again by its name."""
    if model.source == Source.LOCAL or answer.missing:
        return "no"
    if not model.is_installed:
        return "yes"
    if answer.manifest is None:
        return "unknown"
    return "yes" if answer.manifest.digest == model.digest else "other_version"


def _summed(plan: Plan) -> Plan:
    will = plan.will()
    if plan.kind.operation == Operation.DELETE:
        freed = freed_by_deleting([item.chosen.model for item in will if item.chosen.model])
        warnings = _pinned(will)
        return replace(plan, total_bytes=freed.bytes, exact=freed.exact, warnings=warnings)
    return replace(plan, total_bytes=_sum(item.bytes for item in will))


def _with_servers(plan: Plan, heard: Heard, looks: ServerLooks) -> Plan:
    """What is downloaded to each server: a layer that several models share is counted once."""
    wanted = [
        Wanted(
            item.chosen.server,
            ModelName.parse(item.chosen.name).key,
            item.manifest,
            guess=item.bytes if item.is_estimated else None,
        )
        for item in plan.will()
        if item.chosen.server is not None
    ]
    servers, found = plan_servers(wanted, heard, looks)
    return replace(
        plan,
        total_bytes=_sum(each.needed.bytes for each in servers),
        exact=bool(servers) and all(each.needed.exact for each in servers),
        warnings=[{"code": one["code"], "detail": one["detail"]} for one in found.reasons],
        servers=servers,
    )


def _sum(sizes: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    known = [size for size in sizes if size is not None]
    return sum(known) if known else None


def _pinned(will: list[PlanItem]) -> list[dict[str, Any]]:
    count = sum(bool(item.chosen.model and item.chosen.model.pinned) for item in will)
    return [{"code": "pinned", "detail": Sentence(PINNED, count=count)}] if count else []
