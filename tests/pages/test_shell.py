"""The shell: login, languages, errors, and a content policy that every page keeps."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import reverse
from pytest_django import Settings

from tests.factories import PASSWORD, OllamaModelFactory, TaskFactory, UserFactory
from tests.pages.conftest import HTMX, ClientOf

pytestmark = pytest.mark.django_db
LOGIN = reverse("admin:login")
SCRIPT = re.compile(r"<script(?![^>]*\ssrc=)[^>]*>\s*\S", re.IGNORECASE)
HANDLER = re.compile(r"\son(click|load|error|submit|change|input)\s*=", re.IGNORECASE)


def test_everybody_with_an_account_logs_in(client: Client) -> None:
    user: User = UserFactory(role="viewer")
    assert not user.is_staff
    answer = client.post(
        LOGIN, {"username": user.username, "password": PASSWORD, "next": "/models/"}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/models/")
    assert client.get("/models/").status_code == 200


def test_a_wrong_password_is_said(client: Client) -> None:
    user = UserFactory()
    answer = client.post(LOGIN, {"username": user.username, "password": "wrong"})
    assert answer.status_code == 200
    assert "correct username and password" in answer.content.decode()
    assert "staff" not in answer.content.decode()


def test_who_is_not_active_stays_out(client: Client) -> None:
    user = UserFactory(is_active=False)
    client.post(LOGIN, {"username": user.username, "password": PASSWORD})
    assert client.get("/models/").status_code == 302


def test_the_login_speaks_both_languages(client: Client) -> None:
    page = client.get(LOGIN).content.decode()
    assert "简体中文" in page
    assert 'lang="en"' in page
    client.post(reverse("set_language"), {"language": "zh-hans", "next": LOGIN})
    assert 'lang="zh-hans"' in client.get(LOGIN).content.decode()


@override_settings(AXES_ENABLED=True)
def test_too_many_failures_lock_the_name_out_for_this_address(client: Client) -> None:
    user = UserFactory()
    for _try in range(5):
        answer = client.post(LOGIN, {"username": user.username, "password": "wrong"})
    assert answer.status_code == 429
    assert "Too many failed logins" in answer.content.decode()
    assert client.post(LOGIN, {"username": user.username, "password": PASSWORD}).status_code == 429


def test_the_place_of_the_first_password_is_said_on_this_machine_only(
    client: Client, settings: pytest.FixtureRequest, tmp_path: pytest.TempPathFactory
) -> None:
    file = tmp_path / "initial-password"  # type: ignore[operator]
    settings.INITIAL_PASSWORD_FILE = file  # type: ignore[attr-defined]
    assert "First start?" not in client.get(LOGIN).content.decode()
    file.write_text("x")
    assert str(file) in client.get(LOGIN).content.decode()
    assert "First start?" not in client.get(LOGIN, REMOTE_ADDR="192.168.1.9").content.decode()


def test_no_page_has_a_script_of_its_own(administrator: Client) -> None:
    model, task = OllamaModelFactory(), TaskFactory(state="running")
    urls = [
        LOGIN,
        *(reverse(f"admin:{name}") for name in ("index", "models", "servers", "tasks")),
        *(reverse(f"admin:{name}") for name in ("model-add", "server-add", "password_change")),
        reverse("admin:model", args=[model.pk]),
        reverse("admin:server", args=[model.server_id]),
        reverse("admin:task", args=[task.pk]),
        reverse("admin:audit_app_auditrecord_changelist"),
        reverse("admin:auth_user_changelist"),
        reverse("admin:axes_accessattempt_changelist"),
        "/nothing/here/",
    ]
    for url in urls:
        answer = administrator.get(url)
        content = answer.content.decode()
        assert not SCRIPT.search(content), url
        assert not HANDLER.search(content), url
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval'" in policy
        assert "object-src 'none'" in policy


def test_errors_are_pages_for_people_and_toasts_for_the_script(
    client_of: ClientOf, client: Client
) -> None:
    viewer = client_of("viewer")
    page = viewer.get("/nothing/here/")
    assert page.status_code == 404
    assert "There is nothing at this address." in page.content.decode()
    assert 'id="nav-sidebar"' in page.content.decode()
    part = viewer.get("/nothing/here/", headers=HTMX)
    assert part.status_code == 404
    assert part.headers["HX-Retarget"] == "#oc-toasts"
    assert "<html" not in part.content.decode()
    refused = viewer.get(reverse("admin:auth_user_changelist"))
    assert refused.status_code == 403
    assert "not permitted" in refused.content.decode()
    assert client.get("/nothing/here/").status_code in (302, 404)


def test_a_form_of_an_older_login_is_refused_with_a_sentence() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(
        UserFactory(role="operator"), backend="django.contrib.auth.backends.ModelBackend"
    )
    model = OllamaModelFactory()
    answer = client.post(reverse("admin:model-act", args=[model.pk, "start"]), headers=HTMX)
    assert answer.status_code == 403
    assert "out of date" in answer.content.decode()


def test_a_failure_of_the_panel_tells_nothing_and_says_what_to_do(
    client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = client_of("viewer")
    viewer.raise_request_exception = False

    def broken(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("models_app.views.models.listing_of", broken)
    answer = viewer.get(reverse("admin:models"))
    assert answer.status_code == 500
    assert "Its log says what" in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_the_dashboard_says_what_to_do_first(client_of: ClientOf) -> None:
    index = reverse("admin:index")
    first = client_of("administrator").get(index).content.decode()
    assert reverse("admin:server-add") in first
    assert "ollamactl up --demo" in first
    assert reverse("admin:server-add") not in client_of("viewer").get(index).content.decode()
    assert "You have no role yet" in client_of(None).get(index).content.decode()


def test_the_dashboard_shows_what_needs_attention(viewer: Client) -> None:
    failed = TaskFactory(
        state="failed", error={"code": "x", "detail": "The disk is full.", "retryable": False}
    )
    OllamaModelFactory(name="broken:latest", status="stopped", last_task=failed)
    OllamaModelFactory(server__status="offline", server__name="Attic", server__message="Gone.")
    pull = TaskFactory(state="running", done=1, total=2, unit="bytes")
    OllamaModelFactory(name="coming:latest", status="downloading", last_task=pull)
    for url in (reverse("admin:index"), reverse("admin:dashboard")):
        page = viewer.get(url).content.decode()
        for text in (
            "broken:latest",
            "The disk is full.",
            "Attic",
            "Gone.",
            "coming:latest",
            "50%",
        ):
            assert text in page


def test_the_dashboard_stands_with_a_failed_model_whose_task_is_gone(viewer: Client) -> None:
    OllamaModelFactory(name="broken:latest", status="error", message="", last_task=None)
    answer = viewer.get(reverse("admin:index"))
    assert answer.status_code == 200
    assert "broken:latest" in answer.content.decode()


def test_names_stand_in_titles_as_they_are(administrator: Client) -> None:
    model, user = OllamaModelFactory(name="smollm2:latest"), UserFactory(username="vera")
    for url, name in (
        (reverse("admin:model", args=[model.pk]), "smollm2:latest"),
        (reverse("admin:models_app_ollamamodel_change", args=[model.pk]), "smollm2:latest"),
        (reverse("admin:auth_user_change", args=[user.pk]), "vera"),
    ):
        page = administrator.get(url).content.decode()
        assert name in page
        assert name.capitalize() not in page


@pytest.mark.parametrize(
    ("bind_host", "https", "role", "warned"),
    [
        ("0.0.0.0", False, "administrator", True),
        ("192.168.1.5", False, "administrator", True),
        ("127.0.0.1", False, "administrator", False),
        ("0.0.0.0", True, "administrator", False),
        ("0.0.0.0", False, "operator", False),
    ],
)
def test_administrators_are_warned_of_plain_http_beyond_this_machine(
    client_of: ClientOf, settings: Settings, bind_host: str, https: bool, role: str, warned: bool
) -> None:
    settings.CONFIG = replace(settings.CONFIG, bind_host=bind_host)
    settings.HTTPS = https
    client = client_of(role)
    page = client.get(reverse("admin:models")).content.decode()
    help_page = reverse("admin:help-https")
    assert (f'href="{help_page}"' in page) is warned
    assert ("over plain http" in page) is warned
    assert str(settings.CONFIG.bind_port) in client.get(help_page).content.decode()
