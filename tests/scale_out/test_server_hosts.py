"""A worker on the host of a server, as a process with a home of its own."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import psycopg

from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.scale_out.conftest import DATABASE, Cluster

TWO_MINUTES = "UPDATE models_app_hostreport SET seen_at = seen_at - interval '2 minutes'"


def test_a_host_is_seen_until_its_worker_is_killed(cluster: Cluster, tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "blobs").mkdir(parents=True)
    web = cluster.start_web()
    cluster.start_worker()  # it finds the server and reads what it has
    with cluster.api(web) as api:

        def servers() -> list[Any]:
            found: list[Any] = api.get("servers/")["results"]
            return found

        wait_until(lambda: [one["status"] for one in servers()] == ["online"], "it is found", 60)
        (server,) = servers()
        assert server["host"] is None
        wanted = {"name": "wanted", "server": server["id"]}

        wrong = cluster.start_host_worker("no such", models)
        wait_until(lambda: wrong.process.poll() is not None, "the wrong one has ended", 60)
        assert wrong.process.returncode == 1
        assert "no server with the name or the id “no such”" in wrong.log.read_text()

        worker = cluster.start_host_worker(server["name"], models)
        host = _wait_for_host(api, server["id"])
        disk = shutil.disk_usage(models)
        assert host["disk"]["total"] == disk.total
        assert host["memory"]["free"] > 0
        assert (host["is_fresh"], host["problem"]) == (True, "")
        found = api.post("models/preflight/", wanted, status=200)
        assert found["host"]["by"] == "worker"
        assert found["disk"]["free"] is not None

        worker.end(signal.SIGKILL)
        with psycopg.connect(cluster.database.url(DATABASE), autocommit=True) as database:
            database.execute(TWO_MINUTES)  # the time passes
        silent = api.get(f"servers/{server['id']}/")["host"]
        assert (silent["is_fresh"], silent["disk"]) == (False, {"free": None, "total": None})
        found = api.post("models/preflight/", wanted, status=200)
        assert (found["host"]["by"], found["disk"]["state"]) == (None, "unknown")
        assert "host_silent" in {reason["code"] for reason in found["reasons"]}

        again = cluster.start_host_worker(str(server["id"]), models)
        _wait_for_host(api, server["id"])
        again.end()  # in order
        assert again.process.returncode == 0, again.log.read_text()
        assert api.get(f"servers/{server['id']}/")["host"] is None
    assert not (models.with_name("own-home") / "ollamactl.sqlite3").exists()


def _wait_for_host(api: Api, server: int) -> Any:
    def is_seen() -> bool:
        host = api.get(f"servers/{server}/")["host"]
        return host is not None and host["is_fresh"]

    wait_until(is_seen, "the host is seen", 60)
    return api.get(f"servers/{server}/")["host"]
