"""Which processes make a panel, and their command lines."""

import socket
import sys
from pathlib import Path

from ollamactl.settings.env import Config
from ollamactl.supervisor.environment import PROJECT
from ollamactl.supervisor.process import ProcessSpec
from ollamactl.supervisor.valkey import find_valkey, set_damaged_data_aside, valkey_command

QUEUES = "control,pulls,default"
WORKER_THREADS = 288  # three quarters of them are 200 pulls and some more
# Set for a process that shows no pages: it loads nothing of them.
WITHOUT_PAGES = "OLLAMACTL_WITHOUT_PAGES"
# The kernel's memory policy matters to servers with gigabytes; this one holds a few messages.
VALKEY_CHATTER = ("Memory overcommit must be enabled", "Received SIGTERM", "ready to exit")
# Starts in a row that fail before Valkey's data is taken for damaged.
DAMAGED_AFTER = 2


def valkey_spec(config: Config, environment: dict[str, str]) -> ProcessSpec:
    """The embedded Valkey. Raises `StartError` where this system has none."""
    folder = config.home / "valkey"
    folder.mkdir(exist_ok=True, mode=0o700)

    def mend(failures: int) -> str | None:
        if failures != DAMAGED_AFTER:
            return None
        aside = set_damaged_data_aside(folder)
        return f"Valkey cannot load its data: it is set aside in {aside}; no task is lost"

    command = valkey_command(find_valkey(), config.valkey_socket, folder)
    return ProcessSpec(
        "valkey", command, environment, PROJECT, ignored=VALKEY_CHATTER, before_restart=mend
    )


def web_spec(
    config: Config, environment: dict[str, str], listener: socket.socket | None
) -> ProcessSpec:
    """Daphne, on the supervisor's own socket."""
    # Static files come from the packages themselves: there is no folder of collected ones.
    quiet = ("-W", "ignore:No directory at")
    python = (sys.executable, *quiet, "-m", "daphne", "--verbosity", "0", "--no-server-name")
    if listener is None:
        address: tuple[str, ...] = ("-b", config.bind_host, "-p", str(config.bind_port))
        inherited: tuple[int, ...] = ()
    else:
        address = ("--fd", str(listener.fileno()))
        inherited = (listener.fileno(),)
    command = (*python, *address, "ollamactl.asgi:application")
    return ProcessSpec("web", command, environment, PROJECT, inherited)


def worker_spec(environment: dict[str, str], number: int = 1) -> ProcessSpec:
    """A Celery worker; it ticks by itself, without Celery's beat. The first has no number."""
    name = "worker" if number == 1 else f"worker-{number}"
    # Root is warned of messages that are pickles; these are JSON.
    quiet = ("-W", "ignore:::celery.platforms")
    command = (
        *(sys.executable, *quiet, "-m", "celery", "-A", "ollamactl.celery", "-q", "worker"),
        *("--pool", "threads", "--concurrency", str(WORKER_THREADS)),
        *("--queues", QUEUES, "--without-gossip", "--without-mingle"),
        *("--loglevel", "INFO", "--hostname", f"{name}@%h"),
    )
    return ProcessSpec(name, command, {**environment, WITHOUT_PAGES: "1"}, PROJECT)


def host_worker_spec(environment: dict[str, str], server: str) -> ProcessSpec:
    """The worker that looks at the host of a server, which is given by its name or id."""
    command = (sys.executable, "-m", "django", "report_host", "--", server)
    return ProcessSpec("worker", command, {**environment, WITHOUT_PAGES: "1"}, PROJECT)


def simulator_spec(config: Config, environment: dict[str, str], port: int) -> ProcessSpec:
    """The simulated Ollama of the demo."""
    folder = config.home / "demo"
    folder.mkdir(exist_ok=True, mode=0o700)
    command = (
        *(sys.executable, "-m", "ollamactl.simulator"),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--models", "6", "--state", str(folder)),
    )
    return ProcessSpec("demo", command, environment, PROJECT)


def choose_simulator_port(run_dir: Path) -> int:
    """The port of last time where it is free, so that the demo's server keeps its address."""
    note = run_dir / "demo-port"
    for port in (_noted_port(note), 0):
        with socket.socket() as probe:
            # What is left of connections of last time takes no port away.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            chosen: int = probe.getsockname()[1]
        note.write_text(str(chosen))
        return chosen
    raise OSError("no port is free")


def _noted_port(note: Path) -> int:
    """The port in the note; 0 where there is none, as after a kill while it was written."""
    try:
        return int(note.read_text())
    except (OSError, ValueError):
        return 0
