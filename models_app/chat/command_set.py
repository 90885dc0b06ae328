"""`/set`: the settings of a chat."""

from __future__ import annotations

import re
from typing import Any

from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.chat.choices import AnswerFormat
from models_app.chat.command_answers import Said, incomplete
from models_app.chat.command_help import of_set
from models_app.chat.records import ChatSession
from models_app.chat.sessions import change_chat
from models_app.services.parameters import KNOWN, TEXTS, read_lines, read_parameters
from ollamactl.lib.slash import QUOTES

_WORD = re.compile(r'"([^"]*)"|(\S+)')
SET = (
    *("system", "parameter", "format json", "noformat", "think", "think high", "nothink"),
    *("verbose", "quiet", "history", "nohistory", "wordwrap", "nowordwrap"),
)


def set_something(actor: Actor, session: ChatSession, rest: str) -> Said:
    """One of `SET`; what there is where nothing is named."""
    if not rest:
        return Said(session, of_set(), is_list=True)
    what, *values = rest.split(None, 1)[:2] or [""]
    value = values[0].strip() if values else ""
    match what.lower():
        case "system":
            return _system(actor, session, value)
        case "parameter":
            return _parameter(actor, session, value)
        case "format":
            return _format(actor, session, value)
        case "think" if value:
            return _level(actor, session, value)
        case name if said := _switch(actor, session, name, value):
            return said
    raise incomplete(_("Say what to set: %(names)s") % {"names": ", ".join(SET)})


def _system(actor: Actor, session: ChatSession, value: str) -> Said:
    value = value.removeprefix(QUOTES).removesuffix(QUOTES).strip()
    changed = change_chat(actor=actor, session=session, system=value)
    text = _("The system prompt is set.") if value else _("There is no system prompt now.")
    return Said(changed, text)


def _parameter(actor: Actor, session: ChatSession, value: str) -> Said:
    name, _space, given = value.partition(" ")
    given = given.strip()
    if not name:
        raise incomplete(_("Say which parameter: %(names)s") % {"names": ", ".join(KNOWN)})
    options: dict[str, Any] = {key: old for key, old in session.options.items() if key != name}
    if not given:
        if name not in session.options:
            read_lines(f"{name} 0")  # the sentence for a name that there is not
        changed = change_chat(actor=actor, session=session, options=options)
        return Said(changed, _("“%(name)s” is left to the model.") % {"name": name})
    new = _texts(name, given) if name in TEXTS else read_lines(f"{name} {given}")
    changed = change_chat(actor=actor, session=session, options={**options, **new})
    text = _("“%(name)s” is %(value)s now.") % {"name": name, "value": new.get(name)}
    return Said(changed, text)


def _texts(name: str, given: str) -> dict[str, Any]:
    """Several texts, as `ollama run` takes them: each word is one, and what is in quotes."""
    return read_parameters({name: [quoted or word for quoted, word in _WORD.findall(given)]})


def _format(actor: Actor, session: ChatSession, value: str) -> Said:
    if value.lower() != AnswerFormat.JSON:
        raise incomplete(_("There is one format: /set format json. /set noformat ends it."))
    changed = change_chat(actor=actor, session=session, format=AnswerFormat.JSON.value)
    text = _("Answers come in JSON now. Ask for JSON in the prompt too, and say which fields.")
    return Said(changed, text)


def _level(actor: Actor, session: ChatSession, value: str) -> Said:
    changed = change_chat(actor=actor, session=session, think=value.lower())
    text = _("The model thinks before it answers, at the level “%(level)s”.")
    return Said(changed, text % {"level": changed.think_level})


def _switch(actor: Actor, session: ChatSession, name: str, value: str) -> Said | None:
    """What is set by its name alone; None where there is no such setting."""
    if (text := _of_a_shell(name)) and not value:
        return Said(session, text)
    found = _changes(name)
    if found is None or value:
        return None
    changes, text = found
    return Said(change_chat(actor=actor, session=session, **changes), text)


def _changes(name: str) -> tuple[dict[str, Any], str] | None:
    """What a name changes, and what is said of it."""
    changes: dict[str, tuple[dict[str, Any], str]] = {
        "noformat": ({"format": None}, _("Answers come as the model writes them.")),
        "think": ({"think": True}, _("The model thinks before it answers.")),
        "nothink": ({"think": False}, _("The model answers without thinking first.")),
        "verbose": ({"verbose": True}, _("All figures are shown after an answer.")),
        "quiet": ({"verbose": False}, _("No figures are shown after an answer.")),
    }
    return changes.get(name)


def _of_a_shell(name: str) -> str:
    """What to say of settings of the terminal that somebody sits at: `ollamactl chat` does these
    by itself, and everything else that asks has none of them."""
    if name in ("history", "nohistory"):
        return _(
            "This is for a shell (ollamactl chat). On the page the up arrow brings back what you "
            "wrote in this chat; nothing else is kept, and what was said goes with the chat."
        )
    if name in ("wordwrap", "nowordwrap"):
        return _(
            "This is for a shell (ollamactl chat). On the page lines always end between words, "
            "and code keeps its own lines."
        )
    return ""
