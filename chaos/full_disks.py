"""The scenarios in which a disk is full: the panel's own, and that of Ollama's models."""

from __future__ import annotations

import time
from pathlib import Path

from chaos.disk import small_disk
from chaos.playing import play, upstream_of
from chaos.stage import (
    END_SECONDS,
    READY_SECONDS,
    SLOWLY,
    Options,
    Stage,
    running_stage,
    somebody_watching,
)
from chaos.upstream import unseen_upstream
from chaos.verdict import Expected, Verdict, judge, judge_rest
from tests.components.inventory import MissingComponent

HOME_MB, MODELS_MB = 80, 200
# What the pulls have to leave free, and what the other program leaves.
KEPT, LEFT = 64_000_000, 32_000_000


def home_fills(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
    """Nothing can be written down for a while."""
    with small_disk(folder / "disk", HOME_MB) as disk:

        def fill(stage: Stage) -> None:
            disk.fill()
            time.sleep(options.hold)
            disk.free()

        with (
            upstream_of(kind, folder) as upstream,
            running_stage(upstream, folder, options, home=disk.folder / "h") as stage,
        ):
            return play(stage, fill, Expected(), options.pulls)


def models_fill(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
    """The panel sees it, pauses every pull before the disk is full, and goes on when told to."""
    _check_stores(kind)
    with (
        small_disk(folder / "ollama" / "models", MODELS_MB) as disk,
        upstream_of(kind, folder) as upstream,
        running_stage(upstream, folder, options) as stage,
    ):
        stage.limit(keep_free_disk=KEPT)
        _pull_on_and_on(stage, options.pulls)
        with somebody_watching(stage):
            disk.fill(LEFT)
            stage.wait(lambda: stage.are_all("paused"), "all pulls are paused", READY_SECONDS)
            time.sleep(options.hold)
            paused = list(judge_rest(stage, "paused"))
            paused += [
                f"task {row['id']} is paused without that reason: {row['error']}"
                for row in stage.rows()
                if (row["error"] or {}).get("code") != "disk_filling"
            ]
            stage.note_errors()
            disk.free()
            stage.tell_all("resume")
            stage.finish()
            verdict = judge(stage, Expected())
            verdict.broken[:0] = paused
            return verdict, stage.notes


def unseen_models_fill(kind: str, folder: Path, options: Options) -> tuple[Verdict, list[str]]:
    """Every pull fails with a sentence about the disk; once there is room a retry succeeds."""
    _check_stores(kind)
    with (
        small_disk(folder / "ollama" / "models", MODELS_MB) as disk,
        unseen_upstream(folder) as upstream,
        running_stage(upstream, folder, options) as stage,
    ):
        _pull_on_and_on(stage, options.pulls)
        with somebody_watching(stage):
            disk.fill()
            stage.finish()
            verdict = judge(stage, Expected(state="failed", sent_share=2.0))
            stage.note_errors()
            disk.free()
            stage.tell_all("retry")
            stage.wait(stage.have_ended, "the retries have ended", END_SECONDS)
            verdict.succeeded = sum(row["state"] == "succeeded" for row in stage.rows())
            verdict.broken += judge_rest(stage, "succeeded")
            return verdict, stage.notes


def _pull_on_and_on(stage: Stage, count: int) -> None:
    """Begin the pulls, of which none is to end before the disk is full."""
    stage.pull_all(count)
    stage.upstream.pace(10 * SLOWLY, count)


def _check_stores(kind: str) -> None:
    if kind == "simulated":
        raise MissingComponent("the simulated Ollama stores no bytes.")
