"""`/show`: what is known of a chat's model, and what the chat itself sets."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.chat.command_answers import Said, incomplete
from models_app.chat.command_help import of_show
from models_app.chat.records import ChatSession
from models_app.chat.sessions import model_to_ask
from models_app.services.details import describe_model
from ollamactl.lib.errors import Unavailable
from ollamactl.lib.units import format_size

SHOWN = ("info", "license", "modelfile", "parameters", "system", "template")


def show(actor: Actor, session: ChatSession, rest: str) -> Said:
    """One of `SHOWN`; what there is where nothing is named."""
    what = rest.lower()
    if not what:
        return Said(session, of_show(), is_list=True)
    if what not in SHOWN:
        raise incomplete(_("Say what to show: %(names)s") % {"names": ", ".join(SHOWN)})
    model = model_to_ask(session)
    details = describe_model(model)
    if details is None:
        raise Unavailable(_("The server does not answer just now. Try again in a moment."))
    if what == "info":
        return Said(session, _with_own(_facts(model.size, details), _settings(session)))
    if what == "modelfile":
        return Said(session, _modelfile(model.name, details))
    text = str(details.get(what) or "")
    if what == "system" and session.system:
        text = session.system
    if what == "parameters":
        text = _with_own(
            text, [f"{name} {value}" for name, value in sorted(session.options.items())]
        )
    return Said(session, text or _("The model has none."))


def _with_own(text: str, own: list[str]) -> str:
    """What the model has, and below it what this chat sets."""
    return "\n".join([text, "", _("Of this chat:"), *own]).strip() if own else text


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


def _settings(session: ChatSession) -> list[str]:
    """What the chat sets beside the parameters and the system prompt."""
    switched = {True: _("on"), False: _("off"), None: ""}[session.think]
    rows = [
        (_("Format"), session.format_label),
        (_("Thinking"), session.get_think_level_display() or switched),
        (_("Figures"), {True: _("all"), False: _("none"), None: ""}[session.verbose]),
    ]
    return [f"{name}: {value}" for name, value in rows if value]


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
