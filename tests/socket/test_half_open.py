"""A client that is gone without a word is noticed, and its place is free again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.components.waiting import wait_until
from tests.helpers.valkey import ValkeyProcess
from tests.socket.client import connect
from tests.socket.conftest import NewUser, WebProcess
from tests.socket.test_slow_client import is_cut, open_deaf_socket

pytestmark = pytest.mark.alone


def test_who_answers_no_ping_is_cut_off(
    transactional_db: None,
    valkey: ValkeyProcess,
    tmp_path: Path,
    new_user: NewUser,
    browser_of: Any,
) -> None:
    web = WebProcess(
        valkey.url, tmp_path / "web.log", "--ping-interval", "1", "--ping-timeout", "1"
    )
    web.start()
    try:
        session = browser_of(new_user()).cookies[settings.SESSION_COOKIE_NAME].value
        origin = f"http://{web.address}"
        listener = connect(web.address, session=session, origin=origin)
        listener.next("hello")
        # As many as one user may have together with the one above: none of them answers pings.
        gone = [open_deaf_socket(web.address, session) for _number in range(19)]
        wait_until(lambda: all(map(is_cut, gone)), "those who are gone are cut off", timeout=60)
        again = connect(web.address, session=session, origin=origin)
        again.next("hello")
        listener.hears_nothing_but()
        for heard in (listener, again):
            heard.close()
        for deaf in gone:
            deaf.close()
    finally:
        web.stop()
