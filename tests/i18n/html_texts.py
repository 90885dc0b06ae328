"""What a reader of a page sees or hears."""

from __future__ import annotations

from html.parser import HTMLParser

TOLD = {"title", "placeholder", "aria-label", "alt"}
NOT_SHOWN = {"script", "style", "pre", "code"}
VOID = {"area", "br", "hr", "img", "input", "link", "meta", "source", "wbr"}


class TextsOf(HTMLParser):
    """`texts`: the words between tags and those in attributes that are shown or read out."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the words of attributes; look away from scripts and the names of icons."""
        attributes = dict(attrs)
        is_icon = "material-symbols-outlined" in (attributes.get("class") or "")
        if tag not in VOID and (self._hidden or tag in NOT_SHOWN or is_icon):
            self._hidden.append(tag)
        for name, value in attrs:
            if value and (name in TOLD or name.startswith("data-text-")):
                self._keep(value)

    def handle_endtag(self, tag: str) -> None:
        """Look again after the end of what is not shown."""
        if self._hidden and self._hidden[-1] == tag:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        """Keep the words between tags."""
        if not self._hidden:
            self._keep(data)

    def _keep(self, text: str) -> None:
        if words := " ".join(text.split()):
            self.texts.append(words)
