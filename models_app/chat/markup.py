"""What a model wrote, as HTML. Everything in it is untrusted.

Markdown becomes tags without any of the text's own HTML; then a second, independent reader lets
through only the few tags and attributes that are listed here. Images are not loaded: they become
links. Colours of code are classes of our own sheet.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from html import escape

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

# Longer texts are shown as they are: nobody reads them with their tables, and parsing costs.
LONGEST_RENDERED = 200_000
LONGEST_COLOURED = 20_000
KEPT = 512
# The languages whose code is coloured: each lexer was read for patterns that blow up.
LANGUAGES = frozenset(
    {
        *("bash", "sh", "shell", "zsh", "console", "c", "cpp", "c++", "csharp", "cs", "css"),
        *("diff", "docker", "dockerfile", "go", "golang", "html", "ini", "java", "javascript"),
        *("js", "json", "kotlin", "lua", "make", "makefile", "nginx", "php", "powershell"),
        *("python", "py", "python3", "r", "ruby", "rb", "rust", "rs", "scala", "sql", "swift"),
        *("toml", "typescript", "ts", "xml", "yaml", "yml"),
    }
)
TAGS = {
    *("p", "br", "hr", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "span"),
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "span": {"class"}, "code": {"class"}}
_CLASS = re.compile(r"(hl-[a-z0-9]{1,4}|language-[a-z0-9+]{1,20})")
_FORMATTER = HtmlFormatter(nowrap=True, classprefix="hl-")


@lru_cache(maxsize=KEPT)
def render_markdown(text: str) -> SafeString:
    """The text as HTML that holds nothing active: no script, no style, no image, no form."""
    is_long = len(text) > LONGEST_RENDERED
    html = f"<pre>{escape(text)}</pre>" if is_long else str(_MARKDOWN.render(text))
    return mark_safe(_clean(html))  # noqa: S308 - it has just been cleaned


def render_answer(text: str) -> SafeString:
    """An answer as HTML. One that is JSON as a whole is shown as code: as Markdown it would lose
    its lines, and what it has of stars and underscores."""
    return render_markdown(f"```json\n{text}\n```" if _is_json(text) else text)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")) or len(text) > LONGEST_RENDERED:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_filter,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        strip_comments=True,
    )


def _filter(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        return value if _CLASS.fullmatch(value) else None
    if name == "href":  # an address within the panel is none of a model's business
        return value if value.lower().startswith(("http://", "https://")) else None
    return value


def _coloured(code: str, language: str, attributes: str) -> str:
    """The HTML of a block of code; empty leaves it to the parser, which escapes it."""
    name = language.lower()
    if name not in LANGUAGES or len(code) > LONGEST_COLOURED:
        return ""
    try:
        lexer = get_lexer_by_name(name)
    except ClassNotFound:
        return ""
    return str(highlight(code, lexer, _FORMATTER))


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "highlight": _coloured, "maxNesting": 20})
    parser.enable(["table", "strikethrough"])
    parser.disable(["image", "html_block", "html_inline"])
    return parser


_MARKDOWN = _parser()
