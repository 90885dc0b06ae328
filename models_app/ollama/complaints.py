"""From what Ollama says went wrong to our errors."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from models_app.ollama.errors import (
    Busy,
    DiskFull,
    InvalidRequest,
    LoadFailed,
    ModelMissing,
    NotSupported,
    OllamaError,
    OllamaTooOld,
    OutOfMemory,
    RegistryDenied,
    RegistryInsecure,
    RegistryUnreachable,
    RequestRefused,
    ServerError,
)
from models_app.ollama.untrusted import JsonObject, clean_text, mapping
from ollamactl.lib.sentences import Sentence

_LONGEST_WORDS = 300

_Row = tuple[type[OllamaError], tuple[str, ...], Promise]

# The first row with a fragment that occurs in Ollama's words decides. Texts of v0.24.0's sources
# and of the systems below it.
_ALWAYS: tuple[_Row, ...] = (
    (
        DiskFull,
        ("no space left on device", "enough space on the disk", "disk quota exceeded"),
        _("The server's disk is full. Delete models there or add space, then try again."),
    ),
    (
        OllamaTooOld,
        ("newer version of ollama", "requires a newer version"),
        _("This model needs a newer Ollama. Update Ollama on the server, then try again."),
    ),
    (
        OutOfMemory,
        (
            "requires more system memory",
            "requires more memory",
            "out of memory",
            "insufficient mem",
        ),
        _(
            "The server has too little free memory for this model. Stop other models there, or "
            "choose a smaller one."
        ),
    ),
    (
        Busy,
        ("server busy", "maximum pending requests"),
        _("The server has too many requests waiting. Try again in a moment."),
    ),
    (
        NotSupported,
        ("does not support",),
        _("This model cannot do that. Ollama says: {words}"),
    ),
    (
        LoadFailed,
        ("llama runner", "model runner", "unable to load model", "failed to load model"),
        _("The model did not start. Ollama says: {words} Its log on the server has the details."),
    ),
)
_PULLING: tuple[_Row, ...] = (
    (
        RegistryInsecure,
        ("server gave http response to https client", "x509:", "tls:", "insecure protocol"),
        _(
            "The registry speaks plain http, or its certificate is not trusted. If that is meant, "
            "an administrator marks the registry as insecure in the settings."
        ),
    ),
    (
        RegistryDenied,
        ("unauthorized", "access denied", "manifest: 401", "manifest: 403", "forbidden"),
        _(
            "The registry does not give this model to the server. Check the name; a private model "
            "needs the server's key to be known there."
        ),
    ),
    (
        ModelMissing,
        ("file does not exist", "manifest unknown", "not found", "manifest: 404", "not_found"),
        _("The registry has no such model. Check the name and the tag."),
    ),
    (
        RegistryUnreachable,
        (
            *("no such host", "dial tcp", "i/o timeout", "connection refused", "connection reset"),
            *("network is unreachable", "max retries exceeded", "unexpected eof", ": eof"),
            *("client.timeout", "deadline exceeded", "manifest: 5", "manifest: 429"),
            "no location header",
        ),
        _(
            "The server cannot reach the registry. Check the server's network and proxy settings. "
            "Ollama says: {words}"
        ),
    ),
    (
        ServerError,
        ("digest mismatch",),
        _("The download was damaged on its way. Try again; what is whole is kept."),
    ),
)


def own_words(answer: JsonObject | None) -> str:
    """Ollama's `{"error": ...}` on one line of at most 300 characters; empty if there is none."""
    if answer is None:
        return ""
    error = answer.get("error")
    return clean_text(mapping(error).get("message") or error, longest=_LONGEST_WORDS)


def complaint(words: str, *, status: int, pulling: bool) -> OllamaError:
    """The error for Ollama's own `words`; `status` as HTTP had it (200 inside a stream)."""
    rows: Iterable[_Row] = (*_ALWAYS, *_PULLING) if pulling else _ALWAYS
    lowered = words.lower()
    extra = {"ollama": words}
    for kind, fragments, sentence in rows:
        if any(fragment in lowered for fragment in fragments):
            return kind(Sentence(sentence, words=_as_sentence(words)), extra=extra)
    if status == 404:
        return ModelMissing(_("The server does not have this model. Pull it first."), extra=extra)
    said = Sentence(_("Ollama says: {words}"), words=_as_sentence(words))
    if "invalid" in lowered or "required" in lowered:
        return InvalidRequest(said, extra=extra)
    return (RequestRefused if 400 <= status < 500 else ServerError)(said, extra=extra)


def _as_sentence(words: str) -> str:
    return words if words.endswith((".", "!", "?", "…")) else f"{words}."
