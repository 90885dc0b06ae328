"""The message catalogues hold every message of the sources, translated."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

from ollamactl.messages import LOCALE, compile_catalogues
from tests.components.inventory import GETTEXT
from tests.components.requirement import require

PROJECT = LOCALE.parent
SOURCES = ("ollamactl", "audit_app", "tasks_app", "models_app", "templates")
LANGUAGES = ("en", "zh_Hans")
PLACEHOLDER = re.compile(r"%\(\w+\)[sdif]|%\(\w+\)\.\d+f|%[sd]|\{\w*\}")

Key = tuple[str, str, str]


def catalogue(language: str, locale: Path = LOCALE) -> polib.POFile:
    return polib.pofile(str(locale / language / "LC_MESSAGES" / "django.po"))


def keys(entries: polib.POFile) -> set[Key]:
    return {
        (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")
        for entry in entries
        if not entry.obsolete
    }


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> set[Key]:
    """What the sources ask to have translated now."""
    require(GETTEXT)
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        shutil.copytree(PROJECT / name, folder / name)
    (folder / "locale").mkdir()
    subprocess.run(
        [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-location", "-v", "0"],
        cwd=folder,
        check=True,
        timeout=120,
    )
    return keys(catalogue("en", folder / "locale"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_every_message(language: str, collected: set[Key]) -> None:
    missing = collected - keys(catalogue(language))
    assert not missing, "run `make messages` and translate what is new"


@pytest.mark.parametrize("language", LANGUAGES)
def test_catalogue_has_no_message_that_is_gone(language: str, collected: set[Key]) -> None:
    assert not keys(catalogue(language)) - collected, "run `make messages`"


def test_chinese_is_complete() -> None:
    unfinished = [
        entry.msgid
        for entry in catalogue("zh_Hans")
        if not entry.obsolete and (entry.fuzzy or not entry.translated())
    ]
    assert not unfinished


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    for entry in catalogue(language).translated_entries():
        wanted = set(PLACEHOLDER.findall(entry.msgid + (entry.msgid_plural or "")))
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert set(PLACEHOLDER.findall(text)) <= wanted, entry.msgid
        if entry.msgstr:
            assert set(PLACEHOLDER.findall(entry.msgstr)) == wanted, entry.msgid


def test_catalogues_are_compiled_without_gettext(tmp_path: Path) -> None:
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = polib.POFile()
    source.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    source.append(polib.POEntry(msgid="Model", msgstr="模型"))
    source.append(polib.POEntry(msgid="Server", msgstr="?", flags=["fuzzy"]))
    source.save(str(folder / "django.po"))
    assert compile_catalogues(tmp_path) == [folder / "django.mo"]
    compiled = polib.mofile(str(folder / "django.mo"))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {"Model": "模型"}
    assert compile_catalogues(tmp_path) == []
