"""What downloads are called: their tasks' type, their queue, and the key of a server's limit."""

from __future__ import annotations

PULL_TYPE = "model.pull"
PULL_QUEUE = "pulls"
PULLS_KEY = "server.pulls:"


def pulls_key(server_id: int | None) -> str:
    """The key that the limit of a server's downloads goes by."""
    return f"{PULLS_KEY}{server_id}"
