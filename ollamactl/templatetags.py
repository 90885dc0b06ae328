"""Sizes, durations, times and states, as pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import template
from django.http import QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from models_app.choices import ModelStatus, ServerStatus
from models_app.events import live_status
from models_app.models import OllamaModel
from models_app.search.marking import marked
from ollamactl.lib.sentences import from_stored, join_sentences
from ollamactl.lib.times import UNKNOWN, time_element
from ollamactl.lib.units import (
    format_duration,
    format_figure,
    format_rate,
    format_size,
    group_digits,
)
from tasks_app.choices import State, Unit
from tasks_app.labels import phase_label, phase_labels, title_of, type_label
from tasks_app.left_out import LeftOut
from tasks_app.models import Task
from tasks_app.places import places_of
from tasks_app.progress import progress_of
from tasks_app.results import Outcome, outcome_of

register = template.Library()

PAGES = {"model": "admin:model", "server": "admin:server", "task": "admin:task"}
# Colour by what a state means, never by its name alone: the word stands beside it.
TONES: dict[str, str] = {
    ModelStatus.RUNNING: "good",
    ModelStatus.DOWNLOADING: "busy",
    ModelStatus.CREATING: "busy",
    ModelStatus.STARTING: "busy",
    ModelStatus.STOPPING: "busy",
    ModelStatus.DELETING: "busy",
    ModelStatus.PAUSED: "warn",
    ModelStatus.UNAVAILABLE: "warn",
    ModelStatus.ERROR: "bad",
    ServerStatus.ONLINE: "good",
    ServerStatus.DEGRADED: "warn",
    ServerStatus.OFFLINE: "bad",
    ServerStatus.UNAUTHORIZED: "bad",
    State.SUCCEEDED: "good",
    State.FAILED: "bad",
}
TASK_TONES = {**TONES, State.RUNNING: "busy"}


@register.filter
def filesize(value: Any) -> str:
    """Bytes as Ollama shows them; a dash where the size is not known."""
    return format_size(int(value)) if isinstance(value, (int, float)) else "–"


@register.simple_tag(takes_context=True)
def highlighted(context: template.Context, name: str) -> SafeString:
    """A name with the parts that were `typed` marked; both are texts from outside."""
    typed = context.get("typed")
    if not typed:
        return escape(name)
    pieces = marked(name, typed)
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", text) if hit else text,) for text, hit in pieces)
    )


@register.simple_tag
def lookup(words: Mapping[str, object], key: str) -> str:
    """The word for a key; the key where there is none."""
    return str(words.get(key, key))


@register.filter
def rate(value: Any) -> str:
    """Bytes a second."""
    return format_rate(float(value)) if isinstance(value, (int, float)) else ""


@register.filter
def duration(value: Any) -> str:
    """Seconds as a time left or taken."""
    return format_duration(float(value)) if isinstance(value, (int, float)) else ""


@register.filter
def grouped(value: int) -> str:
    """A whole number with its digits in groups, as the pages of a list write theirs."""
    return group_digits(value)


@register.filter
def figure(value: Any) -> str:
    """A measured number in three digits."""
    return format_figure(value) if isinstance(value, (int, float)) else "–"


def sentence(value: Any) -> str:
    """A stored sentence in the reader's language."""
    return str(from_stored(str(value))) if value else ""


@register.filter
def moment(value: Any, empty: str = UNKNOWN) -> SafeString | str:
    """A time; the page's script turns it into the reader's own time zone."""
    return time_element(value, empty=empty)


@register.filter
def ago(value: Any, empty: str = UNKNOWN) -> SafeString | str:
    """A time as people say it: "2 minutes ago", "in 4 minutes"."""
    return time_element(value, relative=True, empty=empty)


@register.filter
def took(task: Task) -> str:
    """How long a task has been at work."""
    if task.started_at is None:
        return ""
    end = task.finished_at or timezone.now()
    return format_duration(max(0.0, (end - task.started_at).total_seconds()))


@register.filter
def tone(status: str) -> str:
    """The colour of a model's or a server's status."""
    return TONES.get(status, "calm")


@register.filter
def task_tone(state: str) -> str:
    """The colour of a task's state."""
    return TASK_TONES.get(state, "calm")


@register.filter
def status_of(model: OllamaModel) -> str:
    """The status that people see."""
    return live_status(model)


@register.filter
def status_label(model: OllamaModel) -> str:
    """The status that people see, in their language."""
    return str(ModelStatus(live_status(model)).label)


@register.filter
def task_type(value: str) -> str:
    """The name of a type of task."""
    return type_label(value)


@register.filter
def task_title(task: Task) -> str:
    """What a task is called."""
    return title_of(task)


@register.simple_tag
def task_places(tasks: Iterable[Task]) -> dict[int, str]:
    """On which servers the models of these tasks are, for `place_of`."""
    return places_of(list(tasks))


@register.filter
def place_of(places: Mapping[int, str] | str, task: Task) -> str:
    """Where the thing is that a task is about; empty where that is not known or not asked."""
    return places.get(task.pk, "") if isinstance(places, Mapping) else ""


@register.filter
def task_error(task: Task) -> str:
    """Why a task failed and what to do, in the reader's language."""
    return sentence((task.error or {}).get("detail", ""))


@register.filter
def task_outcome(task: Task) -> Outcome | None:
    """What became of a task, in the reader's language."""
    return outcome_of(task.type, task.result) if task.is_ended else None


@register.filter
def task_progress(task: Task) -> dict[str, Any]:
    """The numbers of a task's progress, written out as the page's script writes them."""
    progress = progress_of(task)
    done, total, phase = progress["done"], progress["total"], progress["phase"] or ""
    if task.state != State.RUNNING:
        phase = ""
    in_bytes = progress["unit"] == Unit.BYTES
    written = format_size if in_bytes else group_digits
    share = min(1.0, done / total) if total and done is not None else None
    left = progress["eta_seconds"]
    return {
        "value": done if share is not None else None,
        "max": total,
        "percent": "" if share is None else f"{int(share * 100)}%",
        "done": "" if done is None else written(done),
        "total": "" if total is None else written(total),
        "rate": rate(progress["rate"]) if in_bytes and progress["rate"] else "",
        "eta": "" if left is None else format_duration(left),
        "phase": phase_label(phase),
    }


@register.simple_tag
def sentence_gap() -> str:
    """What stands between two sentences: a space, in Chinese nothing."""
    return join_sentences("", "")


@register.simple_tag
def phase_texts() -> SafeString:
    """The names of all phases, for the page's script."""
    return format_html_join("", ' data-text-{}="{}"', phase_labels().items())


@register.filter
def resource_url(task: Task | LeftOut) -> str:
    """The page of what a task is about, or of what one has left out; empty where there is none."""
    name = PAGES.get(task.resource_type)
    if name is None or task.resource_id is None:
        return ""
    try:
        return reverse(name, args=[task.resource_id])
    except NoReverseMatch:
        return ""


@register.filter
def memory_share(loaded: dict[str, Any]) -> dict[str, Any]:
    """How a running model's memory is split between GPU and main memory, in bytes."""
    size, vram = int(loaded.get("size") or 0), int(loaded.get("size_vram") or 0)
    return {"size": size, "gpu": min(vram, size), "cpu": max(0, size - vram)}


@register.filter
def disk_used(disk: dict[str, Any]) -> int:
    """What a download and those before it take of the free bytes."""
    return int(disk["needed"] or 0) + int(disk["reserved"] or 0)


@register.simple_tag(takes_context=True)
def order_head(context: template.Context, name: str, label: str, current: str) -> SafeString:
    """A column's head, which orders by it, and by its reverse when it is clicked again."""
    query: QueryDict = context["request"].GET.copy()
    query.pop("page", None)
    descending = current == name
    query["ordering"] = f"-{name}" if descending else name
    state = {name: "ascending", f"-{name}": "descending"}.get(current, "none")
    arrow = {"ascending": "↑", "descending": "↓"}.get(state, "")
    return format_html(
        '<th scope="col" aria-sort="{}"><a href="?{}" hx-get="?{}" title="{}">{}'
        '<span aria-hidden="true"> {}</span></a></th>',
        state, query.urlencode(), query.urlencode(), _("Order by this column"), label, arrow,
    )  # fmt: skip


@register.simple_tag(takes_context=True)
def page_link(context: template.Context, number: int) -> str:
    """The address of another page of a list."""
    query: QueryDict = context["request"].GET.copy()
    query["page"] = str(number)
    return f"?{query.urlencode()}"
