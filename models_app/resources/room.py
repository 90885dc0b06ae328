"""Memory and GPU memory for a model that is to run: a warning at most, since a download needs
neither."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from models_app.models import OllamaServer, PanelSettings
from models_app.resources.host import Host
from models_app.resources.machine import GpuProblem
from models_app.resources.needs import Need
from models_app.resources.verdict import NOTE, OK, UNKNOWN, WARN, Findings
from ollamactl.lib.sentences import Sentence
from ollamactl.lib.units import format_size


def judge_memory(
    found: Findings, server: OllamaServer, host: Host, need: Need, *, panel: PanelSettings
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `memory` and the `gpu` of a check, in bytes; the model is looked at as Ollama loads it:
    into the GPUs as far as they reach, the rest into main memory."""
    _say_what_is_slow(found, host)
    kept = panel.memory_kept(server)
    card_free = free_on_cards(host)
    free = host.memory.free if host.memory else None
    memory = {
        "state": memory_state(host, need.memory, kept=kept),
        "free": free,
        "total": host.memory.total if host.memory else None,
        "kept": kept,
        "needed": need.memory,
        "context_length": need.context,
        "estimate": need.memory_source,
    }
    if memory["state"] == WARN:
        _warn(found, need.memory or 0, host)
    return memory, _gpu(found, host, need, card_free)


def free_on_cards(host: Host) -> int:
    """The free bytes of all GPUs."""
    return sum(gpu.free or 0 for gpu in host.gpus or [])


def knows_cards(host: Host) -> bool:
    """Whether the memory of every GPU is known, should there be any."""
    return host.gpus is not None and all(gpu.free is not None for gpu in host.gpus)


def gpu_words(host: Host) -> str:
    """Why the GPUs are not known, else that there are none; empty where there are."""
    if host.gpus is None:
        return str(GpuProblem(host.gpu_problem).label) if host.gpu_problem else ""
    return "" if host.gpus else gettext("no NVIDIA GPU")


def memory_state(host: Host, needed: int | None, *, kept: int) -> str:
    """Whether so many bytes fit: what the GPUs do not take, beside what is kept of main memory."""
    if host.memory is None or needed is None:
        return UNKNOWN
    in_main = max(0, needed - free_on_cards(host))
    return OK if not in_main or in_main + kept <= host.memory.free else WARN


def _gpu(found: Findings, host: Host, need: Need, free: int) -> dict[str, Any]:
    state = UNKNOWN
    if host.gpus and need.memory is not None:
        is_short = need.memory > free
        state = OK if not is_short else (WARN if knows_cards(host) else UNKNOWN)
    if state == WARN:
        detail = Sentence(
            _(
                "The GPUs have {free} free of {needed} that the model needs: the rest of it runs "
                "on the processor, which is slower."
            ),
            free=format_size(free),
            needed=format_size(need.memory or 0),
        )
        found.add(NOTE, "gpu_partly", detail)
    is_said = host.gpus == [] or any(gpu.free is not None for gpu in host.gpus or [])
    return {
        "state": state,
        "free": free if is_said else None,
        "total": sum(gpu.total or 0 for gpu in host.gpus or []) if is_said else None,
        "needed": need.memory,
        "devices": [
            {
                "name": gpu.name,
                "free": gpu.free,
                "total": gpu.total,
                "state": gpu.state,
                "problem": gpu.problem,
            }
            for gpu in host.gpus or []
        ],
        "problem": host.gpu_problem,
        "detail": gpu_words(host),
    }


def _warn(found: Findings, needed: int, host: Host) -> None:
    assert host.memory is not None  # noqa: S101 - narrows the type
    total = host.memory.total + sum(gpu.total or 0 for gpu in host.gpus or [])
    sizes = {"needed": format_size(needed), "free": format_size(host.memory.free)}
    if needed > total:
        text = _("The model needs about {needed} of memory to run; its machine has {total} in all.")
        found.add(WARN, "memory_too_small", Sentence(text, **sizes, total=format_size(total)))
        return
    text = _(
        "To run, the model needs about {needed} of memory; {free} are free just now. It can be "
        "downloaded all the same."
    )
    found.add(WARN, "memory_short", Sentence(text, **sizes))


def _say_what_is_slow(found: Findings, host: Host) -> None:
    if "memory" in host.slow:
        found.add(WARN, "memory_timeout", _("The memory could not be looked at in time."))
    if "gpu" in host.slow:
        found.add(WARN, "gpu_timeout", _("The GPUs could not be looked at in time."))
