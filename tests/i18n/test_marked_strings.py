"""What is marked for translation is whole sentences, with places that have names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ollamactl.messages import LOCALE

PROJECT = LOCALE.parent
APPS = ("ollamactl", "audit_app", "tasks_app", "models_app")
MARKERS = {
    *("_", "gettext", "gettext_lazy", "gettext_noop"),
    *("ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"),
}
BRACES = re.compile(r"\{(\w*)\}")
PERCENT = re.compile(r"%(?:\((\w+)\))?[sdifr]")

# What a template shows: words between tags and in these attributes, besides what is computed.
COMPUTED = re.compile(
    r"\{%\s*(?:blocktranslate|comment)\b.*?\{%\s*end(?:blocktranslate|comment)\s*%\}"
    r"|<(script|style|code|pre)\b.*?</\1>"
    r'|<span class="material-symbols-outlined[^>]*>.*?</span>'
    r"|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}",
    re.DOTALL,
)
BETWEEN_TAGS = re.compile(r">([^<>]*[A-Za-z]{3,}[^<>]*)<")
IN_ATTRIBUTES = re.compile(r'\b(?:title|placeholder|aria-label|alt)="([^"]*[A-Za-z]{3,}[^"]*)"')
NAMES = {"ollamactl", "Ollama", "http", "Open WebUI"}  # the same in every language
IN_BOTH_LANGUAGES = {"500.html"}  # nothing may be asked there, the language neither

SHOWN_BY_SCRIPT = re.compile(
    r"""(?:textContent|innerText|title|placeholder|ariaLabel)\s*=\s*["'`]\w|toast\(["'`]"""
)


def sources() -> list[Path]:
    """The apps' files, without that of other packages' sentences."""
    files = (file for app in APPS for file in sorted((PROJECT / app).rglob("*.py")))
    return [file for file in files if file.name != "package_messages.py"]


@cache
def calls() -> list[tuple[str, ast.Call]]:
    """Each call in the sources, and where it is."""
    return [
        (f"{path.relative_to(PROJECT)}:{node.lineno}", node)
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
    ]


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def marked() -> Iterator[tuple[str, ast.expr]]:
    for where, call in calls():
        if name_of(call) in MARKERS:
            for argument in call.args[: 2 if name_of(call).startswith("ngettext") else 1]:
                yield where, argument


def texts() -> Iterator[tuple[str, str]]:
    for where, argument in marked():
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield where, argument.value


def test_there_is_much_to_check() -> None:
    assert sum(1 for _text in texts()) > 300


def test_markers_keep_their_names() -> None:
    """`makemessages` knows these names alone."""
    renamed = [
        f"{path.relative_to(PROJECT)}: {name.name} as {name.asname}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for name in node.names
        if name.name in MARKERS and name.asname not in (None, "_")
    ]
    assert not renamed


def test_marked_strings_are_whole() -> None:
    """An f-string or a sum has another text at each call, which no catalogue holds."""
    computed = [where for where, text in marked() if isinstance(text, (ast.JoinedStr, ast.BinOp))]
    assert not computed


def test_several_places_of_a_text_have_names() -> None:
    """In another language they come in another order."""
    nameless = [
        (where, text)
        for where, text in texts()
        if [*BRACES.findall(text), *PERCENT.findall(text.replace("%%", ""))].count("") > 1
    ]
    assert not nameless


def test_sentences_take_the_values_that_they_get() -> None:
    wrong = []
    for where, call in calls():
        if name_of(call) != "Sentence" or not call.keywords:
            continue
        values = {keyword.arg for keyword in call.keywords}
        for inner in ast.walk(call):
            if isinstance(inner, ast.Call) and name_of(inner) in MARKERS:
                text = ast.literal_eval(inner.args[0])
                if PERCENT.search(text) or set(BRACES.findall(text)) != values:
                    wrong.append((where, text))
    assert not wrong


def test_templates_have_no_words_of_their_own() -> None:
    own = {}
    for path in sorted((PROJECT / "templates").rglob("*.html")):
        source = COMPUTED.sub("", path.read_text())
        found = {*BETWEEN_TAGS.findall(source), *IN_ATTRIBUTES.findall(source)}
        if path.name not in IN_BOTH_LANGUAGES:
            own[path.name] = {text.strip() for text in found} - NAMES
    assert not {name: words for name, words in own.items() if words}


def test_scripts_say_nothing_of_their_own() -> None:
    """Their texts come from attributes of the page."""
    scripts = sorted((PROJECT / "static").rglob("*.js"))
    assert scripts
    assert not [path.name for path in scripts if SHOWN_BY_SCRIPT.search(path.read_text())]
