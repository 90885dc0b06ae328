"""What a model writes never becomes anything active in a page."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_app.chat.markup import LONGEST_RENDERED, render_answer, render_markdown

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/track.png)",
    "![x](javascript:alert(1))",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox)",
    "[x](//evil.example)",
    "[x](/models/1/delete/)",
    "<javascript:alert(1)>",
    '[x](http://a.example/"onmouseover="alert(1))',
    '[x](http://a.example "t" onclick="alert(1)")',
    "<iframe src=http://evil.example></iframe>",
    "<svg/onload=alert(1)>",
    "<form action=/logout/><button>x</button></form>",
    '<div hx-get="/x" data-live-refresh="model:1" style="position:fixed">x</div>',
    "```html\n<script>alert(1)</script>\n```",
    '```python" onclick="alert(1)\nprint(1)\n```',
    "```python\nprint('</code></pre><script>alert(1)</script>')\n```",
    "<style>*{display:none}</style>",
    "<base href=http://evil.example>",
    "<math><mtext><table><mglyph><style><img src onerror=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u0000<scr\u0000ipt>alert(1)</script>",
]
TAG = re.compile(r"<\s*/?\s*([a-zA-Z0-9]+)([^>]*)>")
KNOWN = {
    *("p", "br", "hr", "blockquote", "ul", "ol", "li", "pre", "code", "em", "strong", "s", "a"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td", "span"),
}
ATTRIBUTE = re.compile(r'\s+([a-zA-Z-]+)="([^"]*)"')


def assert_harmless(html: str) -> None:
    for tag, attributes in TAG.findall(html):
        assert tag in KNOWN, html
        left = ATTRIBUTE.sub("", attributes)
        assert not left.strip(" /"), html
        for name, value in ATTRIBUTE.findall(attributes):
            assert name in {"href", "title", "class", "start", "rel", "target"}, html
            if name == "href":
                assert value.startswith(("http://", "https://")), html
            if name == "class":
                assert re.fullmatch(r"hl-\w+|language-[\w+]+", value), html


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    assert_harmless(render_markdown(text))


@given(
    st.lists(
        st.sampled_from([*HOSTILE, "**", "`", "```", "[", "](", ")", "<", ">", "\n", "| a |", "&"]),
        max_size=12,
    ).map("".join)
)
@settings(max_examples=150)
def test_any_mixture_is_harmless(text: str) -> None:
    assert_harmless(render_markdown(text))


def test_a_link_leads_out_and_tells_nothing() -> None:
    html = render_markdown("[the site](https://example.com/a?b=c)")
    assert 'href="https://example.com/a?b=c"' in html
    assert 'rel="noopener noreferrer nofollow"' in html
    assert 'target="_blank"' in html


def test_images_are_links_and_not_loaded() -> None:
    html = render_markdown("![a cat](https://example.com/cat.png)")
    assert "<img" not in html
    assert ">a cat</a>" in html


def test_what_people_write_is_shown() -> None:
    html = render_markdown("# Title\n\n**bold** _it_ ~~no~~ `x`\n\n- a\n- b\n\n|a|b|\n|-|-|\n|1|2|")
    for part in (
        "<h1>Title</h1>",
        "<strong>bold</strong>",
        "<s>no</s>",
        "<li>a</li>",
        "<td>1</td>",
    ):
        assert part in html


def test_code_is_coloured_by_classes() -> None:
    html = render_markdown("```python\ndef f():\n    return 'x'\n```")
    assert '<span class="hl-k">def</span>' in html
    assert "style=" not in html
    assert "&lt;b&gt;" in render_markdown("```unknown\n<b>\n```")


def test_very_long_text_is_shown_as_it_is() -> None:
    html = render_markdown("*a* <b> " * (LONGEST_RENDERED // 7))
    assert html.startswith("<pre>*a* &lt;b&gt;")


@pytest.mark.parametrize(
    "text", ['{"a": "_x_ ```"}', " [1,\n 2]", '{"a": "<script>alert(1)</script>"}']
)
def test_json_is_shown_as_it_is(text: str) -> None:
    html = render_answer(text)
    assert html.startswith("<pre>")
    plain = unescape(re.sub(r"<[^>]+>", "", html))
    assert plain.strip("\n") == text
    assert "<script" not in html


@pytest.mark.parametrize(
    "text", ['{"a": ', "[x](http://a.example)", "7", "{" * 5000, "[" * 50_000, "**bold**"]
)
def test_what_is_no_json_is_markdown(text: str) -> None:
    assert render_answer(text) == render_markdown(text)
