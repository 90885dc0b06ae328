"""A script of the project that is killed as soon as it says a first word."""

from __future__ import annotations

import os
import subprocess
import sys

from ollamactl.supervisor.environment import PROJECT
from tests.helpers.database import database_url


def kill_in_the_middle(script: str) -> None:
    """Run it on the test's database until it has printed `one`, then kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import django\ndjango.setup()\n{script}"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "ollamactl.settings.test",
            "OLLAMACTL_DATABASE_URL": database_url(),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "one\n"
    process.kill()
    process.communicate()
