"""The options that several verbs share."""

from __future__ import annotations

import click

from ollamactl.cli.text import gettext as _

json_option = click.option("--json", "as_json", is_flag=True, help=_("Print JSON for programs."))
server_option = click.option(
    "--server", metavar="NAME", help=_("The server, by name or id; needed if there are several.")
)
detach_option = click.option(
    "--detach", is_flag=True, help=_("Print the task's number and do not wait for its end.")
)
