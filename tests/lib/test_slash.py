"""What is a slash command, and what goes on on the next line."""

from __future__ import annotations

import pytest

from ollamactl.lib.slash import is_command, wants_more


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("/?", True),
        ("/set system Be brief.\n", True),
        ("/nonsense", True),
        ('/set system """One.\nTwo."""', True),
        ('/SET  system  """One.\nTwo."""', True),
        ("hello", False),
        (" /not a command", False),
        ("/usr/bin\nis a folder", False),
        ("/set system One.\nTwo.", False),
    ],
)
def test_what_is_a_command(text: str, is_one: bool) -> None:
    assert is_command(text) is is_one


@pytest.mark.parametrize(
    ("line", "more"),
    [
        ('"""', True),
        ('"""hello', True),
        ('"""hello"""', False),
        ('/set system """', True),
        ('/set system """One.', True),
        ('/set system """One."""', False),
        ("/set system One.", False),
        ("hello", False),
    ],
)
def test_triple_quotes_go_on(line: str, more: bool) -> None:
    assert wants_more(line) is more
