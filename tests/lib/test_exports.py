"""Plain data as `.env` and YAML, read back by a shell and by a YAML reader."""

from __future__ import annotations

import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ollamactl.lib.exports import to_env, to_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS, DATA, min_size=1, max_size=4))
def test_yaml_is_read_back_as_it_was(data: dict[str, object]) -> None:
    assert yaml.safe_load(to_yaml(data)) == data


def test_yaml_looks_like_what_people_write() -> None:
    data = {"server": "Lab", "url": "http://h:1", "env": {"A_B": "x y"}, "list": [{"a": 1, "b": 2}]}
    assert to_yaml(data) == (
        'server: Lab\nurl: "http://h:1"\nenv:\n  A_B: "x y"\nlist:\n  - a: 1\n    b: 2\n'
    )


@pytest.mark.parametrize("value", ["http://h:1/a'b", "$(id) `id` ${HOME}", 'a "b" c', "模型"])
def test_a_shell_reads_env_as_it_was(value: str) -> None:
    text = to_env({"NAME": value, "EMPTY": ""})
    script = f'{text}\nprintf %s "$NAME"'
    run = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)
    assert run.stdout == value


def test_env_says_what_is_left_to_fill_in() -> None:
    text = to_env({"URL": "http://h:1", "KEY": ""}, comment="Lab\nevil=1", untold="Your secret")
    assert text == "# Lab evil=1\nURL=http://h:1\n# Your secret\nKEY=\n"
