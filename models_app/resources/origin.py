"""Where the figures of a server's host come from, in words."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from models_app.host_models import FolderProblem
from models_app.models import HostReport
from models_app.resources.host import Host
from models_app.resources.verdict import WARN, Findings
from ollamactl.lib.formats import format_duration
from ollamactl.lib.sentences import Sentence

WORKER, PANEL = "worker", "panel"
FRESH = _("By the worker on its host ({host}), {time} ago.")
OWN = _("As the panel sees it: the models lie on its own machine.")
SILENT = _(
    "The worker on its host ({host}) has said nothing for {time}: what it saw is not believed any "
    "more. Is it still running there?"
)
RIVAL = _(
    "Two workers report for this server and overwrite each other: {first} and {second}. End the "
    "one that is not on its host."
)
PROBLEMS = {
    FolderProblem.NO_FOLDER: _(
        "The worker on its host ({host}) finds no folder of models. Start it with OLLAMA_MODELS "
        "set to the folder that Ollama uses."
    ),
    FolderProblem.UNREADABLE: _(
        "The worker on its host ({host}) may not read the folder of the models. Start it as a user "
        "who may."
    ),
    FolderProblem.OTHER_MODELS: _(
        "The folder that the worker on its host ({host}) has found holds none of this server's "
        "models. Start it with OLLAMA_MODELS set to the right one, or on the right host."
    ),
    FolderProblem.SLOW: _(
        "The disk on its host ({host}) did not answer the worker there in time; it is not known."
    ),
}


def origin_of(host: Host) -> dict[str, Any]:
    """Who has seen the figures, and how old they are; `by` is None where nobody has."""
    report = host.report
    if report is not None and report.is_fresh:
        return {
            "by": WORKER,
            "name": report.host,
            "age_seconds": round(report.age, 1),
            "detail": fresh_sentence(report),
        }
    if host.disk_free is not None or host.memory is not None:
        return {"by": PANEL, "name": None, "age_seconds": 0.0, "detail": Sentence(OWN)}
    return {
        "by": None,
        "name": report.host if report else None,
        "age_seconds": round(report.age, 1) if report else None,
        "detail": silent_sentence(report) if report else Sentence(""),
    }


def fresh_sentence(report: HostReport) -> Sentence:
    """By whom it was seen, and how long ago."""
    return Sentence(FRESH, host=report.host, time=format_duration(report.age))


def silent_sentence(report: HostReport) -> Sentence:
    """Why a report is not believed any more."""
    return Sentence(SILENT, host=report.host, time=format_duration(report.age))


def problem_sentence(report: HostReport) -> Sentence | None:
    """Why the worker cannot tell the disk; None where it can."""
    text = PROBLEMS.get(FolderProblem(report.problem))
    return Sentence(text, host=report.host) if text else None


def rival_sentence(report: HostReport) -> Sentence | None:
    """That two workers report by turns; None where it is one."""
    if not report.has_rival:
        return None
    return Sentence(RIVAL, first=report.reporter, second=report.rival)


def host_facts(report: HostReport) -> dict[str, Any]:
    """A report as the API shows it: without figures where they are not believed any more."""
    fresh = report.is_fresh
    rival = rival_sentence(report)
    sentence = (rival or problem_sentence(report)) if fresh else silent_sentence(report)
    return {
        "name": report.host,
        "worker": report.worker,
        "rival": report.rival if rival else "",
        "seen_at": report.seen_at,
        "age_seconds": round(report.age, 1),
        "is_fresh": fresh,
        "disk": _bytes(fresh, report.disk_free, report.disk_total),
        "memory": _bytes(fresh, report.memory_free, report.memory_total),
        "gpus": report.cards_as_json if fresh else None,
        "gpu_problem": report.gpu_problem if fresh else "",
        "problem": report.problem if fresh else "",
        "detail": str(sentence or fresh_sentence(report)),
    }


def _bytes(fresh: bool, free: int | None, total: int | None) -> dict[str, int | None]:
    return {"free": free, "total": total} if fresh else {"free": None, "total": None}


def judge_report(found: Findings, host: Host) -> None:
    """Warn where a worker should tell, and does not: nobody need wonder why it is unknown."""
    report = host.report
    if report is None:
        return
    if report.is_fresh:
        problem = problem_sentence(report)
        if problem is not None:
            found.add(WARN, "host_disk_unknown", problem)
    elif host.disk_free is None:
        found.add(WARN, "host_silent", silent_sentence(report))
