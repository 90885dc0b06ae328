"""The machine of a server on its page: disk, memory, GPUs, who saw them and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from audit_app.guards import requires
from models_app.host_reports import report_of
from models_app.models import OllamaServer
from models_app.probes import is_local
from models_app.resources.host import Host, HostLook, host_of_report
from models_app.resources.machine import Gpu
from models_app.resources.origin import origin_of, problem_sentence, rival_sentence
from models_app.resources.room import gpu_words

VIEW = "models_app.view_ollamaserver"
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Row:
    """One line: free and total bytes, None where they are not known."""

    label: str
    free: int | None
    total: int | None = None
    note: str = ""

    @property
    def used(self) -> int | None:
        """Bytes in use; None where one of the two is not known."""
        return None if self.free is None or self.total is None else self.total - self.free


@require_safe
@requires(VIEW)
def server_host(request: HttpRequest, pk: int) -> HttpResponse:
    """The card alone; a server of the panel's own machine is looked at, for 1.5 s at most."""
    server = OllamaServer.objects.visible_to(request.user).filter(pk=pk).first()
    if server is None:
        return render(request, "models_app/server_gone.html")
    context = {
        "server": server,
        "host": _as_shown(HostLook(server).result()),
        "is_local": is_local(server),
    }
    return render(request, "models_app/server_host.html", context)


def reported_host(server: OllamaServer) -> dict[str, Any] | None:
    """The card's content where a worker on the host has just said it; None: it has to be looked at,
    which a page does not wait for."""
    report = report_of(server)
    return _as_shown(host_of_report(report)) if report is not None and report.is_fresh else None


def _card(gpu: Gpu) -> Row:
    """A GPU with all that it says of itself."""
    said = [gpu.name, gpu.problem]
    if gpu.utilization is not None:
        said.append(_("{percent}% busy").format(percent=gpu.utilization))
    if gpu.temperature is not None:
        said.append(f"{gpu.temperature}{NO_BREAK}°C")
    if gpu.power is not None:
        said.append(f"{gpu.power:.0f}{NO_BREAK}W")
    note = " · ".join(word for word in said if word)
    return Row(_("GPU memory"), gpu.free, gpu.total, note)


def _seen_here(host: Host) -> tuple[int | None, str]:
    """Bytes of the disk in all, and the folder of the models, as the panel itself sees them."""
    disk = host.disk
    if disk is None or disk.free != host.disk_free:  # another probe has told what is free
        return None, ""
    return disk.total, str(disk.folder)


def _as_shown(host: Host) -> dict[str, Any]:
    report, origin = host.report, origin_of(host)
    fresh = report if report is not None and report.is_fresh else None
    total, folder = (fresh.disk_total, fresh.folder) if fresh else _seen_here(host)
    rows = [Row(_("Disk"), host.disk_free, total, folder)]
    memory = host.memory
    rows.append(Row(_("Memory"), memory.free, memory.total) if memory else Row(_("Memory"), None))
    cards = [_card(gpu) for gpu in host.gpus or []]
    rows += cards or [Row(_("GPU memory"), None, note=gpu_words(host))]
    return {
        "rows": rows,
        "origin": origin,
        "problem": problem_sentence(fresh) if fresh else None,
        "rival": rival_sentence(fresh) if fresh else None,
        "is_silent": report is not None and not report.is_fresh,
        "report": report,
    }
