"""Slash commands, as in `ollama run`: the one place of them for the page and the command line."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from audit_app.actors import Actor
from models_app.chat import command_help
from models_app.chat.command_answers import Said, incomplete
from models_app.chat.command_set import set_something
from models_app.chat.command_show import show
from models_app.chat.records import ChatSession
from models_app.chat.sessions import (
    OFFERED,
    chat_models,
    find_model,
    forget_context,
    last_position,
    load_model,
    model_to_ask,
)
from models_app.services.recreating import derive_model
from ollamactl.lib.errors import InvalidInput
from ollamactl.lib.units import format_size


def run_command(*, actor: Actor, session: ChatSession, line: str) -> Said:
    """Do what a line such as `/set system Be brief.` says.

    Raises `InvalidInput` (code `unknown_command`) with a sentence where there is no such command.
    """
    word, *rest = line.split(None, 1)[:2] or [""]
    command = _COMMANDS.get(word.lower())
    if command is None:
        raise InvalidInput(
            _("There is no command “%(command)s”. Type /? to see those there are.")
            % {"command": word[:50]},
            code="unknown_command",
            attr="command",
        )
    return command(actor, session, rest[0].strip() if rest else "")


def _help(actor: Actor, session: ChatSession, rest: str) -> Said:
    match rest.lower().removeprefix("/"):
        case "":
            return Said(session, command_help.all_commands(actor), is_list=True)
        case "set":
            return Said(session, command_help.of_set(), is_list=True)
        case "show":
            return Said(session, command_help.of_show(), is_list=True)
        case "shortcut" | "shortcuts":
            return Said(session, command_help.of_keys(), is_list=True)
    raise incomplete(_("There is more to read with /? set, /? show and /? shortcuts."))


def _bye(actor: Actor, session: ChatSession, rest: str) -> Said:
    return Said(session, "", action="leave")


def _clear(actor: Actor, session: ChatSession, rest: str) -> Said:
    changed = forget_context(actor=actor, session=session)
    return Said(changed, _("The model has forgotten what was said so far."))


def _load(actor: Actor, session: ChatSession, rest: str) -> Said:
    if not rest:
        raise incomplete(_("Say which model: /load NAME"))
    model = find_model(session, rest)
    begins_anew = last_position(session) > 0
    changed = load_model(actor=actor, session=session, model=model)
    if begins_anew:
        text = _(
            "This chat goes on with “%(name)s”, which is told nothing of what was said so far."
        )
    else:
        text = _("This chat goes on with “%(name)s”.")
    return Said(changed, text % {"name": model.name})


def _list(actor: Actor, session: ChatSession, rest: str) -> Said:
    """The models of the chat's server to choose from, with their sizes."""
    rows = chat_models(actor.user or AnonymousUser())
    if session.model is not None:
        rows = rows.filter(server_id=session.model.server_id)
    found = list(rows[: OFFERED + 1])
    shown = found[:OFFERED]
    width = max((len(model.name) for model in shown), default=0) + 2
    lines = [f"{model.name:<{width}}{format_size(model.size or 0)}" for model in shown]
    if len(found) > OFFERED:
        left_out = rows.count() - OFFERED
        more = ngettext("and %(count)s more model", "and %(count)s more models", left_out)
        lines.append(more % {"count": left_out})
    return Said(session, "\n".join(lines) or _("There is no model to chat with yet"))


def _save(actor: Actor, session: ChatSession, rest: str) -> Said:
    if not rest:
        raise incomplete(_("Say under which name: /save NAME"))
    begun = derive_model(
        actor=actor,
        model=model_to_ask(session),
        name=rest,
        parameters=session.options,
        system=session.system,
    )
    text = _("“%(name)s” is being made. It is in the list of models, and /load takes it.")
    return Said(session, text % {"name": begun.model.name})


_COMMANDS: dict[str, Callable[[Actor, ChatSession, str], Said]] = {
    "/?": _help,
    "/help": _help,
    "/bye": _bye,
    "/exit": _bye,
    "/clear": _clear,
    "/list": _list,
    "/load": _load,
    "/save": _save,
    "/set": set_something,
    "/show": show,
}
