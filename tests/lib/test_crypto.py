"""Secrets are encrypted in the database, and their key can be replaced."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.db import connection

from models_app.models import OllamaServer
from ollamactl.lib.crypto import add_key, cipher, keys_path

SECRET = {"token": "a-very-secret-token"}


def stored() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM models_app_ollamaserver")
        return str(cursor.fetchone()[0])


@pytest.fixture
def server(db: None) -> OllamaServer:
    return OllamaServer.objects.create(name="s", base_url="http://127.0.0.1:1", credentials=SECRET)


def test_what_is_stored_does_not_show_the_secret(server: OllamaServer) -> None:
    assert "secret" not in stored()
    assert OllamaServer.objects.get().credentials == SECRET
    assert keys_path().stat().st_mode & 0o777 == 0o600


def test_no_secret_is_stored_as_nothing(server: OllamaServer) -> None:
    server.credentials = {}
    server.save()
    assert stored() == ""
    assert OllamaServer.objects.get().credentials == {}


def test_an_older_key_still_decrypts_and_a_rotation_forgets_it(server: OllamaServer) -> None:
    before = stored()
    add_key()
    assert OllamaServer.objects.get().credentials == SECRET

    call_command("rotate_keys", verbosity=0)
    assert len(keys_path().read_text().split()) == 1
    assert stored() != before
    assert OllamaServer.objects.get().credentials == SECRET


def test_a_lost_key_loses_the_secret_and_nothing_else(server: OllamaServer) -> None:
    keys_path().write_text("")
    keys_path().unlink()
    assert cipher().encrypt(b"x")
    row = OllamaServer.objects.get()
    assert (row.name, row.credentials) == ("s", {})
