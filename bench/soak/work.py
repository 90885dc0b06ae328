"""What people and programs do with a panel, over and over: one thread for each kind of work."""

from __future__ import annotations

import itertools
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

import httpx

from bench.stack import SimulatedOllama, run_inside
from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.end_to_end.api import ENDED, Api

PULL_BYTES = 4_000_000
PAGES = ("/", "/models/", "/servers/", "/tasks/", "/account/tokens/", "/audit_app/auditrecord/")
LISTENERS = 5
AGE_SECONDS = 45.0
"""What ended so long ago counts as old."""

Act = Callable[[int], None]


class Work:
    """All kinds of work, until `stop`. `done` counts rounds by kind, `failed` those that broke."""

    def __init__(
        self, panel: PanelProcess, api: Api, servers: dict[int, SimulatedOllama], seed: int
    ) -> None:
        self.done: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.reasons: dict[str, str] = {}
        self._panel, self._api, self._servers = panel, api, servers
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._pages = httpx.Client(base_url=panel.url, timeout=60, verify=PLAIN, trust_env=False)

    def start(self) -> None:
        """Begin everything."""
        self._fill_login(self._pages)
        for server in self._servers:
            self._begin(f"pulls on server {server}", 0.5, partial(self.pull, server))
        self._begin("pulls that fail", 3.0, self.pull_in_vain)
        self._begin("models that others change, and syncs", 4.0, self.sync)
        self._begin("pages", 0.5, self.look)
        self._begin("sockets", 1.0, self.listen)
        self._begin("logins", 5.0, self.log_in)
        self._begin("scrapes", 5.0, self.scrape)
        self._begin("ageing and tidying", 30.0, self.age)

    def stop(self) -> None:
        """End everything; each round comes to its end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(90)
        self._pages.close()

    # --- the kinds of work ------------------------------------------------------------------------

    def pull(self, server: int, number: int) -> None:
        """A new model, from its pull to its deletion; some are cancelled or paused on the way."""
        name = f"soak-{server}-{number}:latest"
        self._servers[server].order(publish=[{"name": name, "size": PULL_BYTES}])
        answer = self._api.post("models/", {"name": name, "server": server})
        model, task = answer["model"]["id"], answer["task"]["id"]
        if number % 7 == 3:
            self._api.call("POST", f"tasks/{task}/cancel/")
        if number % 7 == 5 and self._api.call("POST", f"tasks/{task}/pause/").is_success:
            wait_until(lambda: self._rests(task), "the pull is paused or at its end", 60)
            self._api.call("POST", f"tasks/{task}/resume/")
        self._api.wait_for_task(task)
        self._delete(model)
        self._servers[server].order(withdraw=[name])

    def pull_in_vain(self, number: int) -> None:
        """A model that no registry has, or whose download breaks off for good."""
        server = self._chance.choice(list(self._servers))
        name = f"vain-{number}:latest"
        if number % 2:
            fault = {"kind": "error_in_stream", "model": name, "count": 1, "message": "no luck"}
            offer = {"name": name, "size": PULL_BYTES}
            self._servers[server].order(publish=[offer], faults=[fault])
        answer = self._api.call(
            "POST", "models/", json={"name": name, "server": server, "override": True}
        )
        if answer.status_code == httpx.codes.ACCEPTED:
            accepted = answer.json()
            self._wait_or_cancel(accepted["task"]["id"])
            self._delete(accepted["model"]["id"])
        self._servers[server].order(clear=True, withdraw=[name])

    def sync(self, number: int) -> None:
        """Somebody else installs and deletes; the panel is told to look."""
        server = list(self._servers)[number % len(self._servers)]
        names = [f"others-{number}-{part}:latest" for part in range(5)]
        before = [f"others-{number - len(self._servers)}-{part}:latest" for part in range(5)]
        offers = [{"name": name, "size": 1000} for name in names]
        gone = before if number >= len(self._servers) else []
        self._servers[server].order(publish=offers, install=names, remove=gone)
        answer = self._api.post(f"servers/{server}/sync/")
        self._api.wait_for_task(answer["task"]["id"])

    def look(self, number: int) -> None:
        """A page, and the list of models from the API."""
        page = self._pages.get(PAGES[number % len(PAGES)])
        if page.has_redirect_location:  # the session was aged, too
            self._fill_login(self._pages)
        else:
            page.raise_for_status()
        self._api.get("models/", page_size=50, ordering="-created_at")

    def listen(self, number: int) -> None:
        """Sockets that come, hear something and go, some without a word."""
        listeners = [self._api.listen("models", "tasks") for _number in range(LISTENERS)]
        for place, listener in enumerate(listeners):
            listener.send({"type": "ping"})
            listener.next("pong")
            if (number + place) % 3:
                listener.close()
            else:
                listener.connection.socket.close()

    def log_in(self, number: int) -> None:
        """A login and a logout by the API, one with a wrong password, and one to the pages."""
        Api.log_in(self._panel).call("POST", "auth/logout/")
        with httpx.Client(
            base_url=self._panel.url, timeout=60, verify=PLAIN, trust_env=False
        ) as stranger:
            stranger.post("/api/v1/auth/login/", auth=(f"stranger{number}", "guess"))
        if number % 3 == 0:
            with httpx.Client(
                base_url=self._panel.url, timeout=60, verify=PLAIN, trust_env=False
            ) as visitor:
                self._fill_login(visitor)

    def scrape(self, number: int) -> None:
        """As Prometheus does."""
        headers = {"Authorization": f"Bearer {self._api.token}"}
        self._pages.get("/metrics", headers=headers).raise_for_status()

    def age(self, number: int) -> None:
        """Time passes for what has ended; see `bench.soak.ageing`."""
        run_inside(self._panel, "bench.soak.ageing", {"seconds": AGE_SECONDS})

    # --- what they share --------------------------------------------------------------------------

    def _begin(self, kind: str, pause: float, act: Act) -> None:
        def repeat() -> None:
            for number in itertools.count():
                try:
                    act(number)
                    self.done[kind] += 1
                except Exception as error:  # counted and told at the end
                    self.failed[kind] += 1
                    self.reasons[kind] = f"{type(error).__name__}: {error}"[:400]
                if self._stop.wait(pause):
                    return

        thread = threading.Thread(target=repeat, name=kind, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _delete(self, model: int) -> None:
        answer = self._api.call("DELETE", f"models/{model}/")
        if answer.status_code == httpx.codes.ACCEPTED:
            self._api.wait_for_task(answer.json()["task"]["id"])

    def _rests(self, task: int) -> bool:
        return self._api.get(f"tasks/{task}/")["state"] in ("paused", *ENDED)

    def _wait_or_cancel(self, task: int) -> None:
        """A pull in vain is tried again for minutes: a person gives up before."""
        if self._stop.wait(3) or self._api.get(f"tasks/{task}/")["state"] not in ENDED:
            self._api.call("POST", f"tasks/{task}/cancel/")
        self._api.wait_for_task(task)

    def _fill_login(self, client: httpx.Client) -> None:
        page = client.get("/login/")
        (token,) = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[:1]
        fields = {
            "username": "admin",
            "password": self._panel.password,
            "csrfmiddlewaretoken": token,
        }
        answer = client.post("/login/?next=/", data=fields, headers={"Referer": str(page.url)})
        if not answer.has_redirect_location:
            raise RuntimeError(f"the login to the pages failed: {answer.status_code}")
