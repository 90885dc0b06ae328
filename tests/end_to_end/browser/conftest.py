"""People with browsers at a whole panel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.components.fixtures import NewContext
from tests.components.panel import PanelProcess
from tests.end_to_end.browser.visitor import Visitor

LOCALES = {"en": "en-US", "zh": "zh-CN"}
NewVisitor = Callable[..., Visitor]


@contextmanager
def demo_panel() -> Iterator[PanelProcess]:
    """A panel with the simulated server, for tests of what does not depend on what a model is."""
    with TemporaryDirectory(prefix="octl-") as folder:
        running = PanelProcess(Path(folder) / "h", "--demo", prepared=True, OLLAMACTL_LANGUAGE="en")
        with running:
            running.start()
            yield running


@pytest.fixture
def new_visitor(panel: PanelProcess, new_context: NewContext) -> Iterator[NewVisitor]:
    """``new_visitor("zh", viewport=…)``: somebody with a window of their own. No page may raise an
    error, or break its content policy, that the test does not expect."""
    visitors: list[Visitor] = []

    def open_window(language: str = "en", **options: Any) -> Visitor:
        context = new_context(locale=LOCALES[language], **options)
        visitors.append(Visitor(context, panel, language))
        return visitors[-1]

    yield open_window
    assert [text for visitor in visitors for text in visitor.complaints] == []


@pytest.fixture
def visitor(new_visitor: NewVisitor, panel: PanelProcess) -> Visitor:
    """The administrator, logged in, in English."""
    visitor = new_visitor()
    visitor.log_in("admin", panel.password)
    return visitor
