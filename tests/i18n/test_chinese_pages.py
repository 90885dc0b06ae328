"""Pages for a browser that asks for Chinese have no English sentence left."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import polib
import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from audit_app.models import ApiToken
from models_app.catalogue import catalogue
from models_app.models import SavedSearch
from ollamactl.messages import LOCALE
from ollamactl.site import PanelSite
from tasks_app.logs import LogWriter, relative_path
from tests.factories import (
    ChatMessageFactory,
    ChatSessionFactory,
    OllamaModelFactory,
    OllamaServerFactory,
    TaskFactory,
    UserFactory,
    token_of,
)
from tests.i18n.html_texts import TextsOf

PLACE = re.compile(r"%\\?\(\w+\\?\)s|\\\{\w+\\\}")
ANSWER_WITHOUT_A_PAGE = {
    *("search-note", "search-delete"),
    *("model-act", "model-add-check", "model-counts", "server-check", "server-sync"),
    *("chat-begin", "chat-send", "chat-regenerate", "chat-stop", "chat-export"),
    *("downloads-pause", "downloads-resume", "downloads-resumed", "download-act"),
    "task-log",  # what tasks log is English; what stands around it is on the task's page
    *("task-act", "task-notice", "task-parts", "task-left-out"),
    *("batch", "batch-begin", "check-updates"),
    *("servers-sync", "conflict-settle"),
}
OWN_PAGES = sorted(
    {"index", "password_change"}
    | {str(page.name) for page in cast(PanelSite, admin.site).extra_urls()} - ANSWER_WITHOUT_A_PAGE
)
RECORDS = {
    "auth_user": "user",
    "auth_group": "",
    "audit_app_auditrecord": "",
    "audit_app_apitoken": "",
    "models_app_ollamaserver": "server",
    "models_app_ollamamodel": "model",
    "tasks_app_task": "task",
    "axes_accessattempt": "",
    "axes_accesslog": "",
    "axes_accessfailurelog": "",
}
# Data and names in these pages, which are the same in every language.
CODES = {"model", "server"}  # of a task's resource, in the admin
SAME = re.compile(
    r"(?:ollamactl|Ollama|API|Hugging Face|https?|English|EN|zh-hans|esc|GPU|null"
    r"|Open WebUI|LangChain|VS Code|curl|\.env|JSON|YAML"
    r"|administrator|operator|viewer|maria|user\d+|Workshop|default|llama3.2:latest"
    r"|\d+/\d+\.log"
    r"|toy\.\w+"  # types of task that other tests bring along
    r"|model\d+:latest(?: · Workshop)?"
    r"|(?:model|server|task|user|token)s?\.\w+(?: \S+)?|model|server"
    r"|\S*://\S+|\S*/\S*/\S*|test|(?:: )?[0-9a-z]{6,}(?:…|\*+)|[0-9a-f]{12,})(?: \| ollamactl)?",
    re.IGNORECASE,
)
# What the catalogue says in every language.
CATALOGUE = {family.name for family in catalogue().families}
CATALOGUE |= {family.publisher for family in catalogue().families}
CATALOGUE |= {text for tag in catalogue().tags for text in (tag.name, tag.quantization)}


@pytest.fixture(scope="module")
def english() -> re.Pattern[str]:
    """Every message of the panel that says something else in Chinese."""
    messages = polib.pofile(str(LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"))
    patterns = []
    for entry in messages:
        for text in (entry.msgid, entry.msgid_plural):
            words = PLACE.sub(".+", re.escape(" ".join(text.split())))
            if entry.msgstr != text and re.search("[a-z]{2}", words):
                patterns.append(words)
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


@pytest.fixture
def rows(reader: Client, settings: Any, tmp_path: Path) -> dict[str, int]:
    """A server with a model whose download has failed, and the tasks of both."""
    settings.TASK_LOGS = tmp_path
    server = OllamaServerFactory(name="Workshop")
    model = OllamaModelFactory(server=server)
    failed = TaskFactory(
        state="failed",
        type="model.pull",
        resource_type="model",
        resource_id=model.pk,
        resource_name=model.name,
        error={
            "code": "missing",
            "detail": "This server is gone from the panel.",
            "retryable": False,
        },
    )
    failed.log_path = relative_path(failed.pk)
    failed.save(update_fields=["log_path"])
    LogWriter(failed).write("拉取 42")  # logs themselves are English
    TaskFactory(state="running", type="server.sync", resource_type="server", resource_id=server.pk)
    model.last_task = failed
    model.save(update_fields=["last_task"])
    person = UserFactory(username="maria", role="viewer")
    token_of(cast(User, get_user(reader)))
    chat = ChatSessionFactory(owner=cast(User, get_user(reader)), model=model, title="test")
    said = ChatMessageFactory(session=chat, position=1)
    answer = ChatMessageFactory(
        session=chat,
        position=2,
        role="assistant",
        content="42",
        state="failed",
        error_code="replaced",
        error="This answer is not part of its chat any more.",
        model_name=model.name,
        tokens=1,
        token_rate=3.5,
    )
    search = SavedSearch.objects.create(
        user=cast(User, get_user(reader)), name="test", query="status=error"
    )
    return {
        "search": search.pk,
        "chat": chat.pk,
        "said": said.pk,
        "answer": answer.pk,
        "server": server.pk,
        "model": model.pk,
        "task": failed.pk,
        "user": person.pk,
        "token": ApiToken.objects.get().pk,
    }


def look(client: Client, url: str, english: re.Pattern[str], **headers: str) -> list[str]:
    """The page's texts; fails where one is not in Chinese."""
    answer = client.get(url, headers=headers)
    page = answer.content.decode()
    texts = TextsOf(page).texts
    left = {text for text in texts if english.fullmatch(text)} - CODES
    latin = {text for text in texts if re.search("[A-Za-z]{3}", text)}
    left |= {
        text
        for text in latin
        if not re.search("[\u4e00-\u9fff]", text)
        and not SAME.fullmatch(text)
        and text not in CATALOGUE
    }
    assert not left, f"{url} ({answer.status_code})"
    assert any(re.search("[\u4e00-\u9fff]", text) for text in texts), page
    return texts


@pytest.mark.parametrize("name", OWN_PAGES)
def test_page_is_in_chinese(
    reader: Client, rows: dict[str, int], english: re.Pattern[str], name: str
) -> None:
    kind = name.split("-", maxsplit=1)[0]
    about: list[object] = [] if name.endswith("-add") or kind not in rows else [rows[kind]]
    if name == "model-confirm":
        about.append("delete")
    if name in ("chat-message", "chat-edit"):
        about.append(rows["said"])
    if name == "chat-version":
        about.append(rows["answer"])
    texts = look(reader, reverse(f"admin:{name}", args=about), english)
    assert not [text for text in texts if "。 " in text.strip()]  # as between two in English


def test_every_kind_of_record_is_looked_at() -> None:
    kinds = {model._meta for model in apps.get_models() if admin.site.is_registered(model)}
    assert {f"{kind.app_label}_{kind.model_name}" for kind in kinds} == set(RECORDS)


@pytest.mark.parametrize("record", RECORDS)
def test_records_are_in_chinese(
    reader: Client, rows: dict[str, int], english: re.Pattern[str], record: str
) -> None:
    look(reader, reverse(f"admin:{record}_changelist"), english)
    if RECORDS[record]:
        look(reader, reverse(f"admin:{record}_change", args=[rows[RECORDS[record]]]), english)


def test_a_user_and_a_role_are_deleted_in_chinese(
    reader: Client, rows: dict[str, int], english: re.Pattern[str]
) -> None:
    look(reader, reverse("admin:auth_user_delete", args=[rows["user"]]), english)
    look(reader, reverse("admin:auth_user_password_change", args=[rows["user"]]), english)
    texts = look(reader, reverse("admin:auth_group_add"), english)
    assert any(text.endswith("| 可以拉取模型") for text in texts)


@pytest.mark.django_db
def test_pages_without_a_login_are_in_chinese(client: Client, english: re.Pattern[str]) -> None:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "zh-CN,zh;q=0.9"
    assert "登录" in look(client, reverse("admin:login"), english)
    wrong = client.post(reverse("admin:login"), {"username": "x", "password": "y"})
    assert "请输入一个正确的" in wrong.content.decode()


def test_errors_are_in_chinese(reader: Client, english: re.Pattern[str]) -> None:
    assert "未找到" in look(reader, "/models/999/", english)
    assert "此地址没有内容。" in look(reader, "/nothing/here/", english)
    nobody = Client(headers={"Accept-Language": "zh-hans"})
    nobody.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    assert "没有权限" in look(nobody, reverse("admin:models"), english)
    assert "您还没有角色" in look(nobody, reverse("admin:index"), english)


@pytest.mark.django_db
def test_each_language_is_offered_in_itself(client: Client) -> None:
    for language in ("en", "zh-hans"):
        page = client.get(reverse("admin:login"), headers={"Accept-Language": language})
        assert {"English", "简体中文"} <= set(TextsOf(page.content.decode()).texts)
