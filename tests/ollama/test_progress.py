"""The bar of a pull never goes back, and a pull without growth is noticed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models_app.ollama.progress import PullPhase, PullProgress
from models_app.ollama.types import PullLine

A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64
LAYERS = {A: 1000, B: 100}


def down(digest: str, completed: int, total: int = 1000) -> PullLine:
    return PullLine(f"pulling {digest[7:19]}", digest, total, completed)


def position(progress: PullProgress) -> tuple[int, int | None]:
    return progress.done, progress.total


def test_a_whole_pull() -> None:
    progress = PullProgress(LAYERS)
    assert (progress.done, progress.total, progress.phase) == (0, 1100, PullPhase.MANIFEST)
    seen: list[tuple[int, str]] = []
    for second, line in enumerate(
        [
            PullLine("pulling manifest"),
            down(A, 0),
            down(A, 400),
            down(A, 1000),
            down(B, 100, 100),
            PullLine("verifying sha256 digest"),
            PullLine("writing manifest"),
            PullLine("removing unused layers"),
            PullLine("success"),
        ]
    ):
        progress.feed(line, float(second))
        seen.append((progress.done, progress.phase))
    assert seen == [
        (0, "manifest"),
        (0, "downloading"),
        (400, "downloading"),
        (1000, "downloading"),
        (1100, "downloading"),
        (1100, "verifying"),
        (1100, "writing"),
        (1100, "cleaning"),
        (1100, "done"),
    ]


def test_a_part_that_starts_again_does_not_move_the_bar() -> None:
    progress = PullProgress(LAYERS)
    for completed in (500, 200, 450):
        progress.feed(down(A, completed), 0.0)
        assert progress.done == 500
    progress.feed(down(A, 600), 0.0)
    assert progress.done == 600


def test_without_a_manifest_the_share_never_falls() -> None:
    progress = PullProgress()
    assert position(progress) == (0, None)
    progress.feed(down(A, 500), 0.0)
    assert position(progress) == (500, 1000)
    progress.feed(down(B, 0, 1000), 1.0)
    assert position(progress) == (1000, 2000)
    assert progress.received == 500


def test_another_manifest_by_now_gives_way_to_what_comes() -> None:
    progress = PullProgress({B: 10})
    progress.feed(down(A, 100), 0.0)
    assert (progress.done, progress.total) == (100, 1000)


def test_a_model_of_many_small_layers_comes_as_one_sum() -> None:
    known = PullProgress(LAYERS)
    known.feed(PullLine("pulling model", "sha256:model", 1100, 300), 0.0)
    assert (known.done, known.total) == (300, 1100)
    unknown = PullProgress()
    unknown.feed(PullLine("pulling model", "sha256:model", 1100, 300), 0.0)
    assert (unknown.done, unknown.total) == (300, 1100)


def test_success_is_the_whole() -> None:
    progress = PullProgress(LAYERS)
    progress.feed(PullLine("success"), 0.0)
    assert progress.done == progress.total == 1100


def test_no_growth_is_a_stall() -> None:
    progress = PullProgress(LAYERS)
    assert not progress.stalled(100.0, 60.0), "nothing began yet"
    progress.feed(down(A, 10), 0.0)
    progress.feed(down(A, 10), 59.0)
    assert not progress.stalled(60.0, 60.0)
    assert progress.stalled(60.1, 60.0)
    progress.feed(down(A, 11), 61.0)
    assert not progress.stalled(100.0, 60.0)


def test_bytes_that_come_a_second_time_are_no_stall() -> None:
    progress = PullProgress(LAYERS)
    progress.feed(down(A, 900), 0.0)
    progress.feed(down(A, 100), 50.0)
    progress.feed(down(A, 150), 70.0)
    assert not progress.stalled(120.0, 60.0)


def test_verifying_may_take_long() -> None:
    progress = PullProgress(LAYERS)
    progress.feed(PullLine("verifying sha256 digest"), 0.0)
    assert not progress.stalled(10_000.0, 60.0)


def test_endless_layers_cost_no_endless_memory() -> None:
    progress = PullProgress()
    for number in range(3000):
        progress.feed(down(f"sha256:{number}", 1, 1), 0.0)
    assert progress.total == 1000


LINES = st.builds(
    PullLine,
    st.sampled_from(["pulling manifest", "pulling aa", "verifying", "odd", "writing manifest"]),
    st.sampled_from(["", A, B, "sha256:model", "sha256:other"]),
    st.integers(0, 2000),
    st.integers(0, 3000),
)


@given(st.none() | st.just(LAYERS), st.lists(LINES, max_size=30))
def test_whatever_the_lines_the_bar_only_grows(
    layers: dict[str, int] | None, lines: list[PullLine]
) -> None:
    progress = PullProgress(layers)
    share = 0.0
    for line in lines:
        progress.feed(line, 0.0)
        total = progress.total or 0
        assert 0 <= progress.done <= total
        if total:
            assert progress.done / total >= share
            share = progress.done / total
