"""`ollamactl reset-password USER`, from the panel's own machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from audit_app.models import AuditRecord
from audit_app.reset import PasswordRefused, UnknownUser, reset_user_password
from tests.components.panel import clean_environment

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ada", password="forgotten", is_active=False)


def test_random_password_works_and_is_audited(user: User) -> None:
    password = reset_user_password("ada")
    user.refresh_from_db()
    assert user.check_password(password)
    assert user.is_active
    record = AuditRecord.objects.get(verb="user.reset_password")
    assert (record.resource_name, record.origin) == ("ada", "command")
    assert password not in str(record.data)


def test_chosen_password_is_set(user: User) -> None:
    assert reset_user_password("ada", "correct horse battery") == "correct horse battery"
    user.refresh_from_db()
    assert user.check_password("correct horse battery")


def test_weak_password_is_refused_and_the_old_one_stays(user: User) -> None:
    with pytest.raises(PasswordRefused, match="too short"):
        reset_user_password("ada", "12")
    user.refresh_from_db()
    assert user.check_password("forgotten")


def test_unknown_user_is_told_who_there_is(user: User) -> None:
    with pytest.raises(UnknownUser, match="There is no user “bob”. There are: ada."):
        reset_user_password("bob")


def test_home_without_a_panel_is_said(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "ollamactl", "reset-password", "admin"],
        env=clean_environment(tmp_path / "none"),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    assert "There is no panel in" in ended.stderr
