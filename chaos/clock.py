"""A clock that is set while the panel runs: a small library in front of every process of it.

Only the panel's own processes see it; Ollama, the registry and whoever measures keep the machine's
clock. (libfaketime also changes timed waits, and Python's then hang.)
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

from tests.components.inventory import MissingComponent
from tests.components.panel import PanelProcess

SOURCE = Path(__file__).with_name("clock.c")


class SettableClock:
    """The clock of one panel. Raises `MissingComponent` where the library cannot be built."""

    def __init__(self, folder: Path) -> None:
        self._library = build_library(folder)
        self._file = folder / "clock"
        self._file.write_bytes(struct.pack("d", 0))

    def set(self, shift: int) -> None:
        """Put the clock this many seconds before the machine's; behind it with a negative one."""
        with self._file.open("r+b") as file:  # in place: it is mapped
            file.write(struct.pack("d", shift))

    def prepare(self, panel: PanelProcess) -> None:
        """Let a panel that is not started yet have this clock."""
        panel.environment |= {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._file)}


def by_the_machines_clock(environment: dict[str, str]) -> dict[str, str]:
    """A panel's environment without such a clock."""
    return {key: value for key, value in environment.items() if key != "LD_PRELOAD"}


def find_compiler() -> Path:
    """Raises `MissingComponent` where there is none for such a library."""
    found = shutil.which("cc") or shutil.which("gcc")
    if found is None or not sys.platform.startswith("linux"):
        raise MissingComponent("a clock to set needs Linux and a C compiler.")
    return Path(found)


def build_library(folder: Path) -> Path:
    """Compile it into a folder."""
    library = folder / "clock.so"
    command = [str(find_compiler()), "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingComponent(f"the clock to set cannot be built: {done.stderr[-500:]}")
    return library
