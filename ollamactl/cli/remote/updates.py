"""`ollamactl updates`: which models have a newer version in their registry."""

from __future__ import annotations

import click

from ollamactl.cli.remote.accepted import accepted_task
from ollamactl.cli.remote.client import Panel
from ollamactl.cli.remote.display import display_for
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import Model, int_of, text_of
from ollamactl.cli.remote.watch import require_success, watch
from ollamactl.cli.terminal import note, print_json, print_table
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import group_thousands


@click.command(help=_("List the models that have a newer version in their registry."))
@click.option("--check", is_flag=True, help=_("Ask the registries first."))
@json_option
def updates(check: bool, as_json: bool) -> None:
    """Show what is outdated."""
    panel = Panel.current()
    if check:
        task = accepted_task(panel.post("models/updates/"))
        display = display_for(_("asking the registries"), as_json=as_json)
        require_success(watch(panel, task.id, display))
    known = panel.get("models/updates/")
    rows = list(panel.every("models/", {"outdated": "true"}))
    if as_json:
        print_json({"event": "result", **known, "models": rows})
        return
    if rows:
        models = [Model.of(row) for row in rows]
        print_table([_("NAME"), _("SERVER")], [[each.name, each.server_name] for each in models])
        note(_("Update them: ollamactl batch update --filter outdated=true"))
    else:
        note(_("No model is known to be outdated."))
    if unknown := int_of(known, "unknown"):
        said = _("Of %s models it is not known. Ask: ollamactl updates --check")
        note(said % group_thousands(unknown))
    if not text_of(known, "checked_at"):
        note(_("The registries have not been asked yet."))
