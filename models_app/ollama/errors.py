"""What can go wrong with an Ollama server or a registry.

Each error has a sentence that says what to do, a `code` for programs, and `retryable`: whether
trying the same again later can help. `extra["ollama"]` holds Ollama's own words, if it had any.
"""

from __future__ import annotations

from typing import ClassVar

from ollamactl.lib.errors import ApplicationError


class OllamaError(ApplicationError):
    """A call to an Ollama server or a registry failed."""

    status = 502
    code = "ollama_error"
    retryable: ClassVar[bool] = False


class Unreachable(OllamaError):
    """No connection: off, another port, a firewall, an unknown name."""

    status = 503
    code = "unreachable"
    retryable = True


class CertificateRefused(OllamaError):
    """TLS cannot be trusted, or is not spoken there."""

    code = "certificate"


class TimedOut(OllamaError):
    """Connected, but no answer in time."""

    status = 504
    code = "timeout"
    retryable = True


class Unauthorized(OllamaError):
    """401 or 403."""

    code = "unauthorized"


class NotOllama(OllamaError):
    """Something answers, but not as Ollama does."""

    code = "not_ollama"


class Busy(OllamaError):
    """Ollama's queue is full, or a proxy has no room."""

    status = 503
    code = "busy"
    retryable = True


class ServerError(OllamaError):
    """Ollama failed on its own side; with a panic it says nothing at all."""

    code = "server_error"
    retryable = True


class RequestRefused(OllamaError):
    """Ollama understood and will not do it."""

    status = 400
    code = "refused"


class NotSupported(RequestRefused):
    """The model cannot do this, as an embedding model cannot generate."""

    code = "not_supported"


class InvalidRequest(OllamaError):
    """The request, or what is set for the server, cannot be right."""

    status = 400
    code = "invalid"


class ModelMissing(OllamaError):
    """There is no such model, on the server or in the registry."""

    status = 404
    code = "model_missing"


class DiskFull(OllamaError):
    """The server's disk has no room."""

    status = 507
    code = "disk_full"


class OutOfMemory(OllamaError):
    """The model does not fit into the server's memory."""

    status = 507
    code = "insufficient_memory"


class LoadFailed(OllamaError):
    """The model's runner did not come up."""

    code = "load_failed"


class OllamaTooOld(OllamaError):
    """The model needs a newer Ollama."""

    code = "ollama_too_old"


class StreamCut(OllamaError):
    """The connection ended before the work had: a pull without its last line `success`."""

    code = "stream_cut"
    retryable = True


class BadAnswer(OllamaError):
    """The answer is not of the shape that Ollama's has."""

    code = "bad_answer"


class TooLarge(OllamaError):
    """The answer, or one line of it, is larger than it may be."""

    code = "too_large"


class RegistryError(OllamaError):
    """The registry, asked by the panel or by Ollama, does not give what is wanted."""

    code = "registry_error"


class RegistryUnreachable(RegistryError):
    """No usable answer from the registry just now."""

    code = "registry_unreachable"
    retryable = True


class RegistryInsecure(RegistryError):
    """The registry speaks plain http, or its certificate is not trusted."""

    code = "registry_insecure"


class RegistryDenied(RegistryError):
    """The registry wants a login, or this account may not read the model."""

    code = "registry_denied"


class RegistryNotAllowed(RegistryError):
    """The registry is not among those in the settings, or leads to a refused address."""

    status = 400
    code = "registry_not_allowed"


class ManifestMissing(RegistryError, ModelMissing):
    """The registry has no such model or tag."""

    status = 404
    code = "model_missing"
