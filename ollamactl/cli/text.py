"""Messages in the user's language: the panel's own catalogues, read without Django."""

from __future__ import annotations

import gettext as stdlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

DOMAIN = "django"
LOCALE_DIR = Path(__file__).resolve().parents[2] / "locale"
# As GNU gettext reads them, with the panel's own variable first.
VARIABLES = ("OLLAMACTL_LANGUAGE", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
ENGLISH = "en"
CHINESE = "zh-hans"
_CATALOGUES = {CHINESE: "zh_Hans"}


def language_of(environ: Mapping[str, str]) -> str:
    """The language tag (`en`, `zh-hans`) that an environment asks for; English if in doubt.

    All written Chinese is served with the one Chinese catalogue, as the panel's pages do it.
    """
    for variable in VARIABLES:
        for wish in environ.get(variable, "").split(":"):
            word = wish.split(".")[0].split("@")[0].replace("-", "_").partition("_")[0].lower()
            if word == "zh":
                return CHINESE
            if word in {"en", "c", "posix"}:
                return ENGLISH
        if environ.get(variable):
            return ENGLISH
    return ENGLISH


@lru_cache(maxsize=1)
def language() -> str:
    """The language of this process."""
    return language_of(os.environ)


@lru_cache(maxsize=1)
def _translations() -> stdlib.NullTranslations:
    folder = _CATALOGUES.get(language())
    if folder is None:
        return stdlib.NullTranslations()
    return stdlib.translation(DOMAIN, LOCALE_DIR, languages=[folder], fallback=True)


def speak_the_language() -> None:
    """Have the packages of the command say their own sentences in the user's language too.

    They ask the standard library, which finds a catalogue by its folder's name. The variable goes
    to the processes that are started, which read it as `language_of` does.
    """
    folder = _CATALOGUES.get(language())
    if folder is not None:
        stdlib.bindtextdomain(DOMAIN, LOCALE_DIR)
        stdlib.textdomain(DOMAIN)
        os.environ["LANGUAGE"] = folder


def gettext(message: str) -> str:
    """The message in the user's language."""
    return _translations().gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The message for a number of things in the user's language."""
    return _translations().ngettext(singular, plural, number)
