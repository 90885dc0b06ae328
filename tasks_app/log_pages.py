"""A task's log as pages show it: its end, which goes on live, or the lines that were found."""

from __future__ import annotations

from typing import Any

from tasks_app.log_search import LONGEST_SEARCH, Hits, marked, search_log
from tasks_app.logs import log_size, read_log
from tasks_app.models import Task

SHOWN = 64_000  # bytes of a log's end that come with the page


def log_context(task: Task, search: str = "") -> dict[str, Any]:
    """What `tasks_app/task_log.html` shows. Blank text to search for is none."""
    search = search.strip()[:LONGEST_SEARCH]
    hits = search_log(task, search) if search else None
    if hits is not None:
        return {"log_exists": True, "log_search": search, **_found(hits, search)}
    return {"log_search": "", **_end(task)}


def _found(hits: Hits, search: str) -> dict[str, Any]:
    return {"log_hits": hits, "log_lines": [marked(line, search) for line in hits.lines]}


def _end(task: Task) -> dict[str, Any]:
    """The end of the log, and the byte at which the live part goes on."""
    part = read_log(task, max(0, log_size(task) - SHOWN), SHOWN)
    if part is None:
        return {"log_text": "", "log_offset": 0, "log_is_cut": False, "log_exists": False}
    text = part.text
    if part.offset:  # begin with a whole line
        text = text.partition("\n")[2]
    return {
        "log_text": text,
        "log_offset": part.next_offset,
        "log_is_cut": part.offset > 0,
        "log_exists": True,
    }
