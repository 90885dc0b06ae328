"""The parameters of a model as its server says them: kept with their version, and read again."""

from __future__ import annotations

import pytest

from models_app.ollama.types import ModelDetails, ShowInfo
from models_app.services import details, states
from models_app.services.parameters import known_lines, read_lines
from tests.factories import OllamaModelFactory


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("", ""),
        ("num_ctx                        4096", "num_ctx 4096"),
        ('stop    "a"\nstop    "b c"', 'stop "a"\nstop "b c"'),
        ("own 3\nseed 7\nseed", "seed 7"),  # what the panel does not know cannot be given
        ('stop "a"\nstop "\\n"\ntop_k 5', "top_k 5"),  # no line can hold it
    ],
)
def test_lines_that_may_be_given_again(said: str, lines: str) -> None:
    found = known_lines(said.splitlines())
    assert found == lines
    read_lines(found)  # raises nothing


@pytest.mark.django_db
def test_they_are_kept_when_a_model_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    async def show(_model: object) -> ShowInfo:
        return ShowInfo(details=ModelDetails(), parameters="num_ctx 4096")

    monkeypatch.setattr(details, "_show", show)
    model = OllamaModelFactory()
    details.describe_model(model)
    model.refresh_from_db()
    assert model.parameter_lines == ["num_ctx 4096"]


@pytest.mark.django_db
def test_another_version_has_others() -> None:
    model = OllamaModelFactory(parameter_lines=["num_ctx 4096"])
    assert states.take_facts(model, {"digest": model.digest}) == []
    assert "parameter_lines" in states.take_facts(model, {"digest": "ab"})
    assert model.parameter_lines is None
    states.take_facts(model, {"digest": "cd", "parameter_lines": ["seed 7"]})
    assert model.parameter_lines == ["seed 7"]
