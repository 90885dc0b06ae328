"""What the panel sees of the machine on which a server keeps and runs its models."""

from __future__ import annotations

from dataclasses import dataclass, replace

from models_app.host_reports import report_of
from models_app.models import HostReport, OllamaServer
from models_app.probes import Candidate, Disk, local_candidate
from models_app.resources.machine import (
    Gpu,
    Gpus,
    Memory,
    gpus,
    main_memory,
    unseen_gpus,
)
from models_app.resources.timed import Look

# Each look alone; they go on beside each other and beside the questions over the network.
SECONDS = 1.5
Looks = tuple[Look[Disk | None], Look[Memory], Look[Gpus]]


@dataclass(frozen=True)
class Host:
    """Bytes and GPUs; None: nobody can tell. `slow`: what did not answer in time. `disk`: which one
    it is, where that is known. `gpu_problem`: a `GpuProblem`, why there may be GPUs or not.

    `report`: what the worker on the server's host said last. While it is fresh all the rest is
    from it; an older one is not believed, and kept to say so.
    """

    disk_free: int | None = None
    memory: Memory | None = None
    gpus: list[Gpu] | None = None
    gpu_problem: str = ""
    slow: tuple[str, ...] = ()
    report: HostReport | None = None
    disk: Disk | None = None


def host_of_report(report: HostReport) -> Host:
    """The host as the worker on it has said, without what is too old to be believed."""
    if not report.is_fresh:
        return Host(report=report)
    return Host(
        disk_free=report.disk_free,
        memory=report.memory,
        gpus=report.cards,
        gpu_problem=report.gpu_problem,
        report=report,
    )


class HostLook:
    """Looks that have begun; `result` waits for them, each for its own time at most.

    A fresh report from the host itself counts before them all. Else memory and GPUs count only
    where the server's models lie on this machine: a port of it may be a tunnel or a container.
    """

    def __init__(self, server: OllamaServer) -> None:
        self._report = report_of(server)
        self._looks: Looks | None = None
        if self._report is not None and self._report.is_fresh:
            return
        candidate = local_candidate(server)
        self._looks = _begin(candidate) if candidate is not None else None

    def result(self) -> Host:
        """What was found in time."""
        if self._report is not None and self._report.is_fresh:
            return host_of_report(self._report)
        return replace(self._seen(), report=self._report)

    def _seen(self) -> Host:
        if self._looks is None:
            return Host()
        look, memory, cards = self._looks
        disk, slow_disk = look.result()
        if disk is None:  # without a proof that it is this machine
            return Host(slow=("disk",) if slow_disk else ())
        seen, slow_memory = memory.result()
        seen_gpus, slow_gpus = cards.result()
        found = seen_gpus or unseen_gpus(slow=slow_gpus)
        slow = [name for name, is_slow in (("memory", slow_memory), ("gpu", slow_gpus)) if is_slow]
        return Host(
            disk_free=disk.free,
            disk=disk,
            memory=seen,
            gpus=found.cards,
            gpu_problem=found.problem,
            slow=tuple(slow),
        )


class DiskLook:
    """The look at the disk alone; `report` is what the worker on the host said last."""

    def __init__(
        self, server: OllamaServer, candidate: Candidate | None, report: HostReport | None = None
    ) -> None:
        self._report = report
        self._look: Look[Disk | None] | None = None
        if report is not None and report.is_fresh:
            return
        if candidate is not None:
            self._look = Look("disk", candidate.disk, seconds=SECONDS)

    def result(self) -> Host:
        """What was found in time; without memory and GPUs unless the host's worker said them."""
        if self._report is not None and self._report.is_fresh:
            return host_of_report(self._report)
        if self._look is None:
            return Host(report=self._report)
        disk, slow = self._look.result()
        return Host(
            disk_free=disk.free if disk is not None else None,
            disk=disk,
            slow=("disk",) if slow else (),
            report=self._report,
        )


def _begin(candidate: Candidate) -> Looks:
    return (
        Look("disk", candidate.disk, seconds=SECONDS),
        Look("memory", main_memory, seconds=SECONDS),
        Look("GPUs", gpus, seconds=SECONDS),
    )
