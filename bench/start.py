"""How long `ollamactl up` takes, and what the panel costs a machine while nothing happens."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import httpx
import psutil

from bench.figures import Options, Table, Value, median, spread
from bench.stack import PROJECT, SimulatedOllama, new_panel, simulated_ollama
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api

LONGEST = 60.0
IDLE_SHARE = 0.05  # of a core over a second: the start is over
IDLE_SECONDS = 30
MODELS = "20"
BUSY_BYTES = 150_000_000  # all of them together fit on the disk, or they would be paused
BUSY_SPEED = 500_000  # bytes a second of each: none ends while it is measured
BUSY_SECONDS = 5


@dataclass(frozen=True)
class Start:
    """Seconds from the command until the login page was there, and until `/readyz` was 200."""

    page: float
    ready: float


def measure(options: Options) -> list[Table]:
    """Starts, in turns with the import of the application alone; then the idle panel."""
    with (
        simulated_ollama("--models", MODELS, "--speed", "200MB/s") as ollama,
        new_panel(ollama.url) as panel,
    ):
        first = timed_start(panel)
        panel.stop()
        starts, imports = [], []
        for _round in range(options.pick(5, 1)):
            imports.append(import_seconds(panel))
            starts.append(timed_start(panel))
            panel.stop()
        panel.start()
        idle = idle_tables(panel, options)
        busy = busy_table(panel, ollama, options.pick(200, 10))
        return [start_table(first, starts, imports), *idle, busy]


def busy_table(panel: PanelProcess, ollama: SimulatedOllama, pulls: int) -> Table:
    """Memory while so many pulls run, each of them slowly."""
    names = [f"busy-{number}:latest" for number in range(pulls)]
    publish = [{"name": name, "size": BUSY_BYTES} for name in names]
    ollama.order(publish=publish, speed=BUSY_SPEED)
    with Api.log_in(panel) as api:
        (server,) = api.all("servers/")
        answer = api.call(
            "PATCH", f"servers/{server['id']}/", json={"limits": {"max_downloads": pulls}}
        )
        answer.raise_for_status()
        for name in names:
            api.post("models/", {"name": name, "server": server["id"]})

        def all_run() -> bool:
            running = api.get("tasks/", state="running", type="model.pull", page_size=1)
            return bool(running["count"] == pulls)

        wait_until(all_run, f"{pulls} pulls run", LONGEST)
        time.sleep(BUSY_SECONDS)
        share = busy_share(panel, BUSY_SECONDS)
        rows = memory_rows(panel)
    return Table(f"Memory with {pulls} pulls", rows, [f"{share:.1%} of a core."])


def timed_start(panel: PanelProcess) -> Start:
    """Launch the panel, and ask for both at once until they answer."""
    begun = time.perf_counter()
    panel.launch()
    with ThreadPoolExecutor(2) as pool:
        page = pool.submit(first_success, f"{panel.url}/login/")
        ready = pool.submit(first_success, f"{panel.url}/readyz")
        return Start(page.result() - begun, ready.result() - begun)


def first_success(url: str) -> float:
    """When this address first answered 200."""
    deadline = time.perf_counter() + LONGEST
    with httpx.Client(timeout=LONGEST, verify=PLAIN, trust_env=False) as client:
        while time.perf_counter() < deadline:
            with suppress(httpx.TransportError):
                if client.get(url).status_code == httpx.codes.OK:
                    return time.perf_counter()
            time.sleep(0.01)
    raise RuntimeError(f"{url} did not answer within {LONGEST:.0f} s")


def import_seconds(panel: PanelProcess) -> float:
    """A Python that imports the web application and does nothing else: what no start can beat."""
    begun = time.perf_counter()
    code = "import django; django.setup(); import ollamactl.asgi, ollamactl.urls"
    subprocess.run(
        [sys.executable, "-W", "ignore:No directory at", "-c", code],
        cwd=PROJECT,
        env={**panel.environment, "DJANGO_SETTINGS_MODULE": "ollamactl.settings.base"},
        check=True,
        timeout=LONGEST,
    )
    return time.perf_counter() - begun


def start_table(first: Start, starts: list[Start], imports: list[float]) -> Table:
    """The starts beside the import."""
    base = median(imports)

    def row(what: str, seconds: list[float]) -> dict[str, Value]:
        middle = median(seconds)
        return {
            "from the command to": what,
            "median s": middle,
            "range s": spread(seconds),
            "of import": middle / base,
        }

    rows = [
        row("the first page, second start", [start.page for start in starts]),
        row("/readyz is 200, second start", [start.ready for start in starts]),
        row("the first page, first start", [first.page]),
        row("/readyz is 200, first start", [first.ready]),
        row("the application is imported, alone", imports),
    ]
    return Table(
        "Starting the panel",
        rows,
        [f"{len(starts)} second starts, in turns with the import; one first start (empty home)."],
    )


def idle_tables(panel: PanelProcess, options: Options) -> list[Table]:
    """Memory and processor time of all processes, once the start has calmed down."""
    wait_until(lambda: busy_share(panel, 1) < IDLE_SHARE, "the panel is idle", IDLE_SECONDS)
    seconds = options.pick(20, 2)
    share = busy_share(panel, seconds)
    note = (
        f"One server with {MODELS} models, asked every 5 s; {share:.1%} of a core over {seconds} s."
    )
    return [Table("Memory of the idle panel", memory_rows(panel), [note])]


def memory_rows(panel: PanelProcess) -> list[dict[str, Value]]:
    """What each kind of process takes, and all together."""
    memory: Counter[str] = Counter()
    count: Counter[str] = Counter()
    for process, name in named_processes(panel).items():
        with suppress(psutil.NoSuchProcess):
            memory[name] += memory_of(process)
            count[name] += 1
    total = sum(memory.values())
    rows: list[dict[str, Value]] = [
        {"process": name, "count": count[name], "PSS MB": size / 1e6, "share": size / total}
        for name, size in memory.most_common()
    ]
    return [*rows, {"process": "all", "count": count.total(), "PSS MB": total / 1e6, "share": 1.0}]


def busy_share(panel: PanelProcess, seconds: float) -> float:
    """How much of one core all processes use together over so many seconds."""
    before = processor_seconds(panel)
    begun = time.perf_counter()
    time.sleep(seconds)
    return (processor_seconds(panel) - before) / (time.perf_counter() - begun)


def processor_seconds(panel: PanelProcess) -> float:
    """What all processes have used so far."""
    used = 0.0
    for process in named_processes(panel):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def named_processes(panel: PanelProcess) -> dict[psutil.Process, str]:
    """Every process of the panel, with the name of the one that started it."""
    leaders = {process.pid: name for name, process in panel.processes().items()}
    supervisor = psutil.Process(panel.pid)
    found = {supervisor: "supervisor"}
    for process in supervisor.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            line = [parent.pid for parent in process.parents()]
            above = next((leaders[pid] for pid in line if pid in leaders), "supervisor")
            found[process] = leaders.get(process.pid, f"{above}: child")
    return found


def memory_of(process: psutil.Process) -> int:
    """Bytes: a page that several processes share counts with its share (Linux), or not at all."""
    memory = process.memory_full_info()
    return int(getattr(memory, "pss", memory.uss))
