"""Nothing that is sent is an error of the server, and every error has one shape."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from models_app.models import OllamaServer
from models_app.services import servers

SERVERS = "/api/v1/servers/"
MODELS = "/api/v1/models/"


def post_raw(client: APIClient, body: bytes, content_type: str = "application/json") -> Any:
    return client.generic("POST", SERVERS, cast(str, body), content_type=content_type)


def has_the_shape(answer: Any) -> bool:
    body = answer.json()
    return set(body) >= {"type", "errors"} and all(
        set(error) == {"code", "detail", "attr"} and error["detail"] for error in body["errors"]
    )


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"name": NaN}',
        b'{"name": "a\\u0000b", "base_url": "http://h"}',
        b'{"name": "\\ud800", "base_url": "http://h"}',
        b'{"\\ud800": 1}',
        b'{"name": {"a": 1}, "base_url": "http://h"}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"limits": {"max_downloads": 1e400}}',
        b'{"limits": {"max_downloads": ' + b"9" * 400 + b"}}",
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"name": "x", "base_url": "http://h", "credentials": "token"}',
        b'{"name": "x", "base_url": "http://h", "credentials": [1]}',
        b'{"name": "x", "base_url": "http://[::1", "limits": null}',
        b'{"name": "x", "base_url": "http://h:99999"}',
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_a_body_that_cannot_be_used_is_400(administrator: APIClient, body: bytes) -> None:
    answer = post_raw(administrator, body)
    assert answer.status_code == 400, answer.content
    assert has_the_shape(answer)
    assert not OllamaServer.objects.exists()


def test_a_body_that_is_too_long_is_413(administrator: APIClient) -> None:
    answer = post_raw(administrator, json.dumps({"name": "x" * 1_100_000}).encode())
    assert answer.status_code == 413
    assert has_the_shape(answer)


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", "x"],
)
def test_another_kind_of_body_is_415(administrator: APIClient, content_type: str) -> None:
    answer = post_raw(administrator, b"name=x", content_type)
    assert answer.status_code == 415
    assert has_the_shape(answer)


def test_a_charset_does_not_change_how_a_body_is_read(administrator: APIClient) -> None:
    for charset in ("utf-16", "rot13", "bz2_codec", "nonsense"):
        answer = post_raw(administrator, b"{}", f"application/json; charset={charset}")
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["attr"] == "name"


def test_an_answer_that_cannot_be_given_is_406(administrator: APIClient) -> None:
    answer = administrator.get(SERVERS, HTTP_ACCEPT="text/csv")
    assert answer.status_code == 406
    assert has_the_shape(answer)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("put", SERVERS),
        ("delete", SERVERS),
        ("patch", MODELS),
        ("options", MODELS),
        ("get", "/api/v1/auth/logout/"),
        ("post", "/api/v1/me/"),
        ("get", f"{MODELS}sync/"),
        ("trace", SERVERS),
    ],
)
def test_a_wrong_method_is_405(administrator: APIClient, method: str, path: str) -> None:
    answer = administrator.generic(method.upper(), path)
    assert answer.status_code == 405
    assert has_the_shape(answer)


def test_the_type_of_an_answer_is_not_chosen_in_the_address(administrator: APIClient) -> None:
    answer = administrator.get(f"{SERVERS}?format=json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["attr"] == "format"


def test_an_unknown_parameter_is_named_with_those_that_there_are(
    administrator: APIClient,
) -> None:
    error = administrator.get(f"{MODELS}?colour=red").json()["errors"][0]
    assert error["code"] == "unknown_parameter"
    assert "“colour”" in error["detail"]
    assert "min_size" in error["detail"]
    one = administrator.get("/api/v1/me/?colour=red").json()["errors"][0]
    assert one["detail"] == "There is no parameter “colour” here."


@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/nothing/", "/api/v2/models/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_unknown_address_is_404_in_json(
    administrator: APIClient, method: str, path: str
) -> None:
    answer = getattr(administrator, method)(path)
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/json"
    assert has_the_shape(answer)


def test_a_missing_slash_is_explained(administrator: APIClient) -> None:
    answer = administrator.get("/api/v1/models")
    assert answer.status_code == 404
    assert "/api/v1/models/" in answer.json()["errors"][0]["detail"]


def test_an_unknown_address_tells_strangers_nothing(anonymous: APIClient) -> None:
    assert anonymous.get("/api/v1/nothing/").status_code == 401


def test_errors_speak_the_readers_language(administrator: APIClient) -> None:
    answer = administrator.get(MODELS, {"page": "0"}, HTTP_ACCEPT_LANGUAGE="zh-hans")
    assert answer["Content-Language"] == "zh-hans"
    assert answer.status_code == 400


def test_a_database_that_does_not_answer_is_503(
    administrator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(**kwargs: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(servers, "add_server", busy)
    answer = administrator.post(SERVERS, {"name": "x", "base_url": "http://h"})
    assert answer.status_code == 503
    assert has_the_shape(answer)
    assert "locked" not in answer.content.decode()


def test_a_bug_is_500_in_the_one_shape_without_its_text(
    administrator: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**kwargs: Any) -> None:
        raise RuntimeError("a secret of the house")

    monkeypatch.setattr(servers, "add_server", broken)
    answer = administrator.post(SERVERS, {"name": "x", "base_url": "http://h"})
    assert answer.status_code == 500
    assert has_the_shape(answer)
    assert "secret" not in answer.content.decode()
