"""The lists of slash commands and keys, as `/?` shows them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from audit_app.actors import Actor
from models_app.services.recreating import RECREATE
from ollamactl.lib.slash import QUOTES

Rows = Sequence[tuple[str, str]]


def all_commands(actor: Actor) -> str:
    """All that this person may use, a line each."""
    save = ("/save …", _("a new model with the system prompt and the parameters of this chat"))
    rows = [
        ("/set …", _("a setting of this chat; /? set lists them")),
        ("/show …", _("what is known of the model; /? show lists it")),
        ("/load …", _("another model for this chat, which begins anew")),
        *([save] if actor.may(RECREATE) else []),
        ("/list", _("the models of this server")),
        ("/clear", _("forget what was said so far; it stays to be read")),
        ("/bye, /exit", _("leave the chat")),
        ("/?, /help", _("this list")),
        ("/? shortcuts", _("the keys")),
    ]
    more = _("%(quotes)s around a text of several lines: /set system %(quotes)s … %(quotes)s")
    return f"{_table(rows)}\n\n{more % {'quotes': QUOTES}}"


def of_set() -> str:
    """What `/set` sets."""
    return _table(
        [
            ("/set system …", _("the system prompt; empty to have none")),
            ("/set parameter … …", _("a parameter, as temperature 0.2; without value: unset")),
            ("/set format json", _("answers in JSON")),
            ("/set noformat", _("answers as the model writes them")),
            ("/set think, nothink", _("whether the model thinks before it answers")),
            ("/set think …", _("how much: low, medium, high or max; few models know levels")),
            ("/set verbose, quiet", _("all figures after an answer, or none")),
            ("/set history, nohistory", _("whether the up arrow brings lines back (in a shell)")),
            ("/set wordwrap, nowordwrap", _("whether lines end between words (in a shell)")),
        ]
    )  # fmt: skip


def of_show() -> str:
    """What `/show` shows."""
    return _table(
        [
            ("/show info", _("family, size, capabilities, and what this chat sets")),
            ("/show license", _("the license of the model")),
            ("/show modelfile", _("what the model can be made of again")),
            ("/show parameters", _("the parameters of the model and of this chat")),
            ("/show system", _("the system prompt")),
            ("/show template", _("how the model is told what was said")),
        ]
    )  # fmt: skip


def of_keys() -> str:
    """The keys of the page and of the shell: a command does not know where it was typed."""
    page = [
        ("Enter", _("send")),
        ("Shift+Enter", _("a new line")),
        ("↑ ↓", _("what you wrote before")),
        ("Esc", _("stop the answer")),
    ]
    shell = [
        ("Ctrl+A, Ctrl+E", _("to the beginning, to the end of the line")),
        ("Alt+B, Alt+F", _("a word back, a word on")),
        ("Ctrl+K, Ctrl+U", _("delete what is behind, before the cursor")),
        ("Ctrl+W", _("delete the word before the cursor")),
        ("Ctrl+L", _("clear the screen")),
        ("Ctrl+C", _("stop the answer")),
        ("Ctrl+D", _("leave the chat")),
    ]
    return "\n".join([_("On the page:"), _table(page), "", _("In a shell:"), _table(shell)])


def _table(rows: Rows) -> str:
    width = max(len(name) for name, _text in rows) + 2
    return "\n".join(f"{name:<{width}}{text}" for name, text in rows)
