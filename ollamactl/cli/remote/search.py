"""`ollamactl search`: what there is to pull, from the catalogue that the panel ships."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.failures import ApiError, CommandFailed, ExitCode
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.find import find_server
from ollamactl.cli.remote.options import json_option
from ollamactl.cli.remote.records import int_of, rows_of, text_of
from ollamactl.cli.terminal import clean, note, print_json, print_table
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_size


@click.command(help=_("Find models to pull; TEXT is a name, a maker or a purpose."))
@click.argument("text", required=False)
@click.option(
    "--capability", metavar="WORD", help=_("Only what can do this: tools, vision, embedding …")
)
@click.option("--max-size", metavar="SIZE", help=_("The largest download, for example 5GB."))
@click.option("--server", metavar="NAME", help=_("Say what this server has room for."))
@click.option("--fits", is_flag=True, help=_("Only what the server has room for."))
@json_option
def search(
    text: str | None,
    capability: str | None,
    max_size: str | None,
    server: str | None,
    fits: bool,
    as_json: bool,
) -> None:
    """List downloads of well-known models; other names are asked of their registry by `pull`."""
    if fits and server is None:
        raise CommandFailed(_("Say with --server which server it is."), exit_code=ExitCode.USAGE)
    panel = Panel.current()
    given = {"search": text, "capability": capability, "max_size": max_size}
    params: dict[str, Any] = {name: value for name, value in given.items() if value}
    if server is not None:
        params["server"] = find_server(panel, server).id
    if fits:
        params["fits"] = "true"
    families = _families(panel, params)
    if as_json:
        print_json(families)
        return
    _print(families, text or "", with_room=server is not None)


def _families(panel: Panel, params: dict[str, Any]) -> list[Json]:
    try:
        return list(panel.every("catalogue/", params))
    except ApiError as error:
        if error.status == 400:
            error.exit_code = ExitCode.USAGE
        raise


def _print(families: list[Json], text: str, *, with_room: bool) -> None:
    headings = ["NAME", "PARAMETERS", "SIZE", "QUANTIZATION", *(["FITS"] if with_room else [])]
    rows = [_row(tag, with_room=with_room) for one in families for tag in rows_of(one, "tags")]
    print_table(headings, rows)
    if families:
        day = clean(text_of(families[0], "as_of"))
        note(_("As of %(date)s; sizes are approximate.") % {"date": day})
    elif text:
        note(_("It is not in the catalogue. Its registry is asked by: ollamactl pull %(name)s")
             % {"name": clean(text)})  # fmt: skip


def _row(tag: Json, *, with_room: bool) -> list[str]:
    size = int_of(tag, "size")
    cells = [
        text_of(tag, "name"),
        text_of(tag, "parameter_size"),
        "-" if size is None else format_size(size),
        text_of(tag, "quantization"),
    ]
    if with_room:
        fits = tag.get("fits")
        here = _("installed") if tag.get("installed") is True else _("yes")
        words = {True: here, False: text_of(tag, "lacks") or _("no")}
        cells.append(words.get(fits, _("unknown")) if isinstance(fits, bool) else _("unknown"))
    return cells
