"""The fixed vocabularies of servers and models."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ServerKind(TextChoices):
    """How the panel came to the server."""

    EXTERNAL = "external", _("external")
    CONTAINER = "container", _("container")


class ServerStatus(TextChoices):
    """What the last check said. A server is degraded while it answers slowly or only in part."""

    UNKNOWN = "unknown", _("not checked yet")
    ONLINE = "online", _("online")
    DEGRADED = "degraded", _("degraded")
    OFFLINE = "offline", _("offline")
    UNAUTHORIZED = "unauthorized", _("unauthorized")


class AuthKind(TextChoices):
    """How the panel proves itself to the server."""

    NONE = "none", _("none")
    BEARER = "bearer", _("bearer token")
    BASIC = "basic", _("user name and password")
    HEADER = "header", _("own header")


class ModelStatus(TextChoices):
    """Where a model stands. `UNAVAILABLE` is derived from the server and never written."""

    WAITING = "waiting", _("waiting")
    DOWNLOADING = "downloading", _("downloading")
    PAUSED = "paused", _("paused")
    CREATING = "creating", _("creating")
    STOPPED = "stopped", _("stopped")
    STARTING = "starting", _("starting")
    RUNNING = "running", _("running")
    STOPPING = "stopping", _("stopping")
    DELETING = "deleting", _("deleting")
    ERROR = "error", _("error")
    UNAVAILABLE = "unavailable", _("unavailable")


# Passing states: a live task stands behind each of them.
PASSING = (
    ModelStatus.WAITING,
    ModelStatus.DOWNLOADING,
    ModelStatus.PAUSED,
    ModelStatus.CREATING,
    ModelStatus.STARTING,
    ModelStatus.STOPPING,
    ModelStatus.DELETING,
)


class Source(TextChoices):
    """Where a model comes from, by its name."""

    LIBRARY = "library", _("Ollama library")
    HUGGINGFACE = "huggingface", _("Hugging Face")
    REGISTRY = "registry", _("other registry")
    LOCAL = "local", _("made here")


class RetryOn(TextChoices):
    """Kinds of failures of a download that may pass by themselves."""

    NETWORK = "network", _("the server cannot be reached, or the connection broke")
    SERVER = "server", _("the server is busy or failed on its own side")
    REGISTRY = "registry", _("the registry does not answer")
    STALLED = "stalled", _("no byte came for a while")


# The codes of errors that each kind stands for.
RETRIED_CODES: dict[str, tuple[str, ...]] = {
    RetryOn.NETWORK: ("unreachable", "timeout", "stream_cut"),
    RetryOn.SERVER: ("busy", "server_error", "not_listed"),
    RetryOn.REGISTRY: ("registry_unreachable",),
    RetryOn.STALLED: ("stalled",),
}


class OnConflict(TextChoices):
    """Who is right where a sync finds that the panel and a server differ."""

    SERVER = "server", _("the server is right")
    PANEL = "panel", _("the panel is right: pull its version again")
    REPORT = "report", _("ask: list it, and leave both as they are")
