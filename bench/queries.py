"""Inside the panel: how many queries the database is asked for each of some paths.

Asks for `{"paths": [...], "token": …}`: paths below `/api/` are asked with the token, pages as the
administrator. Answers a number for each path.
"""

from __future__ import annotations

import json
import sys

import django


def count_queries(paths: list[str], token: str) -> dict[str, int]:
    """The second request counts: what only the first one costs is not the list's."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    person = Client(headers={"host": "127.0.0.1"})
    person.force_login(
        User.objects.get(username="admin"), "django.contrib.auth.backends.ModelBackend"
    )
    program = Client(headers={"host": "127.0.0.1", "authorization": f"Token {token}"})
    counts = {}
    for path in paths:
        client = program if path.startswith("/api/") else person
        for _time in range(2):
            with CaptureQueriesContext(connection) as queries:
                answer = client.get(path)
            if answer.status_code != 200:
                raise RuntimeError(f"{path} answered {answer.status_code}")
        counts[path] = len(queries)
    return counts


if __name__ == "__main__":
    django.setup()
    json.dump(count_queries(**json.load(sys.stdin)), sys.stdout)
