"""The machine of a server for which two workers report, and what has room there, in a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Locator, expect

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.components.launching import ending_with_us
from tests.components.panel import PanelProcess, clean_environment
from tests.components.waiting import wait_until
from tests.end_to_end.api import Api
from tests.end_to_end.browser.conftest import NewVisitor
from tests.end_to_end.browser.test_looks import PHONE, WIDE, too_wide, violations

HERE, SMALL = "qwen3:8b", "qwen3:4b"
# Two workers report by turns; a page that is looked at is not exchanged under one's eyes.
REPORTS = """
import sys, time
import django
django.setup()
from models_app.host_reports import Seen, write_report
from models_app.models import OllamaModel
from models_app.resources.machine import Gpu, Memory
GB = 10**9
cards = [
    Gpu("NVIDIA RTX 4000 SFF Ada Generation", 20 * GB, 13 * GB, 35, 61, 58.2),
    Gpu("NVIDIA GB10", None, None, 7, 45, None, "shared"),
    Gpu("GPU 2", state="lost"),
]
OllamaModel.objects.filter(name=sys.argv[2]).update(kv_cache=[147456, 0, 0])
long = "gpu-machine-with-a-long-name.cluster.example.com"
while True:
    for host, worker in ((long, "3f9a1c07"), ("gpu-2.example.com", "b81d44e2")):
        found = Seen(host, "/var/lib/ollama/models", "", 500 * GB, 90 * GB,
                     Memory(16 * GB, 3 * GB), cards, "", worker, is_first=False)
        write_report(int(sys.argv[1]), found)
        time.sleep(0.5)
"""


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    """A simulated Ollama with one model of the catalogue."""
    with running_simulator(vram=0) as running:
        running.control.publish(HERE, 100_000)
        running.control.install(HERE)
        yield running


@pytest.fixture(scope="module")
def panel(simulator: RunningSimulator) -> Iterator[PanelProcess]:
    """A panel that finds it."""
    with TemporaryDirectory(prefix="octl-") as folder:
        found = {"OLLAMACTL_OLLAMA_URL": simulator.url, "OLLAMACTL_LANGUAGE": "en"}
        with PanelProcess(Path(folder) / "h", prepared=True, **found) as running:
            running.start()
            yield running


@pytest.fixture(scope="module")
def watched(panel: PanelProcess, admin: Api) -> Iterator[int]:
    """The id of its server, for which two workers report."""
    wait_until(lambda: admin.all("models/", name=HERE), "the model is known", 60)
    (server,) = admin.all("servers/")
    settings = {"DJANGO_SETTINGS_MODULE": "ollamactl.settings.base"}
    workers = subprocess.Popen(
        ending_with_us([sys.executable, "-c", REPORTS, str(server["id"]), HERE]),
        env=clean_environment(panel.home, **settings),
    )
    try:

        def is_told() -> bool:
            host = admin.get(f"servers/{server['id']}/")["host"]
            return bool(host and host["rival"])

        wait_until(is_told, "two workers report", 60)
        yield int(server["id"])
    finally:
        workers.terminate()
        workers.wait(20)


@pytest.mark.parametrize(
    ("size", "language", "theme"),
    [
        pytest.param(WIDE, "en", "light", id="wide-en-light"),
        pytest.param(WIDE, "zh", "dark", id="wide-zh-dark"),
        pytest.param(PHONE, "en", "dark", id="phone-en-dark"),
        pytest.param({"width": 390, "height": 844}, "zh", "light", id="phone-zh-light"),
    ],
)
def test_the_machine_and_what_has_room_there(
    new_visitor: NewVisitor,
    panel: PanelProcess,
    watched: int,
    size: dict[str, int],
    language: str,
    theme: str,
) -> None:
    visitor = new_visitor(language, viewport=size, color_scheme=theme)
    visitor.log_in("admin", panel.password)
    page, name = visitor.page, f"{size['width']}-{theme}"
    wrong: list[str] = []

    def look(what: str) -> None:
        visitor.picture(f"host-{what}-{name}")
        wrong.extend(f"{what} {text}" for text in (*violations(page), *too_wide(page)))

    visitor.open(f"servers/{watched}/")
    visitor.is_live()
    machine = page.locator("#server-host")
    for text in ("3f9a1c07", "b81d44e2", "NVIDIA GB10", "GPU 2", "35%"):
        expect(machine).to_contain_text(text)
    expect(machine).to_contain_text(visitor.word("uses the machine's own memory"))
    look("card")

    visitor.open(f"catalogue/?search=qwen3&server={watched}")
    visitor.is_live()
    row = page.get_by_role("row").filter(has=page.get_by_text(HERE, exact=True))
    expect(row.locator(".oc-badges")).to_contain_text(visitor.word("installed"))
    _stand_beside_each_other(row)
    look("catalogue")

    for model, source in ((HERE, "from the model itself"), (SMALL, "estimated from a table")):
        visitor.open(f"models/add/?name={model}&server={watched}")
        checked = page.locator("#pull-verdict")
        expect(checked).to_contain_text(visitor.word(source))
        expect(checked).to_contain_text("NVIDIA GB10")
        look(f"check-{model.partition(':')[2]}")
    assert not wrong, "\n".join(sorted(set(wrong)))


def _stand_beside_each_other(row: Locator) -> None:
    """The badges of a model that is there are no further apart than words are."""
    badges = [badge.bounding_box() for badge in row.locator(".oc-badges > .oc-badge").all()]
    assert len(badges) == 2
    first, second = badges
    assert first is not None
    assert second is not None
    is_below = second["y"] > first["y"]
    assert is_below or 0 < second["x"] - first["x"] - first["width"] < 12
