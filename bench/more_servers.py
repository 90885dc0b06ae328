"""Inside the panel: add many servers at once, and one person who may log in.

Asks for `{"count": …, "url": …}`, an address to which a number is added; answers `{"count": …,
"at": …}`: how many there are then, and the clock (s) when it began to add them.
"""

from __future__ import annotations

import json
import sys
import time

import django

from bench.accounts import PASSWORD


def add_servers(count: int, url: str) -> dict[str, float]:
    """The next tick of the worker finds them due."""
    from django.contrib.auth.models import Group, User

    from models_app.models import OllamaServer

    if not User.objects.filter(username="visitor").exists():
        visitor = User.objects.create_user("visitor", password=PASSWORD)
        visitor.groups.add(Group.objects.get(name="viewer"))
    begun = time.time()
    OllamaServer.objects.bulk_create(
        OllamaServer(name=f"fleet-{number:04}", base_url=f"{url}{number}")
        for number in range(count)
    )
    return {"count": OllamaServer.objects.count(), "at": begun}


if __name__ == "__main__":
    django.setup()
    json.dump(add_servers(**json.load(sys.stdin)), sys.stdout)
