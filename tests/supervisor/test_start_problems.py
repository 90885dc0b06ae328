"""What keeps the panel from starting: one clear sentence each."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ollamactl.settings.env import Config
from ollamactl.supervisor.home import check_writable, prepare_home
from ollamactl.supervisor.listener import open_listener
from ollamactl.supervisor.lock import hold_home, read_holder
from ollamactl.supervisor.problems import StartError
from tests.components.panel import clean_environment

MakeConfig = Callable[..., Config]


def test_second_panel_on_a_home_is_told_who_has_it(home: Path) -> None:
    home.mkdir()
    with hold_home(home, "http://127.0.0.1:1"):
        assert read_holder(home) == {"pid": os.getpid(), "url": "http://127.0.0.1:1"}
        with pytest.raises(StartError) as problem, hold_home(home, "http://127.0.0.1:2"):
            pass
    assert str(problem.value) == (
        f"ollamactl already runs on {home} (process {os.getpid()}, http://127.0.0.1:1). "
        "Stop it first, or give this one another folder with --home."
    )
    assert read_holder(home) is None


def test_home_is_free_again_when_its_panel_was_killed(home: Path) -> None:
    home.mkdir()
    script = (
        "import os, signal; from pathlib import Path;"
        "from ollamactl.supervisor.lock import hold_home;"
        f"hold_home(Path({str(home)!r}), '').__enter__(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    with hold_home(home, "http://127.0.0.1:2"):
        holder = read_holder(home)
    assert holder is not None
    assert holder["url"] == "http://127.0.0.1:2"


def test_taken_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=rf"Port {port} of 127\.0\.0\.1 is taken .*--bind"):
            open_listener("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_address_of_another_machine_is_named(host: str) -> None:
    with pytest.raises(StartError, match=f"“{host}” is not an address of this machine"):
        open_listener(host, 8800)


def test_home_below_a_file_is_refused(home: Path, make_config: MakeConfig) -> None:
    home.write_text("")
    with pytest.raises(StartError, match="is not a folder. Choose another folder with --home"):
        prepare_home(make_config())


def test_read_only_home_is_refused(make_config: MakeConfig) -> None:
    # /proc takes no files from anybody, root included.
    with pytest.raises(StartError, match=r"/proc/home cannot be written: .+\. Choose another"):
        prepare_home(make_config(OLLAMACTL_HOME="/proc/home"))


def test_full_disk_is_refused(home: Path) -> None:
    home.mkdir()
    with pytest.raises(StartError, match=r"The disk of .+ is full: \d+ MB are free"):
        check_writable(home, minimum_free=10**18)


def test_write_that_fails_for_space_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StartError, match="The disk of .+ is full"):
        check_writable(home)


def test_home_is_private(home: Path, make_config: MakeConfig) -> None:
    config = make_config()
    prepare_home(config)
    assert [path.stat().st_mode & 0o777 for path in (home, config.run_dir)] == [0o700, 0o700]


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["--bind", "nonsense"], {}, "--bind: 'nonsense' is not an address such as"),
        ([], {"OLLAMACTL_PUBLIC_URL": "panel"}, "OLLAMACTL_PUBLIC_URL: 'panel' is not a URL"),
        ([], {"OLLAMACTL_LANGUAGE": "xx"}, "OLLAMACTL_LANGUAGE: 'xx' is none of"),
    ],
)
def test_bad_setting_ends_the_start_with_one_line(
    home: Path, arguments: list[str], settings: dict[str, str], sentence: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ollamactl", "up", *arguments],
        env=clean_environment(home, **settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"ollamactl: {sentence}")
    assert ended.stderr.count("\n") == 1
    assert not home.exists()
