"""What a test run reports: the closing lines say which tests a missing component kept from
running, and fixtures learn whether their test failed."""

from collections import Counter
from collections.abc import Generator

import pytest
from _pytest.terminal import TerminalReporter

from tests.components.requirement import SKIP_PREFIX

TEST_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note on the test that it failed, for fixtures that keep evidence."""
    report = yield
    if report.failed:
        item.stash[TEST_FAILED] = True
    return report


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """List the skips for missing components, each with how many tests it cost."""
    reasons: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        if isinstance(report.longrepr, tuple) and SKIP_PREFIX in report.longrepr[2]:
            reasons[report.longrepr[2].removeprefix("Skipped: ")] += 1
    if not reasons:
        return
    terminalreporter.section("skipped for a missing component")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count} tests: {reason}")
