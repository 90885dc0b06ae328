"""The panel as a program sees it: the JSON API and the socket, with a token."""

from __future__ import annotations

from typing import Any, Self

import httpx

from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.socket.client import Listener, connect

Json = dict[str, Any]
ENDED = ("succeeded", "failed", "cancelled")


class Api:
    """`/api/v1/` of one panel for one user. Paths have no slash at the beginning."""

    def __init__(self, panel: PanelProcess, token: str = "") -> None:
        self.panel = panel
        self.token = token
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._client = httpx.Client(
            base_url=f"{panel.url}/api/v1/",
            headers={"Accept-Language": "en", **headers},
            timeout=30,
            verify=PLAIN,
            trust_env=False,
        )

    @classmethod
    def log_in(cls, panel: PanelProcess, user: str = "admin", password: str = "") -> Self:
        """With the token that a login gives; the administrator's first password by default."""
        with cls(panel) as stranger:
            answer = stranger._client.post("auth/login/", auth=(user, password or panel.password))
        assert answer.status_code == 200, answer.text
        return cls(panel, answer.json()["token"])

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call, whatever the answer is."""
        return self._client.request(method, path, **options)

    def get(self, path: str, **params: Any) -> Json:
        return self._ok(self.call("GET", path, params=params), 200)

    def post(self, path: str, body: Json | None = None, *, status: int = 202) -> Json:
        return self._ok(self.call("POST", path, json=body), status)

    def delete(self, path: str) -> Json:
        return self._ok(self.call("DELETE", path), 202)

    def all(self, path: str, **params: Any) -> list[Json]:
        """The rows of a list that fits on one page."""
        page = self.get(path, page_size=200, **params)
        assert page["next"] is None
        rows: list[Json] = page["results"]
        return rows

    def refusal(self, method: str, path: str, body: Json | None = None) -> tuple[int, str, str]:
        """Status, code and sentence of a call that is refused."""
        answer = self.call(method, path, json=body)
        assert answer.status_code >= 400, answer.text
        error = answer.json()["errors"][0]
        return answer.status_code, error["code"], error["detail"]

    def model(self, name: str) -> Json | None:
        """The only model of this name, in any of its forms; None where there is none."""
        rows = self.all("models/", name=name)
        assert len(rows) < 2, rows
        return rows[0] if rows else None

    def wait_for_server(self, server: int, status: str = "online", timeout: float = 15) -> Json:
        def server_with_status() -> Json | None:
            row = self.get(f"servers/{server}/")
            return row if row["status"] == status else None

        return wait_until(server_with_status, f"server {server} is {status}", timeout)

    def wait_for_task(self, task: int, timeout: float = 60) -> Json:
        """The task once it has ended, however."""

        def ended() -> Json | None:
            row = self.get(f"tasks/{task}/")
            return row if row["state"] in ENDED else None

        return wait_until(ended, f"task {task} ends", timeout)

    def succeed(self, answer: Json, timeout: float = 60) -> Json:
        """The task of an accepted call, once it has succeeded."""
        task = self.wait_for_task(answer["task"]["id"], timeout)
        assert task["state"] == "succeeded", task
        return task

    def listen(self, *topics: str) -> Listener:
        """The socket, with the token, once it has answered with a snapshot of each topic."""
        listener = connect(self.panel.url.removeprefix("http://"))
        listener.send({"type": "auth", "token": self.token})
        listener.subscribe(*topics)
        for _topic in topics:
            listener.next("snapshot")
        return listener

    def _ok(self, answer: httpx.Response, status: int) -> Json:
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        body: Json = answer.json() if answer.content else {}
        return body

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._client.close()
