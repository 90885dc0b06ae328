"""`ollamactl sync`: bring the panel's models in line with the servers."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.display import spinner_for
from ollamactl.cli.remote.find import find_server
from ollamactl.cli.remote.options import detach_option, json_option
from ollamactl.cli.remote.pull import accepted_task
from ollamactl.cli.remote.records import int_of, rows_of
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import print_json, say
from ollamactl.cli.text import gettext as _


@click.command(help=_("Read what the servers have, and bring the panel's list in line with it."))
@click.option("--server", metavar="NAME", help=_("Only this server, by name or id."))
@click.option(
    "--on-conflict",
    type=click.Choice(["server", "panel", "report"]),
    help=_("Who is right where the two differ; the server if nothing is said."),
)
@detach_option
@json_option
def sync(server: str | None, on_conflict: str | None, detach: bool, as_json: bool) -> None:
    """Sync one server or all."""
    panel = Panel.current()
    body: dict[str, Any] = {}
    if server is not None:
        body["server"] = find_server(panel, server).id
    if on_conflict is not None:
        body["on_conflict"] = on_conflict
    task = accepted_task(panel.post("models/sync/", body))
    if not detach:
        task = watch(panel, task.id, spinner_for(_("syncing"), as_json=as_json))
    if as_json:
        print_json({"task": task.raw})
    if detach:
        if not as_json:
            say(str(task.id))
        return
    require_success(task)
    if not as_json:
        say(_summary(task.result))


def _summary(result: dict[str, Any]) -> str:
    return _(
        "added %(added)d, updated %(updated)d, deleted %(deleted)d, "
        "unchanged %(unchanged)d, conflicts %(conflicts)d"
    ) % {
        "added": int_of(result, "added") or 0,
        "updated": int_of(result, "updated") or 0,
        "deleted": int_of(result, "deleted") or 0,
        "unchanged": int_of(result, "unchanged") or 0,
        "conflicts": int_of(result, "conflicts") or len(rows_of(result, "conflicts")),
    }
