"""What a search in chats costs: `python -m bench.said`, in an empty database that it fills.

    OLLAMACTL_HOME=$(mktemp -d) python -m bench.said
    python -m tests.components.outside python -m bench.said      # PostgreSQL

Of the chats nine in ten are one user's, who looks for words that are rare, common and in between. A
search is the count and the first page, as the page and the API ask for them.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from itertools import accumulate
from typing import TYPE_CHECKING

import django

from bench.figures import Table, Value, median

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.models import User

OF_CHAT = 10  # messages
LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
WORDS = 20_000
TIMES = 5
CHATS_AT_ONCE = 500
LOOKED_FOR = (
    "kubernetes", "zebrafish", "kubernetes zebrafish", "nothingatall", "the", "ing", "etao",
    "th", "qz", "zx", "e", "q", "鲸鱼", "鲸", "%%", "the zx",
)  # fmt: skip


def fill(messages: int) -> tuple[User, list[str]]:
    """The user with most of the chats, and the vocabulary, the most common word first."""
    from django.contrib.auth.models import User
    from django.db import connection

    dice = random.Random(1)
    words = [
        "".join(dice.choices(LETTERS, range(26, 0, -1), k=dice.randint(2, 9))) for _ in range(WORDS)
    ]
    weights = list(accumulate(1 / (place + 1) for place in range(WORDS)))

    def say(shortest: int, longest: int) -> str:
        return " ".join(dice.choices(words, cum_weights=weights, k=dice.randint(shortest, longest)))

    users = [User.objects.create_user(name) for name in ("most", "one in ten")]
    chats = messages // OF_CHAT
    for first in range(0, chats, CHATS_AT_ONCE):
        _add(users, range(first, min(chats, first + CHATS_AT_ONCE)), say, dice)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return users[0], words


def _add(
    users: list[User], numbers: range, say: Callable[[int, int], str], dice: random.Random
) -> None:
    from models_app.models import ChatMessage, ChatSession

    chats = ChatSession.objects.bulk_create(
        ChatSession(owner=users[number % 10 == 0], title=say(5, 5), model_name="m")
        for number in numbers
    )
    rows = []
    for chat in chats:
        for position in range(1, OF_CHAT + 1):
            asks = position % 2 == 1
            text = say(5, 30) if asks else say(50, 250)
            text += " Kubernetes" * (dice.random() < 0.3) + " zebrafish" * (dice.random() < 0.0003)
            role = "user" if asks else "assistant"
            rows.append(ChatMessage(session=chat, position=position, role=role, content=text))
    ChatMessage.objects.bulk_create(rows, batch_size=2000)


def search(user: User, text: str) -> dict[str, Value]:
    """The median and the worst of some searches, in ms, and how many chats are found."""
    from models_app.chat.sessions import search_chats
    from models_app.models import ChatSession
    from ollamactl.lib.paginator import RowPaginator

    took = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        found = search_chats(ChatSession.objects.filter(owner=user), text)
        pages = RowPaginator(found.order_by("-updated_at", "-pk"), 50)
        pages.page(1)
        took.append((time.perf_counter() - begun) * 1000)
    return {
        "looked for": text,
        "found": f"{pages.count}{'+' if pages.has_more else ''}",
        "p50 ms": median(took),
        "worst ms": max(took),
        "of reading all": median(took) / read_all(),
    }


def read_all() -> float:
    """How many ms it takes to read each message once."""
    from django.db.models import Sum
    from django.db.models.functions import Length, Upper

    from models_app.models import ChatMessage

    begun = time.perf_counter()
    ChatMessage.objects.aggregate(letters=Sum(Length(Upper("content"))))
    return (time.perf_counter() - begun) * 1000


def main() -> None:
    """Fill, search, print."""
    parser = argparse.ArgumentParser(description="Measure searches in what was said in chats.")
    parser.add_argument("--messages", type=int, default=100_000)
    messages = parser.parse_args().messages
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ollamactl.settings.base")
    os.environ.setdefault("OLLAMACTL_SECRET_KEY", "only for the bench, where nobody logs in" * 2)
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    user, words = fill(messages)
    common = [words[place] for place in (0, 5, 20, 50, 100, 200, 1000)]
    rows = [search(user, text) for text in (*LOOKED_FOR, *common)]
    title = f"Searches in {messages:,} messages, {connection.vendor}"
    note = "“of reading all”: beside reading each message once, in the same second."
    sys.stdout.write(Table(title, rows, [note]).as_text() + "\n")


if __name__ == "__main__":
    main()
