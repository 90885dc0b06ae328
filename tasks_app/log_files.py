"""Removing the log files of many tasks: one look at a folder of a thousand, not one for each."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from tasks_app.logs import PER_FOLDER
from tasks_app.models import Task


def remove_log_files(task_ids: Collection[int]) -> None:
    """Remove every file of these tasks' logs; harmless where there is none."""
    by_folder: dict[Path, set[int]] = defaultdict(set)
    for task_id in task_ids:
        by_folder[settings.TASK_LOGS / str(task_id // PER_FOLDER)].add(task_id)
    for folder, ids in by_folder.items():
        for task_id, path in _files(folder):
            if task_id in ids:
                path.unlink(missing_ok=True)


def remove_orphans() -> int:
    """Remove the files below this home whose task is gone: removed by a worker of another host, or
    by a process that was killed on the way. Returns how many tasks had left some.
    """
    count = 0
    for folder in list(_folders()):
        first = int(folder.name) * PER_FOLDER
        present = {task_id for task_id, _path in _files(folder)}
        # Looked up after the files: a row is there before its first file.
        rows = Task.objects.filter(pk__gte=first, pk__lt=first + PER_FOLDER)
        known = set(rows.values_list("pk", flat=True))
        remove_log_files(present - known)
        count += len(present - known)
        if not known and _newest() >= first + PER_FOLDER:
            with suppress(OSError):  # something else lies in it
                folder.rmdir()
    return count


def _newest() -> int:
    """Ids are never given twice, so below this one no new file comes into being."""
    return Task.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def _folders() -> Iterator[Path]:
    with suppress(FileNotFoundError), os.scandir(settings.TASK_LOGS) as entries:
        yield from (Path(entry.path) for entry in entries if entry.name.isdecimal())


def _files(folder: Path) -> list[tuple[int, Path]]:
    """The files of logs in a folder, each with the id of its task."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.name.endswith(".log")]
        ids = ((name.partition(".")[0], name) for name in names)
        return [(int(head), folder / name) for head, name in ids if head.isdecimal()]
    return []
