"""`Idempotency-Key`: the same request again gets the first answer again."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from audit_app.models import ApiToken, RememberedAnswer
from models_app.models import OllamaServer
from models_app.resources.verdict import Preflight
from models_app.services import lifecycle, servers
from tasks_app.models import Task
from tests.api.conftest import ClientOf
from tests.factories import OllamaModelFactory, UserFactory, token_of

SERVERS = "/api/v1/servers/"
BODY = {"name": "Lab", "base_url": "http://127.0.0.1:1"}


def post(client: APIClient, path: str, body: Any = None, key: str = "one") -> Any:
    return client.post(path, body, HTTP_IDEMPOTENCY_KEY=key)


def test_the_first_answer_comes_again_and_nothing_is_done_twice(
    administrator: APIClient,
) -> None:
    first = post(administrator, SERVERS, BODY)
    again = post(administrator, SERVERS, BODY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first
    assert OllamaServer.objects.count() == 1


def test_without_a_key_nothing_is_remembered(administrator: APIClient) -> None:
    assert administrator.post(SERVERS, BODY).status_code == 201
    assert administrator.post(SERVERS, BODY).status_code == 400
    assert not RememberedAnswer.objects.exists()


def test_the_order_of_the_fields_does_not_matter(administrator: APIClient) -> None:
    post(administrator, SERVERS, BODY)
    assert post(administrator, SERVERS, dict(reversed(BODY.items()))).status_code == 201


@pytest.mark.parametrize("path", [SERVERS, f"{SERVERS}1/check/"])
def test_another_request_with_the_key_is_409(administrator: APIClient, path: str) -> None:
    post(administrator, SERVERS, BODY)
    answer = post(administrator, path, {**BODY, "name": "Other"})
    assert answer.status_code == 409
    assert answer.data["errors"][0]["code"] == "idempotency_key_reused"
    assert OllamaServer.objects.count() == 1


def test_a_key_belongs_to_its_user(client_of: ClientOf) -> None:
    post(client_of("administrator"), SERVERS, BODY)
    answer = post(client_of("administrator"), SERVERS, {**BODY, "base_url": "http://127.0.0.1:2"})
    assert answer.status_code == 400  # done, not answered from memory: the name is taken


def test_a_key_is_forgotten_after_a_day(administrator: APIClient) -> None:
    post(administrator, SERVERS, BODY)
    RememberedAnswer.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert post(administrator, SERVERS, {**BODY, "name": "Other"}).status_code == 400
    assert not RememberedAnswer.objects.exists()


def test_what_changed_nothing_may_be_mended_with_the_same_key(administrator: APIClient) -> None:
    assert post(administrator, SERVERS, {"name": "Lab"}).status_code == 400
    assert post(administrator, SERVERS, BODY).status_code == 201


def test_a_refusal_does_not_use_up_the_key(viewer: APIClient) -> None:
    assert post(viewer, SERVERS, BODY).status_code == 403
    assert not RememberedAnswer.objects.exists()


def test_a_conflict_is_an_answer_too(
    administrator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = "block"
    monkeypatch.setattr(lifecycle, "check_pull", lambda **kwargs: Preflight(verdict=verdict))
    server = OllamaServer.objects.create(**BODY)
    wanted = {"name": "llama3.2", "server": server.pk}
    first = post(administrator, "/api/v1/models/", wanted)
    verdict = "ok"
    assert first.status_code == 409
    assert post(administrator, "/api/v1/models/", wanted).json() == first.json()
    assert post(administrator, "/api/v1/models/", wanted, key="two").status_code == 202


def test_an_error_of_the_server_is_not_remembered(
    administrator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(servers, "add_server", lambda **kwargs: 1 / 0)
        failed = post(administrator, SERVERS, BODY)
    assert (failed.status_code, failed.json()["type"]) == (500, "server_error")
    assert "log" in failed.json()["errors"][0]["detail"]
    assert post(administrator, SERVERS, BODY).status_code == 201


def test_work_is_queued_once(administrator: APIClient) -> None:
    model = OllamaModelFactory()
    answers = [post(administrator, f"/api/v1/models/{model.pk}/start/") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["task"]["id"] for answer in answers}) == 1
    assert Task.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ", "a\tb"])
def test_a_key_that_cannot_be_one_is_400(administrator: APIClient, key: str) -> None:
    answer = post(administrator, SERVERS, BODY, key=key)
    assert answer.status_code == 400
    assert answer.data["errors"][0]["code"] == "invalid_key"


def test_a_new_token_is_never_remembered(administrator: APIClient) -> None:
    texts = [post(administrator, "/api/v1/tokens/", {"name": "x"}).data["token"] for _ in "ab"]
    assert texts[0] != texts[1]
    assert not RememberedAnswer.objects.exists()


def test_neither_passwords_nor_their_plain_digest_are_kept(administrator: APIClient) -> None:
    post(administrator, SERVERS, {**BODY, "credentials": {"token": "s3cret-token"}})
    assert "s3cret" not in str(list(RememberedAnswer.objects.values()))


def test_one_whose_process_died_is_taken_over(administrator: APIClient) -> None:
    post(administrator, SERVERS, BODY)
    OllamaServer.objects.all().delete()
    now = timezone.now()
    RememberedAnswer.objects.update(status=None, body=None, created_at=now - timedelta(seconds=5))
    young = post(administrator, SERVERS, BODY)
    assert young.status_code == 409
    assert young.data["errors"][0]["code"] == "request_in_progress"
    RememberedAnswer.objects.update(created_at=now - timedelta(minutes=2))
    assert post(administrator, SERVERS, BODY).status_code == 201


@pytest.mark.django_db(transaction=True)
def test_two_at_the_same_moment_do_the_work_once(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory(is_superuser=True)
    token = token_of(user)
    inside, go_on = threading.Event(), threading.Event()
    add_server = servers.add_server

    def slow(**kwargs: Any) -> OllamaServer:
        inside.set()
        assert go_on.wait(30)
        return add_server(**kwargs)

    monkeypatch.setattr(servers, "add_server", slow)
    answers: dict[str, Any] = {}

    def ask(name: str) -> None:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        answers[name] = post(client, SERVERS, BODY)
        connection.close()

    first = threading.Thread(target=ask, args=("first",))
    first.start()
    try:
        assert inside.wait(30)
        second = threading.Thread(target=ask, args=("second",))
        second.start()
        second.join(30)
    finally:
        go_on.set()
        first.join(30)
    assert answers["first"].status_code == 201
    assert answers["second"].status_code == 409
    assert answers["second"].data["errors"][0]["code"] == "request_in_progress"
    ask("third")
    assert answers["third"].json() == answers["first"].json()
    assert OllamaServer.objects.count() == 1
    assert ApiToken.objects.filter(user=user).exists()
