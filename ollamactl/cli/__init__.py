"""The `ollamactl` command. A verb is imported when it is used, so that all start fast.

Nothing here, and nothing on the way to a verb over the API, imports Django.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from ollamactl import __version__
from ollamactl.cli.failures import CommandFailed, ExitCode
from ollamactl.cli.text import gettext as _
from ollamactl.cli.text import speak_the_language

speak_the_language()

# The verb and where its command is: "module:attribute".
VERBS: dict[str, str] = {
    "up": "ollamactl.cli.local:up",
    "web": "ollamactl.cli.local:web",
    "worker": "ollamactl.cli.local:worker",
    "prepare": "ollamactl.cli.local:prepare",
    "doctor": "ollamactl.cli.local:doctor",
    "reset-password": "ollamactl.cli.local:reset_password",
    "login": "ollamactl.cli.remote.session:login",
    "logout": "ollamactl.cli.remote.session:logout",
    "pull": "ollamactl.cli.remote.pull:pull",
    "search": "ollamactl.cli.remote.search:search",
    "preflight": "ollamactl.cli.remote.preflight:preflight",
    "downloads": "ollamactl.cli.remote.downloads:downloads",
    "move": "ollamactl.cli.remote.downloads:move",
    "settings": "ollamactl.cli.remote.settings:settings",
    "searches": "ollamactl.cli.remote.searches:searches",
    "ls": "ollamactl.cli.remote.models:list_models",
    "ps": "ollamactl.cli.remote.models:list_running",
    "start": "ollamactl.cli.remote.lifecycle:start",
    "stop": "ollamactl.cli.remote.lifecycle:stop",
    "rm": "ollamactl.cli.remote.lifecycle:remove",
    "cp": "ollamactl.cli.remote.changes:copy",
    "mv": "ollamactl.cli.remote.changes:rename",
    "bench": "ollamactl.cli.remote.bench:bench",
    "chat": "ollamactl.cli.remote.chat:chat",
    "recreate": "ollamactl.cli.remote.changes:recreate",
    "pin": "ollamactl.cli.remote.changes:pin",
    "unpin": "ollamactl.cli.remote.changes:unpin",
    "batch": "ollamactl.cli.remote.batch:batch",
    "updates": "ollamactl.cli.remote.updates:updates",
    "sync": "ollamactl.cli.remote.sync:sync",
    "conflicts": "ollamactl.cli.remote.conflicts:conflicts",
    "tasks": "ollamactl.cli.remote.tasks:tasks",
    "servers": "ollamactl.cli.remote.servers:servers",
    "connect": "ollamactl.cli.remote.connect:connect",
    "open-webui": "ollamactl.cli.remote.connect:open_webui",
}


class LazyGroup(click.Group):
    """A group of verbs that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb; None for a word that is none."""
        where = VERBS.get(cmd_name)
        if where is None:
            return None
        module, _colon, attribute = where.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{where} is no command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb. A failure is a sentence and its code; Ctrl-C ends it with 130."""
        try:
            return super().invoke(ctx)
        except CommandFailed as failure:
            failure.show()
            ctx.exit(failure.exit_code)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            ctx.exit(ExitCode.CANCELLED)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=_("Runs the panel for Ollama servers, and works with a running one from the shell."),
)
@click.version_option(__version__, prog_name="ollamactl")
def main() -> None:
    """Entry point of the `ollamactl` command."""
