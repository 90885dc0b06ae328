"""From an HTTP status that is not 200 to our errors."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from models_app.ollama.complaints import complaint, own_words
from models_app.ollama.errors import (
    Busy,
    NotOllama,
    OllamaError,
    ServerError,
    TimedOut,
    Unauthorized,
    Unreachable,
)
from models_app.ollama.untrusted import parse_object
from ollamactl.lib.sentences import Sentence

_SENTENCES: dict[int, tuple[type[OllamaError], Promise]] = {
    401: (
        Unauthorized,
        _("“{server}” wants other credentials. Enter the right ones in the server's settings."),
    ),
    403: (
        Unauthorized,
        _(
            "“{server}” refuses the request. An Ollama that listens on its own machine only does "
            "so for any other host name: use 127.0.0.1 in the address, set OLLAMA_HOST=0.0.0.0 on "
            "the server, or check the credentials."
        ),
    ),
    408: (TimedOut, _("“{server}” gave up waiting. Try again later.")),
    429: (Busy, _("“{server}” has too many requests. Try again in a moment.")),
    500: (
        ServerError,
        _(
            "Ollama failed on the server “{server}” and does not say why. Its log there has the "
            "details; if it goes on, restart Ollama, or pull the model again."
        ),
    ),
    502: (
        Unreachable,
        _("A proxy answers for “{server}”, but it cannot reach Ollama. Check that Ollama runs."),
    ),
    503: (Busy, _("“{server}” is busy or just starting. Try again in a moment.")),
    504: (TimedOut, _("A proxy answers for “{server}”, but Ollama is too slow for it.")),
}
_SENTENCES[407] = _SENTENCES[401]


def error_of_status(status: int, body: bytes, *, server: str, pulling: bool) -> OllamaError:
    """The error for `status`; of `body` only Ollama's own words are used."""
    answer = parse_object(body)
    words = own_words(answer)
    if answer is not None and "signin_url" in answer:
        return Unauthorized(
            _("This model runs in Ollama's cloud. Run `ollama signin` on the server first."),
            extra={"ollama": words},
        )
    # A proxy's login page may have words too: on these the status says more.
    if words and status not in (401, 407, 429, 503):
        return complaint(words, status=status, pulling=pulling)
    if 300 <= status < 400:
        return NotOllama(
            Sentence(
                _(
                    "“{server}” redirects to another address. Enter the address where Ollama "
                    "itself answers, perhaps with https."
                ),
                server=server,
            )
        )
    if status not in _SENTENCES:
        if status < 500:
            return NotOllama(
                Sentence(
                    _(
                        "What answers at “{server}” is not Ollama, or not a version that this "
                        "panel knows. Check the address, its port and path."
                    ),
                    server=server,
                )
            )
        status = 500
    kind, sentence = _SENTENCES[status]
    return kind(Sentence(sentence, server=server), extra={"ollama": words} if words else None)
