"""``python -m ollamactl.messages``: compiles the message catalogues, without GNU gettext.

``python -m ollamactl.messages tidy`` first brings them into the form in which they are kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parents[1] / "locale"
SOURCE_LANGUAGE = "en"
# No dates and no people: they would make a difference of every catalogue in every change.
HEADER = ("Language", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Plural-Forms")


def compile_catalogues(locale: Path = LOCALE) -> list[Path]:
    """Write the ``.mo`` of each catalogue that is newer than it; returns those written.

    Messages that are not translated or fuzzy are left out, so that their English shows.
    """
    written = []
    for source in _catalogues(locale):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        # A reader of another process sees the old file or the new one, never a half.
        fresh = target.with_suffix(".mo.new")
        polib.pofile(str(source)).save_as_mofile(str(fresh))
        fresh.replace(target)
        written.append(target)
    return written


def tidy_catalogues(locale: Path = LOCALE) -> dict[Path, list[str]]:
    """Say each message of the source language by itself, and drop guesses in the others.

    Returns the messages that are to be translated, by catalogue.
    """
    missing = {}
    for source in _catalogues(locale):
        catalogue = polib.pofile(str(source), wrapwidth=0)
        language = source.parts[-3]
        for entry in catalogue:
            if language == SOURCE_LANGUAGE:
                _say_itself(entry)
            elif entry.fuzzy:
                _forget(entry)
        _tidy_header(catalogue, language)
        catalogue.save(str(source))
        missing[source] = [entry.msgid for entry in catalogue.untranslated_entries()]
    return missing


def _catalogues(locale: Path) -> list[Path]:
    return sorted(locale.glob("*/LC_MESSAGES/*.po"))


def _say_itself(entry: polib.POEntry) -> None:
    _forget(entry)
    if entry.msgid_plural:
        entry.msgstr_plural = {0: entry.msgid, 1: entry.msgid_plural}
    else:
        entry.msgstr = entry.msgid


def _forget(entry: polib.POEntry) -> None:
    entry.flags = [flag for flag in entry.flags if flag != "fuzzy"]
    entry.previous_msgid = entry.previous_msgid_plural = entry.previous_msgctxt = None
    entry.msgstr = ""
    entry.msgstr_plural = dict.fromkeys(entry.msgstr_plural, "")


def _tidy_header(catalogue: polib.POFile, language: str) -> None:
    kept = {name: catalogue.metadata[name] for name in HEADER if name in catalogue.metadata}
    catalogue.metadata = {"Project-Id-Version": "ollamactl", **kept, "Language": language}
    catalogue.metadata_is_fuzzy = False
    catalogue.header = f"Messages of ollamactl: {language}."


def main(arguments: list[str]) -> None:
    """Tidy if told to, then compile; say what was done and what is missing."""
    if arguments == ["tidy"]:
        for path, messages in tidy_catalogues().items():
            for message in messages:
                sys.stdout.write(f"to be translated in {path}: {message}\n")
    for path in compile_catalogues():
        sys.stdout.write(f"compiled {path}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
