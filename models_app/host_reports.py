"""Reads and writes of what workers say of servers' hosts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models.functions import Now

from models_app.models import HostReport, OllamaServer
from models_app.resources.machine import Gpu, Memory
from tasks_app.clock import raised_seq
from tasks_app.sequence import next_seq


@dataclass(frozen=True)
class Seen:
    """What a look at a host found; bytes, None: not known. `problem`: a `FolderProblem`,
    `gpu_problem`: a `GpuProblem`.

    `worker`: a random word of the process; `is_first`: it has not reported before.
    """

    host: str
    folder: str = ""
    problem: str = ""
    disk_total: int | None = None
    disk_free: int | None = None
    memory: Memory | None = None
    gpus: list[Gpu] | None = None
    gpu_problem: str = ""
    worker: str = ""
    is_first: bool = True


def report_of(server: OllamaServer | int) -> HostReport | None:
    """What the worker on the server's host said last, however old, with its age."""
    pk = server if isinstance(server, int) else server.pk
    return HostReport.objects.with_age().filter(pk=pk).first()


def report_with(server: OllamaServer) -> HostReport | None:
    """The same, without a query where the server was read `with_host`."""
    now = getattr(server, "database_now", None)
    if now is None:
        return report_of(server)
    report: HostReport | None = getattr(server, "host_report", None)
    if report is not None:
        report.now = now
    return report


def reports_of(servers: Iterable[OllamaServer]) -> dict[int, HostReport]:
    """The same of many, by the servers' ids."""
    pks = [server.pk for server in servers]
    return {report.pk: report for report in HostReport.objects.with_age().filter(pk__in=pks)}


def reported_disk_free(server_id: int) -> int | None:
    """Free bytes by a fresh report; None where there is none."""
    report = report_of(server_id)
    return report.disk_free if report is not None and report.is_fresh else None


def write_report(server_id: int, seen: Seen) -> HostReport | None:
    """Keep what was seen just now, and return it; None where the server is gone."""
    rows = HostReport.objects.filter(pk=server_id)
    fields: dict[str, Any] = {
        "host": seen.host,
        "folder": seen.folder,
        "problem": seen.problem,
        "disk_total": seen.disk_total,
        "disk_free": seen.disk_free,
        "memory_total": seen.memory.total if seen.memory else None,
        "memory_free": seen.memory.free if seen.memory else None,
        "gpus": None if seen.gpus is None else [dataclasses.asdict(gpu) for gpu in seen.gpus],
        "gpu_problem": seen.gpu_problem,
        "worker": seen.worker,
        **_rival(rows.with_age().first(), seen),
    }
    if not rows.update(**fields, seen_at=Now(), seq=raised_seq()):
        if not OllamaServer.objects.filter(pk=server_id).exists():
            return None
        HostReport.objects.create(server_id=server_id, **fields, seen_at=Now(), seq=next_seq(0))
    return report_of(server_id)


def _rival(last: HostReport | None, seen: Seen) -> dict[str, Any]:
    """What is written of another worker that has reported since this one did.

    The first report of a process tells nothing: the last one may be of the process before it.
    """
    if last is None or seen.is_first or not last.is_fresh or last.worker in ("", seen.worker):
        return {}
    return {"rival": last.reporter, "rival_seen_at": last.seen_at}


def forget_report(server_id: int, worker: str) -> None:
    """This worker says nothing of the host any more: its report goes, so that nobody believes it.

    Where another one reports for the same server the row stays for that one, which overwrites it
    within seconds; only the word of a rival is taken back, as there is none any more.
    """
    rows = HostReport.objects.filter(pk=server_id)
    report = rows.with_age().first()
    if report is None:
        return
    alone: dict[str, Any] = {"rival": "", "rival_seen_at": None, "seq": raised_seq()}
    if report.worker != worker:
        rows.filter(rival__endswith=f" ({worker})").update(**alone)
    elif report.has_rival:
        rows.filter(worker=worker).update(worker="", **alone)
    else:
        rows.filter(worker=worker).delete()
