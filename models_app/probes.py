"""What the panel can see of a server's host."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from models_app.choices import ServerKind
from models_app.host_models import FolderProblem
from models_app.host_reports import report_of, reported_disk_free
from models_app.listening import models_folder_behind
from models_app.models import OllamaModel, OllamaServer
from models_app.ollama.names import ModelName
from ollamactl.lib.connections import close_connections

Gauge = Callable[[], int | None]
LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Manifests compared before a folder is taken for another server's, and the longest that is read.
COMPARED = 20
LONGEST_MANIFEST = 1_000_000


def disk_gauge(server: OllamaServer) -> Gauge | None:
    """A look at the free bytes that can be repeated from any thread; None where nobody can tell.

    Where a worker reports of the server's host, its newest report counts as long as it is fresh.
    """
    folder = models_folder(server)
    own = partial(_free_in, folder) if folder is not None else None
    return own if report_of(server) is None else partial(_ask_report, server.pk, own)


@dataclass(frozen=True)
class Disk:
    """Free bytes, the number of the file system, the folder on it that holds the models, and all
    bytes of that file system."""

    free: int
    device: int
    folder: Path
    total: int | None = None


@dataclass(frozen=True)
class Candidate:
    """An Ollama whose address is this machine's, with some of its models (name, digest).

    `port`: where it listens here. Its methods look at processes and at the disk, which may take
    long, and at no database.
    """

    models: tuple[tuple[str, str], ...]
    port: int | None = None

    def folder(self) -> Path | None:
        """Where it keeps its models, if that is where it says, or one of the usual folders."""
        return self.find()[0]

    def find(self) -> tuple[Path | None, FolderProblem]:
        """The folder, else why there is none.

        A port of this machine may lead elsewhere (a tunnel, a container): so the folder has to hold
        one of the models, byte for byte, if there is any.
        """
        problem = FolderProblem.NO_FOLDER
        for folder in self._folders():
            try:
                if not (folder / "blobs").is_dir():
                    continue
                if self._is_kept_in(folder):
                    return folder, FolderProblem.NONE
            except OSError:
                problem = FolderProblem.UNREADABLE
            else:
                problem = FolderProblem.OTHER_MODELS
        return None, problem

    def disk(self) -> Disk | None:
        """The disk under that folder."""
        folder = self.folder()
        if folder is None:
            return None
        try:
            usage = shutil.disk_usage(folder)
            return Disk(usage.free, folder.stat().st_dev, folder.resolve(), usage.total)
        except OSError:
            return None

    def _folders(self) -> Iterator[Path]:
        told = models_folder_behind(self.port) if self.port is not None else None
        if told is not None:
            yield told
        yield from (Path(name).expanduser() for name in settings.OLLAMA_MODELS_FOLDERS)

    def _is_kept_in(self, folder: Path) -> bool:
        return not self.models or any(_has(folder, *model) for model in self.models)


def local_candidate(server: OllamaServer) -> Candidate | None:
    """The server, if its address is this machine's."""
    return local_candidates([server]).get(server.pk)


def local_candidates(servers: Iterable[OllamaServer]) -> dict[int, Candidate]:
    """Those whose address is this machine's, by the servers' ids, with their newest models."""
    ports = {server.pk: port_of(server) for server in servers if is_local(server)}
    found = candidates(list(ports)) if ports else {}
    return {pk: replace(one, port=ports[pk]) for pk, one in found.items()}


def candidates(server_ids: Sequence[int]) -> dict[int, Candidate]:
    """Servers with their newest models, by their ids, wherever they run."""
    place = Window(RowNumber(), partition_by="server", order_by=F("modified_at").desc())
    installed = OllamaModel.objects.filter(server__in=server_ids).exclude(digest="").order_by()
    newest = installed.annotate(place=place).filter(place__lte=COMPARED)
    found: dict[int, list[tuple[str, str]]] = {pk: [] for pk in server_ids}
    for pk, name, digest in newest.values_list("server_id", "name", "digest"):
        found[pk].append((name, digest))
    return {pk: Candidate(tuple(models)) for pk, models in found.items()}


def port_of(server: OllamaServer) -> int:
    """The port of its address."""
    parts = urlsplit(server.base_url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def is_local(server: OllamaServer) -> bool:
    """Whether its address is this machine's, where its models may be, too."""
    if server.kind != ServerKind.EXTERNAL or server.is_simulated:
        return False
    return urlsplit(server.base_url).hostname in LOOPBACK


def models_folder(server: OllamaServer) -> Path | None:
    """Where an Ollama on this machine keeps its models; None where that is not certain."""
    candidate = local_candidate(server)
    return candidate.folder() if candidate is not None else None


def _ask_report(server_id: int, own: Gauge | None) -> int | None:
    try:
        free = reported_disk_free(server_id)
    finally:
        close_connections()
    return own() if free is None and own is not None else free


def _free_in(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _has(folder: Path, name: str, digest: str) -> bool:
    parsed = ModelName.parse(name)  # its grammar leaves no way out of the folder
    path = folder / "manifests" / parsed.host / parsed.namespace / parsed.model / parsed.tag
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(LONGEST_MANIFEST)).hexdigest() == digest
    except PermissionError:
        raise
    except OSError:
        return False
