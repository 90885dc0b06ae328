"""Inside the panel: make users who may see everything. Asks for a number, answers their tokens."""

from __future__ import annotations

import json
import sys

import django

PASSWORD = "a long password of nobody"


def make_users(count: int) -> list[str]:
    """Make so many viewers; returns a token of each."""
    from django.contrib.auth.models import Group, User

    from audit_app.models import ApiToken

    viewers = Group.objects.get(name="viewer")
    tokens = []
    for number in range(count):
        user = User.objects.create_user(f"listener{number}")
        user.groups.add(viewers)
        _row, text = ApiToken.objects.create(user=user, expiry=None, name="bench")
        tokens.append(str(text))
    return tokens


if __name__ == "__main__":
    django.setup()
    json.dump(make_users(json.load(sys.stdin)), sys.stdout)
