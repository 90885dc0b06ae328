"""The components themselves: what other tests take for granted of them."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import ollama
import pytest
from playwright.sync_api import Page, expect

from tests.components.fixtures import NewOllama
from tests.components.ollama_server import OllamaProcess
from tests.components.registry import PushedModel, RegistryProcess
from tests.components.waiting import wait_until


class Pull(threading.Thread):
    """A pull that runs while the test goes on; `lines` are what Ollama said."""

    def __init__(self, server: OllamaProcess, name: str) -> None:
        super().__init__(daemon=True)
        self.lines: list[ollama.ProgressResponse] = []
        self._client = ollama.Client(server.url)
        self._name = name
        self.start()

    def run(self) -> None:
        try:
            self.lines.extend(self._client.pull(self._name, insecure=True, stream=True))
        except (httpx.TransportError, ollama.ResponseError) as error:
            self.lines.append(ollama.ProgressResponse(status=f"error: {error}"))

    @property
    def outcome(self) -> str | None:
        return self.lines[-1].status if self.lines and not self.is_alive() else None


@contextmanager
def pulling(server: OllamaProcess, name: str) -> Iterator[Pull]:
    pull = Pull(server, name)
    yield pull
    pull.join(timeout=30)
    assert not pull.is_alive()


def test_tiny_model_answers_for_real(real_ollama: OllamaProcess, real_model_name: str) -> None:
    answer = ollama.Client(real_ollama.url).generate(
        real_model_name, "Say hello.", options={"num_predict": 4}
    )
    assert answer.response
    assert answer.eval_count == 4


def test_server_comes_back_from_a_kill_with_its_models(
    real_ollama: OllamaProcess, real_model_name: str
) -> None:
    real_ollama.kill()
    with pytest.raises(ConnectionError):
        ollama.Client(real_ollama.url).list()
    real_ollama.start()
    names = [model.model for model in ollama.Client(real_ollama.url).list().models]
    assert names == [real_model_name]


def test_pushed_model_is_pulled_with_the_digest_of_its_manifest(
    real_ollama: OllamaProcess, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model(size=200_000)
    client = ollama.Client(real_ollama.url)
    assert client.pull(pushed.name, insecure=True).status == "success"
    listed = {model.model: model for model in client.list().models}
    assert listed[pushed.name].digest == pushed.digest
    assert listed[pushed.name].size == pushed.size


def test_stalled_download_goes_on_when_the_registry_does(
    real_ollama: OllamaProcess, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model(size=2_000_000)
    real_registry.blobs.rate = 1_000_000
    with pulling(real_ollama, pushed.name) as pull:
        wait_until(lambda: real_registry.blobs.sent > 300_000, "some of it was sent")
        real_registry.blobs.stall()
        assert pull.is_alive()
        assert real_registry.blobs.sent < pushed.size
        real_registry.blobs.resume()
    assert pull.outcome == "success"


def test_throttle_keeps_to_its_rate(
    real_ollama: OllamaProcess, real_registry: RegistryProcess
) -> None:
    pushed = real_registry.push_random_model(size=1_000_000)
    real_registry.blobs.rate = 1_000_000
    started = time.monotonic()
    ollama.Client(real_ollama.url).pull(pushed.name, insecure=True)
    assert time.monotonic() - started >= 0.8


def test_real_model_downloads_into_an_empty_server(
    new_ollama: NewOllama, pullable_model: PushedModel
) -> None:
    server = new_ollama()
    client = ollama.Client(server.url)
    assert client.pull(pullable_model.name, insecure=True).status == "success"
    answer = client.generate(pullable_model.name, "Hi", options={"num_predict": 1})
    assert answer.eval_count == 1


def test_refusing_registry_is_an_error_to_ollama(
    real_ollama: OllamaProcess, real_registry: RegistryProcess
) -> None:
    with pytest.raises(ollama.ResponseError, match="file does not exist"):
        ollama.Client(real_ollama.url).pull(f"{real_registry.host}/library/absent", insecure=True)


def test_browser_renders_a_page(page: Page) -> None:
    page.set_content("<button onclick=\"this.textContent='pressed'\">press</button>")
    page.get_by_role("button").click()
    expect(page.get_by_role("button")).to_have_text("pressed")
