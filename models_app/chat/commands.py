"""Slash commands, as in `ollama run`: the one place of them for the page and the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.chat.records import ChatSession
from models_app.chat.sessions import change_chat, find_model, forget_context, model_to_ask
from models_app.services.details import describe_model
from models_app.services.parameters import KNOWN, read_lines
from models_app.services.recreating import RECREATE, derive_model
from ollamactl.lib.errors import InvalidInput, Unavailable
from ollamactl.lib.units import format_size

SHOWN = ("info", "license", "modelfile", "parameters", "system", "template")


@dataclass(frozen=True)
class Said:
    """What a command says. `action` is `leave` where the chat is left, else empty."""

    session: ChatSession
    text: str
    action: str = ""


def is_command(text: str) -> bool:
    """Whether a line is meant for the chat and not for the model: one line with a slash first."""
    return text.startswith("/") and "\n" not in text.strip()


def run_command(*, actor: Actor, session: ChatSession, line: str) -> Said:
    """Do what a line such as `/set system Be brief.` says.

    Raises `InvalidInput` (code `unknown_command`) with a sentence where there is no such command.
    """
    word, _space, rest = line.strip().partition(" ")
    command = _COMMANDS.get(word.lower())
    if command is None:
        raise InvalidInput(
            _("There is no command “%(command)s”. Type /? to see those there are.")
            % {"command": word[:50]},
            code="unknown_command",
            attr="command",
        )
    return command(actor, session, rest.strip())


def help_text(actor: Actor) -> str:
    """All commands that this person may use, a line each."""
    save = ("/save …", _("a new model with the system prompt and the parameters of this chat"))
    rows = [
        ("/set system …", _("the system prompt; empty to have none")),
        ("/set parameter … …", _("a parameter, for example temperature 0.2; without value: unset")),
        ("/set think, nothink", _("whether the model thinks before it answers")),
        ("/show …", _("what is known of the model: %(names)s") % {"names": ", ".join(SHOWN)}),
        ("/load …", _("another model for this chat")),
        *([save] if actor.may(RECREATE) else []),
        ("/clear", _("forget what was said so far; it stays to be read")),
        ("/bye", _("leave the chat")),
        ("/?, /help", _("this list")),
    ]
    width = max(len(name) for name, _text in rows) + 2
    return "\n".join(f"{name:<{width}}{text}" for name, text in rows)


def _help(actor: Actor, session: ChatSession, rest: str) -> Said:
    return Said(session, help_text(actor))


def _bye(actor: Actor, session: ChatSession, rest: str) -> Said:
    return Said(session, "", action="leave")


def _clear(actor: Actor, session: ChatSession, rest: str) -> Said:
    changed = forget_context(actor=actor, session=session)
    return Said(changed, _("The model has forgotten what was said so far."))


def _load(actor: Actor, session: ChatSession, rest: str) -> Said:
    if not rest:
        raise _incomplete(_("Say which model: /load NAME"))
    model = find_model(session, rest)
    changed = change_chat(actor=actor, session=session, model=model)
    return Said(changed, _("This chat goes on with “%(name)s”.") % {"name": model.name})


def _save(actor: Actor, session: ChatSession, rest: str) -> Said:
    if not rest:
        raise _incomplete(_("Say under which name: /save NAME"))
    begun = derive_model(
        actor=actor,
        model=model_to_ask(session),
        name=rest,
        parameters=session.options,
        system=session.system,
    )
    text = _("“%(name)s” is being made. It is in the list of models, and /load takes it.")
    return Said(session, text % {"name": begun.model.name})


def _set(actor: Actor, session: ChatSession, rest: str) -> Said:
    what, _space, value = rest.partition(" ")
    value = value.strip()
    match what.lower():
        case "system":
            value = value.removeprefix('"""').removesuffix('"""').strip()
            changed = change_chat(actor=actor, session=session, system=value)
            text = _("The system prompt is set.") if value else _("There is no system prompt now.")
            return Said(changed, text)
        case "parameter":
            return _set_parameter(actor, session, value)
        case "think":
            changed = change_chat(actor=actor, session=session, think=True)
            return Said(changed, _("The model thinks before it answers."))
        case "nothink":
            changed = change_chat(actor=actor, session=session, think=False)
            return Said(changed, _("The model answers without thinking first."))
    raise _incomplete(_("Say what to set: /set system, parameter, think or nothink."))


def _set_parameter(actor: Actor, session: ChatSession, value: str) -> Said:
    name, _space, number = value.partition(" ")
    if not name:
        known = ", ".join(KNOWN)
        raise _incomplete(_("Say which parameter: %(names)s") % {"names": known})
    options: dict[str, Any] = {key: old for key, old in session.options.items() if key != name}
    if not number.strip():
        if name not in session.options:
            read_lines(f"{name} 0")  # the sentence for a name that there is not
        changed = change_chat(actor=actor, session=session, options=options)
        return Said(changed, _("“%(name)s” is left to the model.") % {"name": name})
    new = read_lines(f"{name} {number.strip()}")
    changed = change_chat(actor=actor, session=session, options={**options, **new})
    shown = new.get(name)
    text = _("“%(name)s” is %(value)s now.") % {"name": name, "value": shown}
    return Said(changed, text)


def _show(actor: Actor, session: ChatSession, rest: str) -> Said:
    what = rest.lower() or "info"
    if what not in SHOWN:
        known = ", ".join(SHOWN)
        raise _incomplete(_("Say what to show: %(names)s") % {"names": known})
    model = model_to_ask(session)
    details = describe_model(model)
    if details is None:
        raise Unavailable(_("The server does not answer just now. Try again in a moment."))
    if what == "info":
        return Said(session, _facts(model.size, details))
    if what == "modelfile":
        return Said(session, _modelfile(model.name, details))
    text = str(details.get(what) or "")
    if what == "system" and session.system:
        text = session.system
    if what == "parameters" and session.options:
        own = "\n".join(f"{name} {value}" for name, value in sorted(session.options.items()))
        text = "\n".join([text, "", _("Of this chat:"), own]).strip()
    return Said(session, text or _("The model has none."))


def _facts(size: int | None, details: dict[str, Any]) -> str:
    rows = [
        (_("Family"), details["family"]),
        (_("Parameters"), details["parameter_size"]),
        (_("Quantization"), details["quantization"]),
        (_("Context length"), details["context_length"]),
        (_("Size"), format_size(size) if size is not None else None),
        (_("Capabilities"), ", ".join(details["capabilities"])),
    ]
    return "\n".join(f"{name}: {value}" for name, value in rows if value)


def _modelfile(name: str, details: dict[str, Any]) -> str:
    """What the model can be made of again. It is called by its name, and not by the file of the
    server's as in Ollama's own text: folders of the machine are not for everybody."""
    parameters = [f"PARAMETER {line}" for line in str(details["parameters"]).splitlines() if line]
    texts = [
        f'{word} """{details[what]}"""'
        for word, what in (("TEMPLATE", "template"), ("SYSTEM", "system"), ("LICENSE", "license"))
        if details[what]
    ]
    return "\n".join([f"FROM {name}", *parameters, *texts])


def _incomplete(sentence: str) -> InvalidInput:
    return InvalidInput(sentence, code="incomplete_command", attr="command")


_COMMANDS: dict[str, Callable[[Actor, ChatSession, str], Said]] = {
    "/?": _help,
    "/help": _help,
    "/bye": _bye,
    "/exit": _bye,
    "/clear": _clear,
    "/load": _load,
    "/save": _save,
    "/set": _set,
    "/show": _show,
}
