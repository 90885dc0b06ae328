"""`ollamactl chat` at a whole running panel, with a simulated Ollama behind it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ollamactl.simulator.running import RunningSimulator, running_simulator
from tests.cli.test_end_to_end import Shell, real_panel
from tests.components.panel import PanelProcess
from tests.components.waiting import wait_until
from tests.helpers.terminal import COLUMNS, CTRL_C, Terminal

__all__ = ["real_panel"]
MB = 1_000_000


@pytest.fixture(scope="module")
def ollama() -> Iterator[RunningSimulator]:
    with running_simulator(tokens_per_second=40) as running:
        running.control.publish("talker", MB)
        running.control.publish("vectors", MB, family="bert")
        running.control.install("talker", "vectors")
        yield running


@pytest.fixture(scope="module")
def shell(real_panel: PanelProcess, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    shell = Shell(real_panel, tmp_path_factory.mktemp("config"))
    wait_until(lambda: "talker" in shell.run("ls"), "the panel knows the model", 20)
    return shell


def test_one_question_is_answered_on_stdout(shell: Shell) -> None:
    said = shell.run("chat", "talker", "Hello you")
    assert 'You wrote: "Hello you"' in said
    piped = shell.run("chat", "talker", "Sum this up:", stdin="one two three")
    assert 'You wrote: "Sum this up: one two three"' in piped


def test_json_is_one_event_a_line(shell: Shell) -> None:
    lines = [json.loads(line) for line in shell.run("chat", "talker", "Hi", "--json").splitlines()]
    *parts, last = lines
    text = "".join(part["text"] for part in parts if part["event"] == "text")
    assert last["message"]["content"] == text
    assert (last["event"], last["message"]["state"]) == ("answer", "complete")
    again = shell.run(
        "chat", "--session", str(last["chat"]), "And", "you?", "--system", "Be brief."
    )
    assert 'You wrote: "And you?"' in again


def test_what_goes_wrong_ends_with_its_code(shell: Shell, ollama: RunningSimulator) -> None:
    assert "makes embeddings only" in shell.run("chat", "vectors", "Hi", code=1)
    assert "was not found" in shell.run("chat", "nothing", "Hi", code=4)
    assert "Say which model" in shell.run("chat", code=2)
    ollama.control.fault("http_500_empty", endpoint="/api/chat", count=1)
    assert "Error:" in shell.run("chat", "talker", "Hi", code=1)


def test_an_answer_by_a_schema(shell: Shell) -> None:
    schema = json.dumps({"type": "object", "required": ["you_wrote"]})
    said = shell.run("chat", "talker", "red", "--format", schema)
    assert json.loads(said)["you_wrote"] == "red"
    for wrong in ("xml", "[1]", "{", "3"):
        assert "object in JSON" in shell.run("chat", "talker", "Hi", "--format", wrong, code=2)
    assert "says something" in shell.run("chat", "talker", "Hi", "--format", "{}", code=2)


def test_a_level_of_thinking(shell: Shell, ollama: RunningSimulator) -> None:
    ollama.control.install("qwen3:0.6b")
    shell.run("sync")
    wait_until(lambda: "qwen3" in shell.run("ls"), "the panel knows the model", 20)

    def thought(*options: str) -> str:
        out = shell.run("chat", "qwen3:0.6b", "Hi", "--json", *options)
        events = [json.loads(line) for line in out.splitlines()]
        return str(events[-1]["message"]["thinking"])

    assert thought("--think=high").endswith("At high level.")
    assert thought("--think-level", "low").endswith("At low level.")
    assert thought("--think=true").endswith("thinking looks.")
    assert not thought("--think=false")
    assert "--think=x" in shell.run("chat", "talker", "--", "Hi", "--think=x")
    assert "not one of" in shell.run("chat", "talker", "Hi", "--think=much", code=2)
    assert "cannot think" in shell.run("chat", "talker", "Hi", "--think=max", code=1)


def test_a_talk_on_a_terminal(shell: Shell, tmp_path: Path) -> None:
    terminal = Terminal(shell.environment, "chat", "talker")
    terminal.wait_for(">>> ")
    terminal.press("Hello you\n")
    terminal.wait_for('You wrote: "Hello you"')
    terminal.press("/set parameter temperature 0.5\n")
    terminal.wait_for("0.5 now")
    terminal.press("/nonsense\n")
    terminal.wait_for("There is no command")
    terminal.press("word " * 50 + "end\n")
    terminal.wait_for("no model has run")
    terminal.press(CTRL_C)
    terminal.wait_for(">>> ")
    assert 'end"' not in terminal.screen
    terminal.press("/bye\n")
    assert terminal.end() == 0
    assert "ollamactl chat --session" in terminal.screen
    terminal.close()


def test_the_settings_of_a_talk(shell: Shell) -> None:
    with Terminal(shell.environment, "chat", "talker", "--format", "json") as terminal:
        terminal.wait_for(">>> ")
        for line, said in (
            ("/set verbose", "All figures are shown"),
            ("/set wordwrap", "Lines end between words."),
            ("/set nohistory", "not brought back"),
            ('/set system """You are\na sailor."""', "The system prompt is set"),
        ):
            terminal.press(f"{line}\n")
            terminal.wait_for(said)
        terminal.press("one two three\n")
        terminal.wait_for("in all: ")
        assert '"you_wrote": "one two three"' in terminal.screen
        assert "prompt: " in terminal.screen
        for line, said in (
            ("/set quiet", "No figures are shown"),
            ("/set noformat", "as the model writes them"),
            ("/set history", "brings back what you write"),
        ):
            terminal.press(f"{line}\n")
            terminal.wait_for(said)
        terminal.press("word " * 20 + "\n")
        terminal.wait_for('word"\r\n')
        terminal.wait_for(">>> ")
        assert "in all: " not in terminal.screen
        answer = terminal.screen[terminal.screen.index("This is a simulated") :]
        shown = [line for line in answer.split("\r\n") if "word" in line]
        assert len(shown) > 1
        assert all(len(line) <= COLUMNS for line in shown)
        assert all(set(line.split()) <= {"word", 'word"'} for line in shown[1:])
        terminal.press("/bye\n")
        assert terminal.end() == 0


def statuses(shell: Shell) -> dict[str, str]:
    return {row["name"]: row["status"] for row in shell.json("ls")}


def test_a_talk_is_saved_as_a_model(shell: Shell) -> None:
    with Terminal(shell.environment, "chat", "talker") as terminal:
        terminal.wait_for(">>> ")
        terminal.press("/set system You are a sailor.\n")
        terminal.wait_for("The system prompt is set")
        terminal.press("/save sailor\n")
        terminal.wait_for("“sailor:latest” is being made")
        wait_until(lambda: statuses(shell).get("sailor:latest") == "stopped", "it is made", 20)
        terminal.press("/save sailor\n")
        terminal.wait_for("Error:")
        terminal.press("/load sailor\n")
        terminal.wait_for("goes on with “sailor:latest”")
        terminal.press("Hello you\n")
        terminal.wait_for("simulated answer by sailor:latest")
        terminal.press("/bye\n")
        assert terminal.end() == 0
