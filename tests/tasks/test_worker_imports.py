"""A worker loads what it works with: pages, views and their packages cost 30 MB in each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import PROJECT, child_environment
from ollamactl.supervisor.stack import worker_spec
from tests.components.panel import clean_environment

LOAD = """
import json, sys
from ollamactl.celery import app
app.loader.import_default_modules()  # as a worker does at its start
assert "tasks_app.reconcile" in app.tasks
print(json.dumps(sorted(sys.modules)))
"""
OF_PAGES = ("unfold.admin", "rest_framework.views", "drf_spectacular.views", "ollamactl.urls")
OF_OTHERS = ("twisted", "autobahn", "psycopg", "requests", "prometheus_client")


def test_a_worker_loads_nothing_of_the_pages(tmp_path: Path) -> None:
    environ = clean_environment(tmp_path)
    config = Config.from_environ(environ)
    spec = worker_spec(child_environment(config, environ))
    done = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=PROJECT,
        env=dict(spec.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert "models_app.runners" in loaded
    assert loaded & {*OF_PAGES, *OF_OTHERS} == set(), PROJECT
