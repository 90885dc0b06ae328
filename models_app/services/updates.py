"""Which models have a newer version in their registry: the digest of its manifest is another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min
from django.utils import timezone

from audit_app.actors import SYSTEM, Actor
from audit_app.services import record_action
from models_app.batches.asking import Key, Said, key_of
from models_app.choices import Source
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from models_app.querysets import OllamaModelQuerySet
from models_app.services.lifecycle import PULL
from models_app.services.states import save_model
from tasks_app import services as tasks
from tasks_app.choices import State
from tasks_app.models import Task

TYPE = "models.updates"


@dataclass(frozen=True)
class Updates:
    """How many installed models are `outdated`, `up_to_date`, or of an `unknown` version.

    `checked_at` is the end of the last look; `task` the one that is under way.
    """

    outdated: int
    up_to_date: int
    unknown: int
    checked_at: datetime | None
    task: Task | None


def known_updates() -> Updates:
    """What the last look has found."""
    counts = {
        row["outdated"]: row["n"]
        for row in _checkable().order_by().values("outdated").annotate(n=Count("pk"))
    }
    return Updates(
        outdated=counts.get(True, 0),
        up_to_date=counts.get(False, 0),
        unknown=counts.get(None, 0),
        checked_at=last_look(),
        task=Task.objects.filter(type=TYPE).order_by("-pk").live().first(),
    )


def last_look() -> datetime | None:
    """When the last look that succeeded has ended."""
    looks = Task.objects.filter(type=TYPE, state=State.SUCCEEDED).order_by("-pk")
    return looks.values_list("finished_at", flat=True).first()


def count_outdated() -> int:
    """How many of the installed models are `outdated`, by what the last look has found."""
    return _checkable().filter(outdated=True).count()


def check_updates(*, actor: Actor) -> Task:
    """Queue a look at all registries; one that is under way is returned instead of a second."""
    actor.require(PULL)
    with transaction.atomic():
        waiting = Task.objects.filter(type=TYPE).live().first()
        if waiting is not None:
            return waiting
        task = tasks.create_task(type=TYPE, actor=actor)
        if actor.user is not None:
            record_action(actor=actor, verb=TYPE, data={"task": task.pk})
        return task


def check_updates_when_due() -> None:
    """Begin a look where the last one is older than the settings ask for."""
    every: timedelta | None = settings.UPDATES_EVERY
    if every is None:
        return
    last = Task.objects.filter(type=TYPE).order_by("-pk").values_list("created_at", flat=True)
    since = last.first() or OllamaServer.objects.aggregate(first=Min("created_at"))["first"]
    now = timezone.now()
    if since is not None and not now - every < since <= now:
        check_updates(actor=SYSTEM)


def questions() -> dict[Key, tuple[OllamaServer, ModelName]]:
    """Each version that is somewhere, once for all servers with the same registry."""
    servers = OllamaServer.objects.in_bulk()
    asked: dict[Key, tuple[OllamaServer, ModelName]] = {}
    rows = _checkable().order_by("key").values_list("server_id", "name")
    for server_id, name in rows.iterator(2000):
        if server_id in servers:
            parsed = ModelName.parse(name)
            asked.setdefault(key_of(servers[server_id], parsed), (servers[server_id], parsed))
    return asked


def take_answers(said: Mapping[Key, Said]) -> int:
    """Write what registries have said into the rows of these names; returns how many changed.

    A registry that does not answer, or has the model no more, says nothing about a version.
    """
    digests = {key: each.manifest.digest for key, each in said.items() if each.manifest}
    keys = {key for _base, key in digests}
    named = _checkable().select_related("server").filter(key__in=keys).order_by("pk")
    differing = [row.pk for row in named.iterator(2000) if _news_of(row, digests) is not None]
    count = 0
    for pk in differing:
        with transaction.atomic():
            row = _checkable().locked().filter(pk=pk).first()
            news = _news_of(row, digests) if row else None
            if row is not None and news is not None:
                row.outdated = news
                save_model(row, "outdated")
                count += 1
    return count


def _news_of(row: OllamaModel, digests: Mapping[Key, str]) -> bool | None:
    """Whether it is outdated, where that is not what the row says."""
    newest = digests.get(key_of(row.server, ModelName.parse(row.name)))
    if newest is None or row.outdated == (row.digest != newest):
        return None
    return row.digest != newest


def _checkable() -> OllamaModelQuerySet:
    """What is installed and came from a registry."""
    return OllamaModel.objects.exclude(digest="").exclude(source=Source.LOCAL)


def in_parts(
    asked: Mapping[Key, tuple[OllamaServer, ModelName]], size: int
) -> Iterator[dict[Key, tuple[OllamaServer, ModelName]]]:
    """Some questions at a time."""
    items = list(asked.items())
    for start in range(0, len(items), size):
        yield dict(items[start : start + size])
