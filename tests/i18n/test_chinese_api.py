"""The API answers a program that asks for Chinese in Chinese, codes aside."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from ollamactl.lib.sentences import Sentence, to_stored
from tests.factories import OllamaModelFactory, TaskFactory

API = "/api/v1"
REQUESTS: list[tuple[str, str, Any]] = [
    ("get", "/models/999/", None),
    ("get", "/nothing/", None),
    ("get", "/models", None),
    ("get", "/models/?foo=1", None),
    ("get", "/models/?min_size=abc&created_after=x&loaded=maybe&ordering=zz", None),
    ("get", "/models/?page_size=500", None),
    ("get", "/tasks/?state=lost", None),
    ("post", "/models/", {"name": "a b", "server": 99}),
    ("post", "/models/", {"x": 1}),
    ("post", "/models/", b"{bad"),
    ("post", "/servers/", {}),
    ("post", "/servers/", {"name": "x", "base_url": "http://169.254.169.254/"}),
    ("post", "/servers/", {"name": "x", "base_url": "ftp://x/"}),
    ("post", "/tokens/", {"name": "x" * 300, "expiry": "2001-01-01T00:00:00Z"}),
    ("put", "/models/", {}),
]


def details(client: Client, method: str, path: str, body: Any = None) -> list[str]:
    """The sentences of an answer that refuses."""
    answer = getattr(client, method)(f"{API}{path}", body, content_type="application/json")
    assert answer.status_code >= 400, path
    assert answer.headers["Content-Language"] == "zh-hans"
    return [error["detail"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_a_refusal_is_in_chinese(reader: Client, method: str, path: str, body: Any) -> None:
    said = details(reader, method, path, body)
    assert said
    for detail in said:
        assert re.search("[\u4e00-\u9fff]", detail), detail


def test_a_refusal_of_a_service_is_in_chinese(reader: Client) -> None:
    model = OllamaModelFactory(name="llama3.2:latest")
    task = TaskFactory(state="succeeded")
    assert details(reader, "post", f"/models/{model.pk}/stop/") == ["“llama3.2:latest”未在运行。"]
    assert details(reader, "post", f"/tasks/{task.pk}/cancel/") == ["此任务已结束：成功。"]


def test_what_a_worker_has_written_is_read_in_chinese(reader: Client) -> None:
    """The worker speaks no language: it keeps the sentence and its values."""
    text = "The registry {host} is not in the settings. An administrator can add it there."
    stored = to_stored(Sentence(text, host="example.com"))
    task = TaskFactory(state="failed", error={"code": "x", "detail": stored, "retryable": False})
    error = reader.get(f"{API}/tasks/{task.pk}/").json()["error"]
    assert error["detail"] == "仓库 example.com 不在设置中。管理员可以在设置中添加。"
    assert error["code"] == "x"


@pytest.mark.django_db
def test_without_a_login_the_refusal_is_in_chinese() -> None:
    nobody = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    assert details(nobody, "get", "/models/") == ["身份认证信息未提供。"]
