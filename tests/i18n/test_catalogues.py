"""The message catalogues hold every message of the sources, translated."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

from ollamactl.messages import LOCALE, compile_catalogues, tidy_catalogues
from tests.components.inventory import GETTEXT
from tests.components.requirement import require

PROJECT = LOCALE.parent
SOURCES = ("ollamactl", "audit_app", "tasks_app", "models_app", "templates")
LANGUAGES = ("en", "zh_Hans")
CATALOGUES = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[sdif]|%\(\w+\)\.\d+f|%[sd]|\{\w*(?:![rsa])?\}")
MARKUP = re.compile(r"</?[a-z][^>]*>")

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


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_catalogue_is_complete(path: Path) -> None:
    unfinished = [
        entry.msgid
        for entry in polib.pofile(str(path))
        if entry.obsolete or entry.fuzzy or not entry.translated()
    ]
    assert not unfinished


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_translations_keep_the_placeholders_and_the_markup(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        wanted = set(PLACEHOLDER.findall(entry.msgid + (entry.msgid_plural or "")))
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert set(PLACEHOLDER.findall(text)) <= wanted, entry.msgid
        if entry.msgstr:
            assert sorted(PLACEHOLDER.findall(entry.msgstr)) == sorted(
                PLACEHOLDER.findall(entry.msgid)
            ), entry.msgid
            assert sorted(MARKUP.findall(entry.msgstr)) == sorted(MARKUP.findall(entry.msgid))


def test_chinese_is_chinese() -> None:
    """Besides names and signs, each translation has a Chinese character."""
    same = {
        entry.msgid
        for entry in catalogue("zh_Hans")
        for text in [entry.msgstr, *entry.msgstr_plural.values()]
        if text and not re.search(r"[\u4e00-\u9fff]", text)
    }
    names = {"API", "Hugging Face", "HTTP Accept", "%(class_name)s %(instance)s"}
    assert {text for text in same if re.search("[A-Za-z]", PLACEHOLDER.sub("", text))} <= names


def test_each_english_message_says_itself() -> None:
    for entry in catalogue("en"):
        said = [entry.msgstr, *entry.msgstr_plural.values()]
        assert set(filter(None, said)) == {entry.msgid, entry.msgid_plural} - {""}


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_catalogue_names_no_line_no_day_and_nobody(path: Path) -> None:
    kept = polib.pofile(str(path))
    assert not any(line for entry in kept for _file, line in entry.occurrences)
    assert kept.metadata["Project-Id-Version"] == "ollamactl"
    assert not {"POT-Creation-Date", "PO-Revision-Date", "Last-Translator"} & set(kept.metadata)


def write_catalogue(folder: Path, *entries: polib.POEntry) -> Path:
    (folder / "LC_MESSAGES").mkdir(parents=True)
    source = polib.POFile()
    source.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Last-Translator": "Somebody",
    }
    source.extend(entries)
    path = folder / "LC_MESSAGES" / "django.po"
    source.save(str(path))
    return path


def test_catalogues_are_compiled_without_gettext(tmp_path: Path) -> None:
    source = write_catalogue(
        tmp_path / "xx",
        polib.POEntry(msgid="Model", msgstr="模型"),
        polib.POEntry(msgid="Server", msgstr="?", flags=["fuzzy"]),
    )
    assert compile_catalogues(tmp_path) == [source.with_suffix(".mo")]
    compiled = polib.mofile(str(source.with_suffix(".mo")))
    assert {entry.msgid: entry.msgstr for entry in compiled} == {"Model": "模型"}
    assert compile_catalogues(tmp_path) == []


def test_tidying_drops_guesses_and_has_english_say_itself(tmp_path: Path) -> None:
    guess = {"msgid": "Server", "flags": ["fuzzy", "python-format"], "previous_msgid": "Servers"}
    count = {"msgid": "%d day", "msgid_plural": "%d days"}
    write_catalogue(
        tmp_path / "zh_Hans",
        polib.POEntry(msgid="Model", msgstr="模型"),
        polib.POEntry(msgstr="?", **guess),
        polib.POEntry(msgstr_plural={0: "%d 天"}, **count),
    )
    write_catalogue(
        tmp_path / "en",
        polib.POEntry(msgid="Model", msgstr=""),
        polib.POEntry(msgstr="Servers", **guess),
        polib.POEntry(msgstr_plural={0: "", 1: ""}, **count),
    )
    assert [*tidy_catalogues(tmp_path).values()] == [[], ["Server"]]
    for language, model, days in (
        ("en", "Model", {0: "%d day", 1: "%d days"}),
        ("zh_Hans", "模型", {0: "%d 天"}),
    ):
        tidy = catalogue(language, tmp_path)
        assert "Last-Translator" not in tidy.metadata
        entries = {entry.msgid: entry for entry in tidy}
        assert entries["Model"].msgstr == model
        assert entries["%d day"].msgstr_plural == days
        assert entries["Server"].flags == ["python-format"]
        assert entries["Server"].previous_msgid is None
