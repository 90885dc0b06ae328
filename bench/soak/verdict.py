"""Level or growing: the first third of the samples against the last."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures import Table, Value, median
from bench.soak.samples import Sample

WARM_UP = 0.1
"""Of the time: pools fill, files are opened, caches load."""
SHARE = 0.1
"""By so much more a figure is not level any more, if that is also more than its tolerance."""
TOLERANCES = {"(PSS, MB)": 5.0, "(MB)": 5.0, "rows": 200.0, "keys": 20.0}
FEW = 5.0  # threads, files, connections


def judge(samples: Sequence[Sample]) -> tuple[Table, list[str]]:
    """The table of all figures, and the names of those that grow."""
    begin = samples[-1].at * WARM_UP
    warm = [sample for sample in samples if sample.at >= begin]
    third = max(1, len(warm) // 3)
    first, last = warm[:third], warm[-third:]
    rows: list[dict[str, Value]] = []
    growing = []
    for name in samples[-1].figures:
        before, after = _middle(first, name), _middle(last, name)
        grows = after - before > max(SHARE * before, _tolerance(name))
        if grows:
            growing.append(name)
        rows.append(
            {
                "figure": name,
                "first third": before,
                "last third": after,
                "most": max(sample.figures.get(name, 0.0) for sample in samples),
                "change": after - before,
                "": "growing" if grows else "level",
            }
        )
    notes = [
        f"Medians of {third} samples each, after the first tenth of the time. Growing: more than "
        f"{SHARE:.0%} and more than a tolerance (5 MB, 5 threads, files or connections, 200 rows)."
    ]
    return Table(f"{samples[-1].at / 60:.1f} minutes of use", rows, notes), growing


def _middle(samples: Sequence[Sample], name: str) -> float:
    return float(median([sample.figures.get(name, 0.0) for sample in samples]))


def _tolerance(name: str) -> float:
    return next((value for mark, value in TOLERANCES.items() if mark in name), FEW)
