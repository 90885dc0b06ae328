"""Times in pages: a `<time>` in UTC that says so, for the page's script to write anew."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit_app.actors import SYSTEM
from audit_app.services import record_action
from audit_app.tokens import issue_token
from ollamactl.lib.times import UNKNOWN, time_element
from tests.factories import OllamaServerFactory, TaskFactory, UserFactory

NOON = datetime(2025, 8, 5, 12, 0, 1, 234_567, tzinfo=UTC)
ELEMENT = re.compile(r'<time datetime="([^"]+)" data-moment(="relative")?>([^<]+)</time>')


def test_a_time_is_written_in_utc_with_the_moment_beside_it() -> None:
    shown = ELEMENT.fullmatch(str(time_element(NOON)))
    assert shown
    assert shown[1] == "2025-08-05T12:00:01.234+00:00"
    assert shown[2] is None
    assert shown[3].endswith(" UTC")


def test_a_time_of_another_zone_or_as_text_is_the_same_moment() -> None:
    shanghai = NOON.astimezone(timezone(timedelta(hours=8)))
    assert time_element(shanghai) == time_element(NOON)
    assert time_element(shanghai.isoformat()) == time_element(NOON)
    assert 'data-moment="relative"' in time_element(NOON, relative=True)


@pytest.mark.parametrize("nothing", [None, "", "soon", 17])
def test_what_is_no_time_is_a_dash(nothing: object) -> None:
    assert time_element(nothing) == UNKNOWN


@pytest.mark.django_db
def test_pages_and_the_admin_show_no_time_in_another_way(administrator: Client) -> None:
    user: User = UserFactory(last_login=NOON)
    server = OllamaServerFactory(last_seen_at=NOON, synced_at=NOON)
    task = TaskFactory(state="succeeded", started_at=NOON, finished_at=NOON)
    record = record_action(actor=SYSTEM, verb="server.add")
    issue_token(actor=SYSTEM, user=user, name="script", expiry=NOON)
    for url, at_least in (
        (reverse("admin:server", args=[server.pk]), 2),
        (reverse("admin:task", args=[task.pk]), 3),
        (reverse("admin:tasks"), 1),
        (reverse("admin:auth_user_changelist"), 1),
        (reverse("admin:auth_user_change", args=[user.pk]), 2),
        (reverse("admin:audit_app_auditrecord_changelist"), 1),
        (reverse("admin:audit_app_auditrecord_change", args=[record.pk]), 1),
        (reverse("admin:audit_app_apitoken_changelist"), 2),
        (reverse("admin:models_app_ollamaserver_change", args=[server.pk]), 2),
        (reverse("admin:tasks_app_task_changelist"), 2),
    ):
        page = administrator.get(url).content.decode()
        assert len(ELEMENT.findall(page)) >= at_least, url
        assert not re.search(r"Aug\. 5, 2025|a\.m\.|p\.m\.|noon", ELEMENT.sub("", page)), url


@pytest.mark.django_db
def test_the_list_is_still_ordered_by_its_times(administrator: Client) -> None:
    early, late = (UserFactory(last_login=NOON + timedelta(days=day)) for day in (0, 1))
    url = reverse("admin:auth_user_changelist")
    for order, expected in (("6", [early, late]), ("-6", [late, early])):
        page = administrator.get(url, {"o": order}).content.decode()
        names = re.findall(r">(user\d+)</a>", page)
        shown = [name for name in names if name in {early.username, late.username}]
        assert shown == [user.username for user in expected]
