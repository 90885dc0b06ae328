"""`ollamactl preflight`: what a download would need, without beginning it."""

from __future__ import annotations

from typing import Any

import click

from ollamactl.cli.failures import ExitCode
from ollamactl.cli.remote.client import Json, Panel
from ollamactl.cli.remote.find import server_to_use
from ollamactl.cli.remote.options import json_option, server_option
from ollamactl.cli.remote.records import int_of, object_of, rows_of, text_of
from ollamactl.cli.terminal import clean, print_json, say
from ollamactl.cli.text import gettext as _
from ollamactl.lib.formats import format_duration, format_rate, format_size

BLOCK = "block"


@click.command(help=_("Look at what a download would need, without beginning it."))
@click.argument("name")
@click.option(
    "--num-ctx", type=click.IntRange(min=4), help=_("The context length in tokens to run it with.")
)
@server_option
@json_option
def preflight(name: str, num_ctx: int | None, server: str | None, as_json: bool) -> None:
    """Print the check; a verdict that blocks ends with 5."""
    panel = Panel.current()
    body: dict[str, Any] = {"name": name, "server": server_to_use(panel, server).id}
    if num_ctx is not None:
        body["context_length"] = num_ctx
    found = panel.post("models/preflight/", body)
    if as_json:
        print_json(found)
    else:
        for label, value in _lines(found):
            say(f"{label}: {value}")
        for reason in rows_of(found, "reasons"):
            say(f"- {clean(text_of(reason, 'detail') or text_of(reason, 'code'))}")
    if text_of(found, "verdict") == BLOCK:
        raise click.exceptions.Exit(ExitCode.CONFLICT)


def _lines(found: Json) -> list[tuple[str, str]]:
    disk, memory, gpu = (object_of(found, key) for key in ("disk", "memory", "gpu"))
    network, downloads = object_of(found, "network"), object_of(found, "downloads")
    size = _size(found, "download_bytes")
    if text_of(found, "estimate") in ("details", "table"):
        size = _("about %(size)s, by an estimate") % {"size": size}
    verdicts = {"ok": _("nothing speaks against it"), "warn": _("it can be tried"), BLOCK: _("no")}
    verdict = text_of(found, "verdict")
    seen = clean(text_of(object_of(found, "host"), "detail"))
    count = {"running": int_of(downloads, "running") or 0, "limit": int_of(downloads, "limit") or 0}
    return [
        (_("check"), verdicts.get(verdict) or clean(verdict)),
        (_("download"), size),
        (_("disk"), _free(disk)),
        (_("memory"), f"{_free(memory)}{_how_known(memory)}"),
        (_("GPU memory"), clean(text_of(gpu, "detail")) or _free(gpu)),
        *([(_("its machine"), seen)] if seen else []),
        (_("network"), _network(network)),
        (_("downloads"), _("%(running)d of %(limit)d on this server") % count),
    ]


def _free(part: Json) -> str:
    if int_of(part, "free") is None:
        return _("not known")
    words = {"free": _size(part, "free"), "needed": _size(part, "needed")}
    if int_of(part, "needed") is None:
        return _("%(free)s free") % words
    return _("%(free)s free, %(needed)s needed") % words


def _how_known(memory: Json) -> str:
    words = {
        "model": _("from the model itself"),
        "sibling": _("from the same model, which a server has already"),
        "table": _("estimated from a table"),
    }
    if int_of(memory, "free") is None or int_of(memory, "needed") is None:
        return ""
    said = words.get(text_of(memory, "estimate"))
    return f" ({said})" if said else ""


def _network(part: Json) -> str:
    latency, rate, seconds = (part.get(key) for key in ("latency_ms", "rate", "seconds"))
    said = []
    if isinstance(latency, (int, float)):
        said.append(_("the registry answers in %(ms)d ms") % {"ms": latency})
    if isinstance(rate, (int, float)):
        said.append(_("lately %(rate)s") % {"rate": format_rate(rate)})
    if isinstance(seconds, (int, float)) and seconds >= 1:
        said.append(_("about %(time)s") % {"time": format_duration(seconds)})
    return ", ".join(said) or _("not known")


def _size(part: Json, key: str) -> str:
    size = int_of(part, key)
    return _("not known") if size is None else format_size(size)
