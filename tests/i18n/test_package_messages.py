"""The shell of the pages comes from a package without Chinese: the panel's catalogue has it all."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polib
import pytest
import unfold
from django.utils.translation import ngettext, override

from ollamactl import package_messages
from tests.components.inventory import GETTEXT
from tests.components.requirement import require

SHELL = Path(unfold.__file__).parent
# Parts for packages that are not in use here.
NOT_IN_USE = ("constance", "guardian", "import_export", "location_field", "simple_history")

Translate = Callable[[str], str]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> list[polib.POEntry]:
    """The sentences of the shell's templates and code."""
    require(GETTEXT)
    folder = tmp_path_factory.mktemp("shell")
    shutil.copytree(
        SHELL, folder / "unfold", ignore=shutil.ignore_patterns("static", "*.pyc", *NOT_IN_USE)
    )
    (folder / "locale").mkdir()
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location", "-v", "0"],
        cwd=folder,
        check=True,
        timeout=120,
    )
    return polib.pofile(str(folder / "locale" / "en" / "LC_MESSAGES" / "django.po"))


def test_every_sentence_of_the_shell_has_chinese(
    shell: list[polib.POEntry], chinese: Translate
) -> None:
    assert len(shell) > 100, "the shell's own files were read"
    signs_alone = {"%(class_name)s %(instance)s", "+"}
    english = [
        entry.msgid
        for entry in shell
        if entry.msgid not in signs_alone and is_english(entry, chinese)
    ]
    assert not english, "add them to ollamactl/package_messages.py"


def is_english(entry: polib.POEntry, translate: Translate) -> bool:
    if entry.msgid_plural:
        return ngettext(entry.msgid, entry.msgid_plural, 2) == entry.msgid_plural
    return translate(entry.msgid) == entry.msgid


def test_every_sentence_of_the_packages_is_one_that_they_say(shell: list[polib.POEntry]) -> None:
    """A sentence that the shell no longer says does not stay here for ever."""
    said_by_shell = {entry.msgid for entry in shell}
    kept = {message for message in package_messages.UNFOLD if isinstance(message, str)}
    assert kept <= said_by_shell


def test_a_short_password_is_refused_in_chinese() -> None:
    from django.contrib.auth.password_validation import validate_password
    from django.core.exceptions import ValidationError

    with override("zh-hans"), pytest.raises(ValidationError) as refused:
        validate_password("x1!")
    assert "密码太短。至少需要 8 个字符。" in refused.value.messages
