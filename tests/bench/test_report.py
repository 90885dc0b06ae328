"""The bench's tables in a document, and its plot."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.figures import Table
from bench.report import as_markdown, fill_in, plot_lists

DOCUMENT = (
    "# Speed\n\n<!-- bench: start -->\nold\n<!-- end -->\n\n<!-- bench: lists -->\n<!-- end -->\n"
)


def test_a_part_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text(DOCUMENT)
    table = Table("Starts", [{"what": "page", "s": 1.5}], ["Of five."])
    text = as_markdown([table], "python -m bench start", {"cores": 2})
    for _time in range(2):
        fill_in(document, "start", text)
    written = document.read_text()
    assert "old" not in written
    assert written.count("| page |") == 1
    assert "`python -m bench start`: cores 2." in written
    assert "**Starts**" in written
    assert written.endswith("<!-- bench: lists -->\n<!-- end -->\n")


def test_a_document_without_a_place_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "performance.md"
    document.write_text("# Speed\n")
    with pytest.raises(ValueError, match="no place for start"):
        fill_in(document, "start", "new")


def test_the_plot_has_a_line_for_each_kind_of_request() -> None:
    rows = [
        {"rows": rows, "request": f"{kind}: a < b", "p95 ms": ms * rows**0.1}
        for kind, ms in (("page", 30.0), ("API", 9.0))
        for rows in (100, 1000, 100_000)
    ]
    picture = ElementTree.fromstring(plot_lists(Table("The list", rows)))  # noqa: S314 - our own
    words = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"page: a < b", "API: a < b", "100,000"} <= set(words)
    lines = [e for e in picture.iter("{http://www.w3.org/2000/svg}path") if "L" in e.attrib["d"]]
    assert [line.attrib["d"].count("L") for line in lines] == [2, 2]


def test_every_part_has_its_place_in_the_projects_document() -> None:
    from bench.__main__ import PARTS

    text = Path("docs/performance.md").read_text()
    for part in PARTS:
        assert text.count(f"<!-- bench: {part} -->") == 1, part
