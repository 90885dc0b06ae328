"""A small disk that fills: a file system in memory, mounted where the files are to be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.components.inventory import MissingComponent

BLOCK = 64 * 1024


class SmallDisk:
    """The folder of a file system of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self, leave: int = 0) -> None:
        """Leave so many bytes free, to one block, or none."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (BLOCK, 4096, 1):
                try:
                    while not leave or self._free() >= leave + size:
                        file.write(b"\0" * size)
                except OSError:
                    continue

    def free(self) -> None:
        """Give all of that back."""
        self._filler.unlink(missing_ok=True)

    def _free(self) -> int:
        return shutil.disk_usage(self.folder).free


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Mounted for the block. Raises `MissingComponent` where that is not permitted."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise MissingComponent("only root on Linux may mount a small disk.")
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=0700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "chaos", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        raise MissingComponent(f"a small disk cannot be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
