"""Makes the fixture `first_release`: a home of the first release, with work under way.

It was run with the code of that release, in a checkout of the commit before which the migrations
were no longer to change, and is kept for the next release's fixture:

    git worktree add /tmp/release COMMIT && cd /tmp/release
    PYTHONPATH=. /path/to/.venv/bin/python /path/to/make_first_release.py TARGET_FOLDER

`database.sql` is SQLite's own dump. Server, users, passwords and keys are made up.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

SIMULATOR = "http://127.0.0.1:11999"
"""Where the dump says that the Ollama server is."""
SECRET = "bearer-of-the-first-release"
GONE = "gone-host:4711:dead0000dead0000"
MB = 1_000_000


def make(target: Path) -> None:
    """Write `database.sql`, `facts.json`, `keys/` and `task-logs/` into `target`."""
    home = Path(tempfile.mkdtemp(prefix="octl-"))
    os.environ |= {"OLLAMACTL_HOME": str(home), "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base"}
    import django

    django.setup()
    from django.core.management import call_command

    call_command("bootstrap")
    facts = _fill()
    target.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(home / "ollamactl.sqlite3")) as database:
        lines = "\n".join(database.iterdump())
    (target / "database.sql").write_text(lines.replace(facts.pop("url"), SIMULATOR) + "\n")
    (target / "facts.json").write_text(json.dumps(facts, indent=2) + "\n")
    for name in ("keys", "task-logs"):
        shutil.copytree(home / name, target / name, dirs_exist_ok=True)


def _fill() -> dict[str, Any]:
    from django.contrib.auth.models import Group, User

    from audit_app.actors import SYSTEM
    from audit_app.models import ApiToken
    from models_app.choices import ServerStatus
    from models_app.models import OllamaServer
    from models_app.services import lifecycle
    from models_app.services.servers import add_server
    from ollamactl.simulator.running import running_simulator
    from tasks_app.claim import claim_next
    from tasks_app.execution import work_off
    from tasks_app.models import Task
    from tasks_app.progress import Progress
    from tasks_app.services import create_task
    from tasks_app.transitions import save_progress

    olga = User.objects.create_user("olga", password="first release 1")
    olga.groups.add(Group.objects.get(name="operator"))
    _row, token = ApiToken.objects.create(user=olga, expiry=None, name="script")
    with running_simulator() as simulator:
        for name in ("done", "flown", "waiting", "resting", "loaded"):
            simulator.control.publish(name, 40 * MB)
        server = add_server(
            actor=SYSTEM,
            name="workstation",
            base_url=simulator.url,
            auth_kind="bearer",
            credentials={"token": SECRET},
        )
        OllamaServer.objects.update(status=ServerStatus.ONLINE, version="0.24.0-simulated")
        server.refresh_from_db()

        def pull(name: str) -> Task:
            return lifecycle.pull_model(actor=SYSTEM, server=server, name=name).task

        done = pull("done")
        work_off("pulls")
        lifecycle.start_model(actor=SYSTEM, model=_model("done"))
        work_off("default")
        simulator.control.publish("failed", 40 * MB)
        failed = pull("failed")
        simulator.control.withdraw("failed")
        work_off("pulls")
        running = pull("flown")
        claimed, _more = claim_next("pulls", owner=GONE)
        assert claimed is not None
        save_progress(claimed, Progress(10 * MB, 40 * MB, "bytes", None, "downloading"), 0)
        resting = pull("resting")
        lifecycle.pause_pull(actor=SYSTEM, model=_model("resting"))
        parent = create_task(type="servers.sync", actor=SYSTEM)
        claimed, _more = claim_next("default", owner=GONE)
        assert claimed is not None
        _make_children(claimed)
        queued = pull("waiting")
        tasks = {
            "succeeded": done.pk,
            "failed": failed.pk,
            "running": running.pk,
            "paused": resting.pk,
            "parent": parent.pk,
            "queued": queued.pk,
        }
        return {"url": simulator.url, "token": token, "secret": SECRET, "tasks": tasks}


def _model(name: str) -> Any:
    from models_app.models import OllamaModel

    return OllamaModel.objects.get(name=f"{name}:latest")


def _make_children(parent: Any) -> None:
    """The parent's own work, as its worker would do it: it waits for its children then."""
    from tasks_app import families
    from tasks_app.attempt import Attempt
    from tasks_app.runners import runner_of

    runner = runner_of(parent.type)
    assert runner is not None
    result = runner(Attempt(parent, lambda attempt: None)).work()
    families.wait_or_succeed(parent, result, floor=0)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
