"""The worker on a server's host: it looks at that machine and tells the panel; it does no tasks."""

from __future__ import annotations

import logging
import secrets
import shutil
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from django.conf import settings
from django.db import Error, IntegrityError
from django.utils.translation import gettext_lazy as _

from models_app.events import announce_host
from models_app.host_models import FolderProblem
from models_app.host_reports import Seen, forget_report, write_report
from models_app.models import HostReport, OllamaServer
from models_app.probes import Candidate, candidates
from models_app.resources.machine import Gpus, Memory, gpus, main_memory, unseen_gpus
from models_app.resources.timed import Look
from ollamactl.lib.connections import close_connections
from ollamactl.lib.errors import NotFound
from ollamactl.lib.sentences import Sentence

logger = logging.getLogger(__name__)
T = TypeVar("T")
SECONDS = 1.5  # for each look; one that takes longer goes on, and no other is begun beside it


@dataclass(frozen=True)
class Disk:
    """The folder of the models with the bytes of its disk, else why they are not known."""

    folder: str = ""
    problem: FolderProblem = FolderProblem.NONE
    total: int | None = None
    free: int | None = None


class Watched(Generic[T]):
    """A look that is repeated; while one hangs no other is begun."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._look: Look[T] | None = None

    def see(self, probe: Callable[[], T]) -> tuple[T | None, bool]:
        """What was found, and whether that took too long."""
        if self._look is None:
            self._look = Look(self._name, probe, seconds=SECONDS)
        found, slow = self._look.result()
        if not slow:
            self._look = None
        return found, slow


class HostEyes:
    """Looks at this machine for one server, again and again."""

    def __init__(self, server_id: int) -> None:
        self._server_id = server_id
        self.worker = secrets.token_hex(4)
        self._is_first, self._has_rival = True, False
        self._disk: Watched[Disk] = Watched("disk")
        self._memory: Watched[Memory] = Watched("memory")
        self._gpus: Watched[Gpus] = Watched("GPUs")

    def look(self) -> Seen:
        """Everything, within a few seconds. Asks the database for the server's models."""
        candidate = candidates([self._server_id])[self._server_id]
        disk, slow = self._disk.see(partial(measure_disk, candidate))
        if disk is None:
            disk = Disk(problem=FolderProblem.SLOW if slow else FolderProblem.UNREADABLE)
        memory, _slow = self._memory.see(main_memory)
        cards, slow = self._gpus.see(gpus)
        cards = cards or unseen_gpus(slow=slow)
        return Seen(
            host=socket.gethostname()[:255],
            folder=disk.folder,
            problem=disk.problem,
            disk_total=disk.total,
            disk_free=disk.free,
            memory=memory,
            gpus=cards.cards,
            gpu_problem=cards.problem,
            worker=self.worker,
            is_first=self._is_first,
        )

    def told(self, report: HostReport) -> None:
        """The panel has this report; another worker beside this one is said once in the log."""
        if report.has_rival and not self._has_rival:
            logger.warning("Another worker reports for this server too: %s", report.rival)
        self._is_first, self._has_rival = False, report.has_rival


def measure_disk(candidate: Candidate) -> Disk:
    """The disk under the server's models on this machine."""
    folder, problem = candidate.find()
    if folder is None:
        return Disk(problem=problem)
    usage = shutil.disk_usage(folder)
    return Disk(str(folder), problem, usage.total, usage.free)


def server_named(text: str) -> int:
    """The id of the server with this name, else with this id; raises `NotFound`.

    Its credentials are not read: this host may be without the panel's keys.
    """
    servers = OllamaServer.objects.order_by("pk").values_list("pk", flat=True)
    found = servers.filter(name=text).first()
    if found is None and text.isascii() and text.isdigit() and len(text) < 19:
        found = servers.filter(pk=int(text)).first()
    if found is None:
        sentence = _("The panel has no server with the name or the id “{server}”.")
        raise NotFound(Sentence(sentence, server=text[:100]))
    return found


def report_once(eyes: HostEyes, server_id: int) -> bool:
    """Look, write, announce; False where the server is gone."""
    try:
        report = write_report(server_id, eyes.look())
    except IntegrityError:  # it went in this moment
        return False
    if report is not None:
        eyes.told(report)
        announce_host(report)
    return report is not None


def report_until(stop: threading.Event, server_id: int) -> None:
    """Report again and again. Raises `NotFound` when the server is gone.

    A database that is away is waited for. At the end nothing is left that could be believed.
    """
    eyes, away = HostEyes(server_id), False
    while not stop.is_set():
        try:
            if not report_once(eyes, server_id):
                raise NotFound(Sentence(_("The panel has forgotten this server.")))
            if away:
                logger.info("The database answers again")
            away = False
        except Error as error:
            if not away:
                logger.warning("The database does not take the report: %s", error)
            away = True
        finally:
            close_connections()
        stop.wait(settings.HOST_REPORT_SECONDS)
    try:
        forget_report(server_id, eyes.worker)
    except Error as error:
        logger.warning("The report stays, and is not believed for long: %s", error)
