"""The pytest fixtures over the real components. Each test run process has components of its own.

- `real_ollama`: an Ollama server in which the tiny model is installed, and nothing else.
- `real_model_name`: that model's name; it loads and answers for real.
- `new_ollama`: starts further servers, empty or with the tiny model.
- `real_registry`: a registry to pull from, whose speed and failures a test sets.
- `pullable_model`: the tiny model, pushed to that registry.
- `new_panel`: starts the whole panel, as a user does, in a new home folder.
- `browser`, `new_context`, `page`: Chromium. In modules that use it all tests are plain functions,
  not coroutines: playwright's own event loop runs in the thread of the tests.
"""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.components.inventory import (
    CHROMIUM,
    OLLAMA,
    REGISTRY,
    TINY_MODEL,
    TINY_MODEL_NAME,
)
from tests.components.ollama_server import OllamaProcess
from tests.components.panel import PanelProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.reporting import TEST_FAILED
from tests.components.requirement import require
from tests.components.restore import restore_ollama

# How long the browser waits for what has to come; a deadline costs time only where a test fails.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = Path("test-results")

NewOllama = Callable[..., OllamaProcess]
NewContext = Callable[..., BrowserContext]
NewPanel = Callable[..., PanelProcess]


@pytest.fixture(scope="session")
def session_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OllamaProcess]:
    """The server behind `real_ollama`, for fixtures of a wider scope; as a test left it."""
    binary, store = require(OLLAMA), require(TINY_MODEL)
    with OllamaProcess(binary, tmp_path_factory.mktemp("ollama"), seed=store) as server:
        yield server


@pytest.fixture
def real_ollama(session_ollama: OllamaProcess) -> OllamaProcess:
    """A running Ollama server with the tiny model alone, whatever the last test did to it."""
    restore_ollama(session_ollama, require(TINY_MODEL))
    return session_ollama


@pytest.fixture
def real_model_name(real_ollama: OllamaProcess) -> str:
    """The name of the tiny model in `real_ollama`."""
    return TINY_MODEL_NAME


@pytest.fixture
def new_ollama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewOllama]:
    """``new_ollama(with_model=False)`` starts one more server, which ends with the test."""
    binary, store = require(OLLAMA), require(TINY_MODEL)
    with ExitStack() as stack:

        def start(*, with_model: bool = False) -> OllamaProcess:
            folder = tmp_path_factory.mktemp("ollama")
            server = OllamaProcess(binary, folder, seed=store if with_model else None)
            return stack.enter_context(server)

        yield start


@pytest.fixture(scope="session")
def session_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """The registry behind `real_registry`, for fixtures of a wider scope."""
    with RegistryProcess(require(REGISTRY), tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def real_registry(session_registry: RegistryProcess) -> Iterator[RegistryProcess]:
    """A registry at full speed; set `real_registry.blobs.rate`, `.stall()`, `.cut()`, `.refuse`."""
    session_registry.blobs.reset()
    yield session_registry
    session_registry.blobs.reset()


@pytest.fixture(scope="session")
def session_pullable_model(session_registry: RegistryProcess) -> PushedModel:
    """The model behind `pullable_model`: 253 MB, pushed once."""
    return session_registry.push_stored_model(require(TINY_MODEL), TINY_MODEL_NAME)


@pytest.fixture
def pullable_model(
    real_registry: RegistryProcess, session_pullable_model: PushedModel
) -> PushedModel:
    """The tiny model in `real_registry`. `real_ollama` has its layers already: to watch them
    download take an empty `new_ollama`."""
    return session_pullable_model


@pytest.fixture
def new_panel() -> Iterator[NewPanel]:
    """``new_panel("--demo", OLLAMACTL_LANGUAGE="en")`` makes a panel, not started yet; it ends with
    the test."""
    with ExitStack() as stack:
        # Short, since the path of a unix socket is.
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="octl-")))
        numbers = itertools.count()

        def make(
            *arguments: str, covered: bool = False, prepared: bool = False, **settings: str
        ) -> PanelProcess:
            home = folder / f"home{next(numbers)}"
            panel = PanelProcess(home, *arguments, covered=covered, prepared=prepared, **settings)
            return stack.enter_context(panel)

        yield make


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, one for a module: its event loop must not outlive the module."""
    binary = require(CHROMIUM)
    with pytest.MonkeyPatch.context() as environment:
        # Playwright runs an event loop in this thread, in which Django refuses to touch the
        # database although the tests themselves are synchronous.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=str(binary), args=list(BROWSER_ARGUMENTS)
            )
            yield chromium
            chromium.close()


@pytest.fixture
def new_context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[NewContext]:
    """``new_context(**options)`` opens another person's browser window, with cookies of its own.

    The pages of a test that failed are photographed into ``test-results``.
    """
    contexts: list[BrowserContext] = []

    def open_context(**options: Any) -> BrowserContext:
        context: BrowserContext = browser.new_context(**{"locale": "en-US", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context

    yield open_context
    failed = request.node.stash.get(TEST_FAILED, False)
    for number, context in enumerate(contexts):
        if failed:
            _photograph(context, f"{request.node.name}-{number}")
        context.close()


@pytest.fixture
def page(new_context: NewContext) -> Page:
    """A page of Chromium's in a window of its own."""
    return new_context().new_page()


def _photograph(context: BrowserContext, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    safe_name = "".join(letter if letter.isalnum() else "-" for letter in name)
    for number, page in enumerate(context.pages):
        with suppress(PlaywrightError):  # a page that hangs: its test has said what is wrong
            page.screenshot(path=SCREENSHOTS / f"{safe_name}-{number}.png", full_page=True)
