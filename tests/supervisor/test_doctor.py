"""`ollamactl doctor`: what it finds, and what it says to do."""

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.doctor import Finding, examine
from ollamactl.supervisor.home import prepare_home
from tests.components.fixtures import NewOllama
from tests.components.panel import clean_environment
from tests.components.prepared import copy_prepared
from tests.components.waiting import free_port

MakeConfig = Callable[..., Config]


def finding(config: Config, name: str) -> Finding:
    return {found.name: found for found in examine(config)}[name]


def doctor(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ollamactl", "doctor", *arguments],
        # The usual port may be a panel's on this machine.
        env=clean_environment(home, **{"OLLAMACTL_BIND": f"127.0.0.1:{free_port()}", **settings}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_healthy_machine_exits_with_0_and_is_not_changed(home: Path) -> None:
    ended = doctor(home, "--json", OLLAMACTL_OLLAMA_URL="http://127.0.0.1:9")
    found = {item["name"]: item for item in json.loads(ended.stdout)}
    assert ended.returncode == 0, ended.stdout
    assert all(item["ok"] for item in found.values() if item["required"])
    assert "Start Ollama" in found["Ollama"]["advice"]
    assert not home.exists()


def test_taken_port_is_a_failure_with_advice(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = doctor(home, OLLAMACTL_BIND=f"127.0.0.1:{port}")
    assert ended.returncode == 1
    assert f"FAIL  address: 127.0.0.1:{port}" in ended.stdout
    assert "Choose another address with --bind" in ended.stdout


def test_damaged_database_is_a_failure(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    database = config.home / "ollamactl.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE t (c)")
    connection.close()
    assert finding(config, "database").ok
    database.write_bytes(b"not a database at all" * 100)
    damaged = finding(config, "database")
    assert not damaged.ok
    assert "backups" in damaged.advice


def test_read_only_home_is_a_failure(make_config: MakeConfig) -> None:
    found = finding(make_config(OLLAMACTL_HOME="/proc/home"), "home")
    assert not found.ok
    assert "cannot be written" in found.advice


def test_panel_open_to_others_over_plain_http_is_a_warning(make_config: MakeConfig) -> None:
    exposed = finding(make_config(OLLAMACTL_BIND="0.0.0.0:8800"), "exposure")
    assert (exposed.ok, exposed.required) == (False, False)
    behind_https = make_config(
        OLLAMACTL_BIND="0.0.0.0:8800", OLLAMACTL_PUBLIC_URL="https://panel.example.com"
    )
    assert finding(behind_https, "exposure").ok


def test_ollama_that_answers_is_found_with_its_version(
    new_ollama: NewOllama, make_config: MakeConfig
) -> None:
    server = new_ollama()
    found = finding(make_config(OLLAMACTL_OLLAMA_URL=server.url), "Ollama")
    assert (found.ok, found.found) == (True, f"{server.url}, version 0.24.0")


def in_django(home: Path, *arguments: str) -> None:
    """Run Python in the environment of a panel's processes."""
    environment = clean_environment(home, DJANGO_SETTINGS_MODULE="ollamactl.settings.base")
    subprocess.run([sys.executable, *arguments], env=environment, check=True, timeout=120)


def test_rows_that_contradict_each_other_are_a_failure(home: Path) -> None:
    copy_prepared(home)
    healthy = {item["name"]: item for item in json.loads(doctor(home, "--json").stdout)}
    assert healthy["rows"]["ok"], healthy["rows"]
    make = "import django; django.setup(); from tasks_app.models import Task; "
    in_django(home, "-c", f"{make}Task.objects.create(type='server.sync', state='running')")
    ended = doctor(home)
    assert ended.returncode == 1
    assert "FAIL  rows: contradictions: 1; task 1 (server.sync): " in ended.stdout
    assert "is running without an owner and a lease" in ended.stdout
    assert "Restart the panel" in ended.stdout


def test_a_worker_on_a_host_that_fell_silent_is_told_of(home: Path) -> None:
    copy_prepared(home)
    assert "hosts: " not in doctor(home).stdout
    make = (
        "import django; django.setup(); from models_app.models import OllamaServer as S; "
        "from models_app.host_reports import Seen, write_report; "
        "write_report(S.objects.create(name='lab', base_url='http://10.0.0.7:1').pk, Seen('lab-1'))"
    )
    in_django(home, "-c", make)
    assert "ok  hosts: workers on servers' hosts that report: 1" in doctor(home).stdout
    late = (
        "import django; django.setup(); from models_app.host_models import HostReport as R; "
        "R.objects.update(seen_at='2026-01-01T00:00Z')"
    )
    in_django(home, "-c", late)
    ended = doctor(home)
    assert ended.returncode == 0
    assert "warn  hosts: the worker on the host is silent: lab" in ended.stdout
    assert "ollamactl worker --host-of" in ended.stdout


def test_two_workers_for_one_server_are_told_of(home: Path) -> None:
    copy_prepared(home)
    make = (
        "import django; django.setup(); from models_app.models import OllamaServer as S; "
        "from models_app.host_reports import Seen, write_report; "
        "pk = S.objects.create(name='lab', base_url='http://10.0.0.7:1').pk; "
        "[write_report(pk, Seen('lab-1', worker=w, is_first=False)) for w in ('aa', 'bb')]"
    )
    in_django(home, "-c", make)
    found = [one for one in json.loads(doctor(home, "--json").stdout) if one["name"] == "hosts"]
    assert [one["ok"] for one in found] == [True, False]
    ended = doctor(home)
    assert ended.returncode == 0
    assert "warn  hosts: two workers report for: lab" in ended.stdout
    assert "end the worker that is not on its host" in ended.stdout


def test_rows_of_an_unreadable_database_are_said_to_be_unread(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    with closing(sqlite3.connect(config.home / "ollamactl.sqlite3")) as connection:
        connection.execute("CREATE TABLE t (c)")
    found = finding(config, "rows")
    assert (found.ok, found.required) == (False, False)
    assert "Start the panel" in found.advice


def test_a_search_without_its_index_is_told_of(make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    assert finding(config, "search").found == "not made yet"
    with closing(sqlite3.connect(config.home / "ollamactl.sqlite3")) as connection:
        connection.execute("CREATE TABLE models_app_ollamamodel (c)")
        lacking = finding(config, "search")
        assert not lacking.ok
        assert not lacking.required
        assert "FTS5" in lacking.advice
        connection.execute("CREATE TABLE models_app_known_name_trigrams (c)")
    assert finding(config, "search").ok
