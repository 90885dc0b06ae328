"""The queue of downloads as a whole: what waits for what, held and let go on, what was resumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Case, Count, IntegerField, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from audit_app.actors import Actor
from audit_app.services import record_action
from models_app.events import announce_downloads
from models_app.models import OllamaServer, PanelSettings
from models_app.pulls import PULL_QUEUE, PULL_TYPE, PULLS_KEY, pulls_key
from models_app.services.panel_settings import locked_settings
from ollamactl.lib.errors import ApplicationError
from ollamactl.lib.sentences import Sentence
from tasks_app import services as tasks
from tasks_app.choices import LIVE, State
from tasks_app.models import Task
from tasks_app.ordering import before
from tasks_app.querysets import IN_ORDER
from tasks_app.wakeups import wake_on_commit
from tasks_app.words import ask_to_pause

# Paused downloads that one "resume all" puts back; each is a transaction of its own.
RESUMED_AT_ONCE = 500
# How long a restart is worth a notice, and how many names it shows.
RECENT = timedelta(hours=1)
NAMED = 20


@dataclass(frozen=True)
class Waiting:
    """Why a download does not run: a code for programs, a sentence for people."""

    code: str
    detail: Sentence | str


@dataclass(frozen=True)
class Download:
    """A download that has not ended; `position` in the queue counts from 1, None outside it."""

    task: Task
    server: OllamaServer | None
    position: int | None
    waits: Waiting | None


@dataclass(frozen=True)
class Counts:
    """How many downloads run, wait and are paused."""

    running: int
    waiting: int
    paused: int


def all_downloads() -> QuerySet[Task]:
    """Every download that has not ended: those that run, then those that wait in their order, then
    the paused ones."""
    place = Case(
        When(state=State.RUNNING, then=Value(0)),
        When(state=State.QUEUED, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    live = Task.objects.filter(type=PULL_TYPE, state__in=LIVE)
    return live.annotate(place=place).order_by("place", *IN_ORDER)


def counts() -> Counts:
    """How many there are, in one query."""
    live = Task.objects.filter(type=PULL_TYPE, state__in=LIVE).order_by()
    found = {row["state"]: row["n"] for row in live.values("state").annotate(n=Count("pk"))}
    return Counts(*(found.get(state, 0) for state in (State.RUNNING, State.QUEUED, State.PAUSED)))


def look_at(shown: Sequence[Task], *, panel: PanelSettings | None = None) -> list[Download]:
    """What is known of these downloads, in four queries however many they are.

    Those that wait have to follow each other as in the queue.
    """
    panel = panel or PanelSettings.objects.current()
    servers = _servers_of(shown)
    queued = [task for task in shown if task.state == State.QUEUED]
    running = _running_by_key() if queued else {}
    position = _position_of(queued[0]) if queued else 0
    found = []
    for task in shown:
        server = servers.get(task.limit_key)
        waits = None
        if task.state == State.QUEUED:
            waits = _why(task, server, panel, running)
            found.append(Download(task, server, position, waits))
            position += 1
        else:
            found.append(Download(task, server, None, None))
    return found


def hold_downloads(*, actor: Actor) -> int:
    """Let nothing new begin, and pause what runs; returns how many were told to pause."""
    actor.require(tasks.CANCEL)
    with transaction.atomic():
        panel = locked_settings()
        panel.downloads_held = True
        panel.save(update_fields=["downloads_held"])
        record_action(actor=actor, verb="downloads.hold")
        announce_downloads(panel)
    running = Task.objects.filter(type=PULL_TYPE, state=State.RUNNING).order_by("pk")
    return sum(
        ask_to_pause(task_id) is not None for task_id in running.values_list("pk", flat=True)
    )


def let_downloads_go_on(*, actor: Actor) -> tuple[int, int]:
    """Resume all: new ones begin again, and paused ones return to their places in the queue.

    Returns how many those are, and how many are left paused: more than are done at once, or
    because their models have other work.
    """
    actor.require(tasks.RETRY)
    paused = Task.objects.filter(type=PULL_TYPE, state=State.PAUSED)
    ids = list(paused.order_by(*IN_ORDER).values_list("pk", flat=True)[:RESUMED_AT_ONCE])
    # Before anything may begin: those that were at work stand before those that wait.
    resumed = sum(_resume(task_id) for task_id in ids)
    with transaction.atomic():
        panel = locked_settings()
        panel.downloads_held = False
        panel.save(update_fields=["downloads_held"])
        record_action(actor=actor, verb="downloads.resume", data={"resumed": resumed})
        announce_downloads(panel)
        asked = Task.objects.filter(type=PULL_TYPE, state=State.RUNNING, pause_requested=True)
        asked.update(pause_requested=False)
        wake_on_commit(PULL_QUEUE)
    return resumed, paused.count()


def resumed_after_restart(since: datetime | None = None) -> list[Task]:
    """The downloads that went on after their worker had ended, in the last hour and after
    `since`."""
    earliest = timezone.now() - RECENT
    earliest = max(earliest, since) if since else earliest
    found = Task.objects.filter(type=PULL_TYPE, resumed_at__gt=earliest)
    return list(found.order_by("-resumed_at", "-pk")[: NAMED + 1])


def _resume(task_id: int) -> bool:
    try:
        with transaction.atomic():
            return tasks.queue_paused(task_id) is not None
    except ApplicationError:
        return False


def _servers_of(shown: Iterable[Task]) -> dict[str, OllamaServer]:
    numbers = {task.limit_key.removeprefix(PULLS_KEY) for task in shown}
    ids = [int(number) for number in numbers if number.isdigit()]
    servers = OllamaServer.objects.in_bulk(ids)
    return {pulls_key(pk): server for pk, server in servers.items()}


def _running_by_key() -> dict[str, int]:
    running = Task.objects.filter(type=PULL_TYPE, state=State.RUNNING).order_by()
    rows = running.values("limit_key").annotate(n=Count("pk"))
    return {row["limit_key"]: row["n"] for row in rows}


def _position_of(first: Task) -> int:
    queue = Task.objects.filter(type=PULL_TYPE, state=State.QUEUED)
    return queue.filter(before(first)).count() + 1


def _why(
    task: Task, server: OllamaServer | None, panel: PanelSettings, running: dict[str, int]
) -> Waiting:
    if panel.downloads_held:
        return Waiting("held", Sentence(_("All downloads are paused.")))
    if task.run_after is not None and task.run_after > timezone.now():
        return Waiting("backoff", Sentence(_("It failed and is tried again soon.")))
    limit = panel.downloads_on(server)
    if running.get(task.limit_key, 0) >= limit:
        text = _("“{name}” is at its limit of downloads at once: {limit}.")
        name = server.name if server else ""
        return Waiting("server_limit", Sentence(text, name=name, limit=limit))
    overall = panel.downloads_overall
    if overall is not None and sum(running.values()) >= overall:
        text = _("The panel is at its limit of downloads at once: {limit}.")
        return Waiting("overall_limit", Sentence(text, limit=overall))
    return Waiting("next", Sentence(_("It begins as soon as a worker is free.")))
