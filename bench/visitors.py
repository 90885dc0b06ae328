"""People without a screen."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import httpx

from tests.components.loopback import PLAIN
from tests.components.panel import PanelProcess


@contextmanager
def log_in(panel: PanelProcess, username: str, password: str) -> Iterator[httpx.Client]:
    """A browser without a screen, after the login and the page behind it."""
    with httpx.Client(base_url=panel.url, timeout=60, verify=PLAIN, trust_env=False) as browser:
        form = browser.get("/login/").text
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
        data = {"username": username, "password": password, "csrfmiddlewaretoken": token}
        answer = browser.post("/login/?next=/models/", data=data)
        if answer.status_code != httpx.codes.FOUND:
            raise RuntimeError(f"the login answered {answer.status_code}")
        browser.get("/models/").raise_for_status()
        yield browser


class Asker:
    """Asks for one page after another over one connection, as somebody who is logged in; the API
    with a token, as programs do.

    With as little work of its own as can be: it runs on the cores that it measures.
    """

    def __init__(self, connection: HTTPConnection, cookies: str, token: str) -> None:
        self._connection = connection
        self._of_page = {"Cookie": cookies}
        self._of_api = {"Authorization": f"Token {token}"}

    @classmethod
    @contextmanager
    def of(cls, browser: httpx.Client, token: str) -> Iterator[Asker]:
        """With the login of this browser, and the token."""
        where = urlsplit(str(browser.base_url))
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        with closing(HTTPConnection(where.hostname or "", where.port, timeout=60)) as connection:
            yield cls(connection, cookies, token)

    def seconds(self, path: str) -> float:
        """How long one answer takes, to its last byte. Raises where it is not 200."""
        begun = time.perf_counter()
        headers = self._of_api if path.startswith("/api/") else self._of_page
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        seconds = time.perf_counter() - begun
        if answer.status != httpx.codes.OK:
            raise HTTPException(f"{path} answered {answer.status}")
        return seconds
