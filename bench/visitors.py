"""People without a screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

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
