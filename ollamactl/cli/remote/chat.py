"""`ollamactl chat`: talk to a model, as with `ollama run`; the chat stays at the panel."""

from __future__ import annotations

import json
import sys

import click

from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode
from ollamactl.cli.remote.answers import Answer, ChatWire, Screen
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.desk import Desk
from ollamactl.cli.remote.find import find_model
from ollamactl.cli.remote.options import json_option, server_option
from ollamactl.cli.remote.records import float_of, int_of, object_of, text_of
from ollamactl.cli.remote.screens import JsonScreen, TextScreen
from ollamactl.cli.terminal import clean, clean_block, note, print_json, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_figure
from ollamactl.lib.slash import is_command


class _ChatCommand(click.Command):
    """Takes `--think=high` too, as `ollama run` does; click's switches have no values."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        return super().parse_args(ctx, [*map(_with_level, args[:end]), *args[end:]])


def _format(text: str | None) -> str | Json | None:
    """`json`, or the schema that a text is; usage for anything else."""
    if text is None or text == "json":
        return text
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        schema = None
    if not isinstance(schema, dict):
        raise click.BadParameter(_("Write json, or a JSON schema: an object in JSON."))
    return schema


def _with_level(argument: str) -> str:
    name, _equals, value = argument.partition("=")
    if name != "--think":
        return argument
    return {"": name, "true": name, "false": "--no-think"}.get(value, f"--think-level={value}")


@click.command(
    cls=_ChatCommand,
    help=_(
        "Chat with a model. With a PROMPT, or one on stdin, it is answered once; else type, and "
        "/? shows what else there is. --session goes on with an earlier chat and needs no MODEL."
    ),
)
@click.argument("words", metavar="MODEL [PROMPT]", nargs=-1)
@server_option
@click.option("--system", metavar="TEXT", help=_("The system prompt."))
@click.option("--session", type=int, metavar="ID", help=_("Go on with this chat."))
@click.option("--think/--no-think", default=None, help=_("Whether the model thinks first."))
@click.option(
    "--think-level",
    type=click.Choice(["low", "medium", "high", "max"]),
    help=_("How much it thinks first. Few models know levels."),
)
@click.option(
    "--format",
    "form",
    metavar="json|SCHEMA",
    callback=lambda _ctx, _option, value: _format(value),
    help=_("Let the model answer in JSON, or in such JSON as fits a schema: --format '{…}'."),
)
@click.option(
    "--verbose/--quiet", default=None, help=_("Show how fast each answer was, and what it took.")
)
@json_option
def chat(
    words: tuple[str, ...],
    server: str | None,
    system: str | None,
    session: int | None,
    think: bool | None,
    think_level: str | None,
    form: str | Json | None,
    verbose: bool | None,
    as_json: bool,
) -> None:
    """Ask once, or talk."""
    if session is None and not words:
        raise CommandFailed(_("Say which model: ollamactl chat MODEL"), exit_code=ExitCode.USAGE)
    panel = Panel.current()
    typed = words if session is not None else words[1:]
    prompt = _prompt(typed)
    thinks = think_level or think
    settings = {"system": system, "think": thinks, "format": form, "verbose": verbose}
    wanted = {name: value for name, value in settings.items() if value is not None}
    if session is None:
        model = find_model(panel, words[0], server)
        row = panel.post("chats/", {"model": model.id, **wanted})
    else:
        path = f"chats/{session}/"
        row = panel.patch(path, wanted) if wanted else panel.get(path)
    talk = Talk(panel, row, as_json=as_json)
    try:
        if prompt:
            talk.once(prompt)
        else:
            talk.run()
    finally:
        talk.close()


class Talk:
    """One chat, in a shell."""

    def __init__(self, panel: Panel, row: Json, *, as_json: bool) -> None:
        self._panel = panel
        self._id = int_of(row, "id") or 0
        self._row = row
        self._as_json = as_json
        self._desk = Desk()
        self._wire = ChatWire(panel, self._id)

    def close(self) -> None:
        """Hang up; the chat stays."""
        self._wire.close()

    def once(self, prompt: str) -> None:
        """One question, one answer; ends the command as the answer ended."""
        message = self._ask(prompt)
        state = text_of(message, "state")
        if state == "stopped":
            raise click.exceptions.Exit(ExitCode.CANCELLED)
        if state == "failed":
            raise CommandFailed(_why(message))

    def run(self) -> None:
        """Ask and answer until the person leaves."""
        import readline  # noqa: F401 - gives `input` its history and its keys

        name = clean(text_of(self._row, "model_name"))
        note(_("Chat %(id)d with %(name)s. /? shows commands, /bye leaves.")
             % {"id": self._id, "name": name})  # fmt: skip
        while True:
            line = self._desk.read_line()
            if line is None or not self._do(line):
                break
        note(_("The chat stays: ollamactl chat --session %d") % self._id)

    def _do(self, line: str) -> bool:
        """Do what a line says; False to leave. A failure is said, and the chat goes on."""
        if not line.strip():
            return True
        try:
            if is_command(line):
                return self._command(line)
            message = self._ask(line)
        except ApiError as error:
            note(_("Error: %(detail)s") % {"detail": clean(error.message)})
            return True
        if text_of(message, "state") == "failed":
            note(_("Error: %(detail)s") % {"detail": clean(_why(message))})
        return True

    def _command(self, line: str) -> bool:
        said = self._own(line) or self._panel.post(f"chats/{self._id}/command/", {"command": line})
        self._row = object_of(said, "chat") or self._row
        if self._as_json:
            print_json({"event": "command", **said})
        elif text := text_of(said, "text"):
            say(clean_block(text))
        return text_of(said, "action") != "leave"

    def _own(self, line: str) -> Json | None:
        """What a command says that is not the panel's to do."""
        text = self._desk.set(line)
        return None if text is None else {"text": text, "action": ""}

    def _ask(self, prompt: str) -> Json:
        """Ask, and show the answer to its end. Ctrl-C stops it; what was written stays."""
        self._wire.open()
        asked = self._panel.post(f"chats/{self._id}/messages/", {"content": prompt})
        screen: Screen = JsonScreen() if self._as_json else TextScreen(wraps=self._desk.wraps)
        answer = Answer(self._panel, self._id, object_of(asked, "answer"), screen)
        try:
            message = self._follow(answer)
        finally:
            screen.end()
        if self._as_json:
            print_json({"event": "answer", "chat": self._id, "message": message})
        elif self._row.get("verbose") is True:
            _tell(message)
        return message

    def _follow(self, answer: Answer) -> Json:
        try:
            return answer.follow(self._wire)
        except KeyboardInterrupt:
            answer.stop()
            return answer.follow(self._wire)


def _prompt(words: tuple[str, ...]) -> str:
    """What is typed behind the model, and what comes on stdin."""
    typed = " ".join(words)
    piped = "" if sys.stdin.isatty() else sys.stdin.read().strip("\n")
    return "\n\n".join(part for part in (typed, piped) if part)


def _why(message: Json) -> str:
    return text_of(object_of(message, "error"), "detail") or _("The answer failed.")


def _tell(message: Json) -> None:
    """How fast it was, and what it took."""
    for name, text in (
        ("prompt_tokens", _("prompt: %(figure)s tokens")),
        ("tokens", _("answer: %(figure)s tokens")),
        ("load_seconds", _("loaded in %(figure)s s")),
        ("first_token_seconds", _("first token after %(figure)s s")),
        ("token_rate", _("answer: %(figure)s tokens a second")),
        ("seconds", _("in all: %(figure)s s")),
    ):
        value = float_of(message, name)
        if value is not None:
            note(text % {"figure": format_figure(value)})
