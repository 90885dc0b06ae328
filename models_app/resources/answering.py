"""Whether a server answers, and what to do where it does not."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from models_app.choices import ServerStatus
from models_app.models import OllamaServer
from models_app.ollama.errors import OllamaError
from models_app.querysets import GONE
from models_app.resources.verdict import BLOCK, WARN, Findings
from ollamactl.lib.sentences import Sentence


def judge_server(
    found: Findings, server: OllamaServer, *, answered: bool, error: OllamaError | None
) -> None:
    """What the server says now is worth more than what its last check said."""
    if answered:
        return
    if error is not None:
        level = WARN if error.code in ("busy", "server_error", "timeout") else BLOCK
        found.add(level, f"server_{error.code}", error.detail)
    elif server.status == ServerStatus.UNAUTHORIZED:
        sentence = _("“{name}” does not accept the panel's credentials. Correct them first.")
        found.add(BLOCK, "server_unauthorized", Sentence(sentence, name=server.name))
    elif server.status in GONE:
        sentence = _("“{name}” does not answer. Start it or correct its address first.")
        found.add(BLOCK, "server_offline", Sentence(sentence, name=server.name))
    else:
        sentence = _("“{name}” does not answer just now; the download begins when it does.")
        found.add(WARN, "server_silent", Sentence(sentence, name=server.name))
