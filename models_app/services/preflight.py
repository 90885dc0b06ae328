"""The check before a download: the registry, the server and its machine, within two seconds."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaModel, OllamaServer, PanelSettings
from models_app.ollama.names import ModelName
from models_app.pulls import PULL_TYPE
from models_app.resources.answering import judge_server
from models_app.resources.host import HostLook
from models_app.resources.needs import need_of
from models_app.resources.network import judge_network
from models_app.resources.origin import judge_report, origin_of
from models_app.resources.reserved import Reserved, pulls_of
from models_app.resources.room import judge_memory
from models_app.resources.space import judge_disk
from models_app.resources.verdict import NOTE, WARN, Findings, Preflight
from models_app.services.details import lacks_kv_cache, remember_kv_cache
from models_app.services.survey import survey
from ollamactl.lib.sentences import Sentence
from tasks_app.choices import State
from tasks_app.models import Task


def check_pull(
    *,
    server: OllamaServer,
    name: str,
    task: Task | None = None,
    context_length: int | None = None,
) -> Preflight:
    """Look at what a pull would need, within 2 s; what is not known by then is `unknown`.

    Only what is certain blocks: a server that is gone, a model that its registry does not have, a
    disk that is too small. `task`: the pull that begins now; those that wait behind it do not
    count. `context_length`: tokens with which the model is to run.
    """
    found, parsed = Findings(), ModelName.parse(name)
    panel = PanelSettings.objects.current()
    look, others = HostLook(server), Reserved(server, task)
    row = OllamaModel.objects.filter(server=server, key=parsed.key).first()
    answers = survey(server, parsed, row is not None and lacks_kv_cache(row))
    host = look.result()
    judge_server(found, server, answered=answers.server_answered, error=answers.server_error)
    judge_report(found, host)
    if row is not None:
        remember_kv_cache(row, answers.kv_cache)
    need = need_of(row, parsed, answers, context_length)
    network = judge_network(found, server, answers, need)
    reserved = others.beside(host)
    disk = judge_disk(found, server, host, need, panel=panel, task=task, reserved=reserved)
    memory, gpu = judge_memory(found, server, host, need, panel=panel)
    downloads = _downloads(found, server, panel, task)
    if server.is_simulated:
        found.add(NOTE, "simulated", _("This server is simulated: nothing is really downloaded."))
    return Preflight(
        verdict=found.verdict,
        download_bytes=need.download,
        estimate=need.source,
        disk=disk,
        memory=memory,
        gpu=gpu,
        network=network,
        downloads=downloads,
        host=origin_of(host),
        reasons=tuple(found.reasons),
        manifest=answers.manifest,
    )


def _downloads(
    found: Findings, server: OllamaServer, panel: PanelSettings, task: Task | None
) -> dict[str, Any]:
    """How many downloads are at work against the limits, and what a new one has to wait for."""
    limit, overall = panel.downloads_on(server), panel.downloads_overall
    running = Count("pk", filter=Q(state=State.RUNNING))
    here = pulls_of(server, (State.QUEUED, State.RUNNING), task).order_by()
    on_server = here.aggregate(before=Count("pk"), running=running)
    every = Task.objects.filter(type=PULL_TYPE, state=State.RUNNING).order_by().count()
    if task is None and panel.downloads_held:
        held = _("Downloads are held: this one waits until somebody lets them go on.")
        found.add(WARN, "downloads_held", held)
    elif task is None and on_server["before"] >= limit:
        detail = Sentence(
            _("Downloads before this one: {count}. This server runs {limit} at once."),
            count=on_server["before"],
            limit=limit,
        )
        found.add(WARN, "queued_behind", detail)
    elif task is None and overall is not None and every >= overall:
        text = _("As many downloads are running as the panel runs at once: {limit}.")
        found.add(WARN, "queued_overall", Sentence(text, limit=overall))
    return {
        "running": on_server["running"],
        "limit": limit,
        "overall_running": every,
        "overall_limit": overall,
        "held": panel.downloads_held,
    }
