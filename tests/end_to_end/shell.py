"""A person in a shell: the `ollamactl` command, logged in at a panel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.components.panel import PanelProcess, clean_environment
from tests.helpers.terminal import Terminal


class Shell:
    """Runs `ollamactl` with a config folder of its own."""

    def __init__(self, panel: PanelProcess, config: Path) -> None:
        self.panel = panel
        self.environment = {
            **clean_environment(config / "no-home"),
            "XDG_CONFIG_HOME": str(config),
            "OLLAMACTL_LANGUAGE": "en",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "COLUMNS": "100",
        }
        del self.environment["OLLAMACTL_HOME"]

    def run(
        self, *words: str, stdin: str = "", timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """One command without a terminal, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "ollamactl", *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )

    def on_terminal(self, *words: str) -> Terminal:
        """One command on a terminal."""
        return Terminal(self.environment, *words)

    def log_in(self, user: str, password: str) -> None:
        """`ollamactl login`, the password on stdin."""
        done = self.run("login", self.panel.url, "--user", user, stdin=f"{password}\n")
        assert done.returncode == 0, done.stderr
