"""Users of a panel that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.components.panel import PanelProcess

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"
MAKE = """
import json, sys
from django.contrib.auth.models import Group, User
for name, password in json.load(sys.stdin).items():
    user = User.objects.create_user(name, password=password)
    user.groups.set(Group.objects.filter(name=name.rpartition(' ')[2]))
"""
DROP = "from django.contrib.auth.models import User; User.objects.get(username={!r}).groups.clear()"


def make_users(panel: PanelProcess, *names: str) -> dict[str, str]:
    """Make users, each with the role that is the last word of its name, if there is such a role;
    returns their passwords."""
    passwords = {name: f"the-password-of-{name}" for name in names}
    _run(panel, MAKE, json.dumps(passwords))
    return passwords


def take_roles(panel: PanelProcess, name: str) -> None:
    """Take all roles from a user."""
    _run(panel, DROP.format(name))


def _run(panel: PanelProcess, code: str, text: str = "") -> None:
    subprocess.run(
        [sys.executable, str(MANAGE), "shell", "--no-imports", "-c", code],
        env=panel.environment,
        input=text,
        text=True,
        check=True,
        timeout=60,
    )
