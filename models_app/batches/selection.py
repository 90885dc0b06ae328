"""Which models a batch is about: by their ids, by a filter, or by names on servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.batches.words import MOST, Operation
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.querysets import OllamaModelQuerySet
from models_app.services.lifecycle import parse_name
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.parameters import numbers_in_one_parameter


@dataclass(frozen=True)
class Selection:
    """One of: `ids`; `filter` (the parameters of the list); `names`, on `servers` or on all."""

    ids: Sequence[int] | None = None
    filter: Mapping[str, Any] | None = None
    names: Sequence[str] | None = None
    servers: Sequence[int] = field(default_factory=tuple)


@dataclass(frozen=True)
class Chosen:
    """One model of a selection; without a row it is a name on a server or on none, or an id that is
    gone."""

    name: str
    server: OllamaServer | None = None
    model: OllamaModel | None = None
    id: int | None = None


def choose(selection: Selection, *, actor: Actor, operation: Operation) -> list[Chosen]:
    """The models, each once, in a fixed order. Raises `InvalidInput` with `attr`."""
    given = [name for name in ("ids", "filter", "names") if getattr(selection, name) is not None]
    if len(given) != 1:
        raise InvalidInput(
            _("Say which models: give ids, a filter, or names, and only one of them."), attr="ids"
        )
    visible = _visible(actor).for_display().order_by("name", "pk")
    if selection.ids is not None:
        return _by_ids(visible, selection.ids)
    if selection.filter is not None:
        return _by_filter(visible, selection.filter)
    return _by_names(visible, selection, operation)


def _visible(actor: Actor) -> OllamaModelQuerySet:
    models: OllamaModelQuerySet = OllamaModel.objects.all()
    return models if actor.user is None else models.visible_to(actor.user)


def _by_ids(visible: OllamaModelQuerySet, ids: Sequence[int]) -> list[Chosen]:
    wanted = dict.fromkeys(ids)
    _bound(len(wanted), "ids")
    rows = visible.filter(pk__in=numbers_in_one_parameter(list(wanted)))
    found = [_chosen(row) for row in rows]
    there = {row.id for row in found}
    return found + [Chosen(f"#{pk}", id=pk) for pk in wanted if pk not in there]


def _by_filter(visible: OllamaModelQuerySet, asked: Mapping[str, Any]) -> list[Chosen]:
    # Filters bring the packages of the API along, which no worker needs.
    from models_app.filters import OllamaModelFilter

    query = QueryDict(mutable=True)
    for name, value in asked.items():
        query.setlist(str(name), [_word(one) for one in _each(value)])
    known = OllamaModelFilter.get_filters()
    unknown = [name for name in query if name not in known]
    if unknown:
        raise InvalidInput(
            _("There is no filter “%(name)s”; there are: %(known)s.")
            % {"name": unknown[0][:100], "known": ", ".join(sorted(known))},
            attr="filter",
        )
    found = OllamaModelFilter(query, queryset=visible)
    if not found.is_valid():
        name, errors = next(iter(found.errors.items()))
        raise InvalidInput(f"{name}: {errors[0]}", attr="filter")
    rows = list(found.qs[: MOST + 1])
    _bound(len(rows), "filter")
    return [_chosen(row) for row in rows]


def _by_names(
    visible: OllamaModelQuerySet, selection: Selection, operation: Operation
) -> list[Chosen]:
    names = {parsed.key: parsed for parsed in _parsed(selection.names or ())}
    servers = _servers(selection, operation)
    _bound(len(names) * len(servers), "names")
    rows = visible.filter(key__in=list(names), server__in=servers)
    there = {(row.key, row.server_id): row for row in rows}
    anywhere = not selection.servers and operation != Operation.PULL
    found = [
        _chosen(row) if row else Chosen(parsed.display, server)
        for key, parsed in names.items()
        for server in servers
        if (row := there.get((key, server.pk))) or not anywhere
    ]
    if not anywhere:
        return found
    somewhere = {key for key, _server in there}
    return found + [Chosen(names[key].display) for key in names if key not in somewhere]


def _parsed(names: Iterable[str]) -> list[ModelName]:
    try:
        return [parse_name(name) for name in names]
    except InvalidInput as error:
        raise InvalidInput(error.detail, code=error.code, attr="names") from error


def _servers(selection: Selection, operation: Operation) -> list[OllamaServer]:
    """Those that are named; for what is on servers already, all of them."""
    every = OllamaServer.objects.order_by("name", "pk")
    if selection.servers:
        rows = every.in_bulk(list(dict.fromkeys(selection.servers)))
        missing = [pk for pk in selection.servers if pk not in rows]
        if missing:
            raise InvalidInput(
                _("There is no server with the id %(id)s.") % {"id": missing[0]}, attr="servers"
            )
        return [rows[pk] for pk in dict.fromkeys(selection.servers)]
    servers = list(every)
    if operation == Operation.PULL and len(servers) != 1:
        sentence = (
            _("Say on which servers.") if servers else _("There is no server. Add one first.")
        )
        raise InvalidInput(sentence, code="required", attr="servers")
    return servers


def _chosen(row: OllamaModel) -> Chosen:
    return Chosen(row.name, row.server, row, row.pk)


def _bound(count: int, attr: str) -> None:
    if not count:
        raise InvalidInput(_("There is no model in this selection."), code="empty", attr=attr)
    if count > MOST:
        raise InvalidInput(
            _("A batch takes at most %(most)s models; narrow it down.") % {"most": MOST},
            code="too_many",
            attr=attr,
        )


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
