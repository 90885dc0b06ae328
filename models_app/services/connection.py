"""Connection information: for each situation the URL that works from there, and what to paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit_app.actors import Actor
from models_app.choices import AuthKind
from models_app.connection.cautions import Caution, cautions_for
from models_app.connection.judging import Judgement, judge
from models_app.connection.keys import Key, key_of
from models_app.connection.machine import panel_machine
from models_app.connection.probing import try_out
from models_app.connection.routes import routes_to
from models_app.connection.situations import LABELS, SITUATIONS, Place, Program, place_of
from models_app.connection.snippets import ANY_KEY, PLACEHOLDER, Snippet, Target, snippets_for
from models_app.models import OllamaModel, OllamaServer
from ollamactl.lib.connections import close_connections

VIEW = "models_app.view_ollamaserver"
CHANGE = "models_app.change_ollamaserver"
CA_FILE = "/path/to/ca.pem"
# Families that answer no chat: nobody's first model to try.
EMBEDDING_FAMILIES = ("bert", "nomic-bert")
MODELS_OFFERED = 50


@dataclass(frozen=True)
class Way:
    """One situation. `variables`: for the program's environment; an empty one holds a secret that
    its owner has to fill in."""

    situation: str
    place: Place
    judgement: Judgement
    openai_url: str
    variables: dict[str, str]
    snippets: tuple[Snippet, ...]

    @property
    def label(self) -> str:
        """The situation's name."""
        return str(LABELS[self.situation])


@dataclass(frozen=True)
class Connection:
    """All that is said of a server. `model`: the one that the texts name; empty where the server
    has none, and a well-known name stands there."""

    server: OllamaServer
    key: Key
    model: str
    is_tried: bool
    cautions: list[Caution]
    ways: dict[str, Way]


def connection_info(
    *,
    actor: Actor,
    server: OllamaServer,
    asked_as: str = "",
    place: Place | None = None,
    model: str = "",
    try_it: bool = False,
    situations: Sequence[str] = SITUATIONS,
) -> Connection:
    """How programs reach a server.

    `asked_as`: the host by which the reader has reached the panel. `place`: where the programs run.
    `model`: the model that the texts name, else one that the server has. `try_it`: ask each URL
    that the panel can reach, a few seconds in all; else the last check is all that is known.
    """
    actor.require(VIEW)
    routes = routes_to(server.base_url, panel_machine(asked_as))
    tried = None
    if try_it:
        asked = {route.asked for ways in routes.values() for route in ways if route.asked}
        close_connections()  # of a bounded pool, which others may wait for
        tried = try_out(server, asked)
    judged = {each: judge(server, each, routes[each], tried) for each in Place}
    key = key_of(server, told=actor.may(CHANGE))
    model = model or usual_model(server)
    ways = {
        situation: _way(situation, judged[at], at, key, model or PLACEHOLDER)
        for situation in situations
        for at in (place_of(situation, place),)
    }
    return Connection(server, key, model, tried is not None, cautions_for(server, tried), ways)


def models_of(server: OllamaServer) -> list[str]:
    """The installed models that a text may name, the likeliest first; 50 at most."""
    rows = OllamaModel.objects.filter(server=server).exclude(digest="")
    chatty = rows.exclude(family__in=EMBEDDING_FAMILIES)
    ordered = chatty.order_by("-is_loaded", "name", "pk")
    return list(ordered.values_list("name", flat=True)[:MODELS_OFFERED])


def usual_model(server: OllamaServer) -> str:
    """A model to try first; empty where the server has none."""
    return next(iter(models_of(server)), "")


def _way(situation: str, judgement: Judgement, place: Place, key: Key, model: str) -> Way:
    target = Target(judgement.url, model, key, place)
    is_known = bool(judgement.url)
    return Way(
        situation=situation,
        place=place,
        judgement=judgement,
        openai_url=target.openai_url if is_known else "",
        variables=_variables(situation, target) if is_known else {},
        snippets=snippets_for(situation, target) if is_known else (),
    )


def _variables(situation: str, target: Target) -> dict[str, str]:
    key = target.key
    if situation == Program.OPENAI:
        given = ANY_KEY if key.kind != AuthKind.BEARER else ""
        variables = {"OPENAI_BASE_URL": target.openai_url, "OPENAI_API_KEY": given}
        more = [name for name in key.variables if key.kind != AuthKind.BEARER]
    else:
        name = "OLLAMA_BASE_URL" if situation == Program.OPEN_WEBUI else "OLLAMA_HOST"
        variables = {name: target.url}
        more = list(key.variables)
    variables |= dict.fromkeys(more, "")
    if key.has_ca:
        variables["SSL_CERT_FILE"] = CA_FILE
    return variables
