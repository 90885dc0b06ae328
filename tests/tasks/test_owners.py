"""Which holders of leases are surely dead."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from tasks_app.owners import Owner

OTHER_PROCESS = """
import sys, django
django.setup()
from django.conf import settings
from pathlib import Path
settings.HOME = Path(sys.argv[1])
from tasks_app.owners import Owner
me = Owner()
print(me.name, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    settings.HOME = tmp_path
    return tmp_path


def test_a_process_is_dead_once_it_is_killed(home: Path) -> None:
    me = Owner()
    command = [sys.executable, "-c", OTHER_PROCESS, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        other = process.stdout.readline().decode().strip()
        assert other.count(":") == 2
        assert not me.is_dead(other)
        process.kill()
        process.wait()
        assert me.is_dead(other)
    me.forget_dead({other})
    assert me.is_dead(other)
    me.forget_dead(set())
    assert not me.is_dead(other)
    assert [path.name for path in (home / "workers").iterdir()] == [me.nonce]


@pytest.mark.parametrize("name", ["elsewhere:1:abc", "", "nonsense", "host:1:../../etc/passwd"])
def test_nobody_is_declared_dead_without_a_mark(home: Path, name: str) -> None:
    assert not Owner().is_dead(name)


@pytest.mark.usefixtures("home")
def test_oneself_is_alive() -> None:
    me = Owner()
    assert not me.is_dead(me.name)
