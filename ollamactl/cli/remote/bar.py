"""The moving displays of a terminal: the bar that people know from `ollama pull`, and a spinner."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.spinner import Spinner as SpinnerMark
from rich.text import Text

from ollamactl.cli.remote.progress_text import ITEMS, is_counted, phase_label, size_text
from ollamactl.cli.remote.records import Progress, Task
from ollamactl.cli.terminal import clean
from ollamactl.lib.formats import format_duration, format_rate

REFRESH_PER_SECOND = 10
_NARROWEST_BAR = 10
_WIDEST_BAR = 60
_SHORTEST_LABEL = 20


def stderr_console() -> Console:
    """Progress goes to stderr, as Ollama's does. No markup, no colours of its own."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False)


@dataclass
class _Row:
    """One phase: its words, and its figures if it has some. The last row is the present one."""

    label: str
    progress: Progress | None = None
    is_over: bool = False

    def text(self, spinner: str, width: int, *, is_ascii: bool) -> str:
        if self.progress is not None:
            return bar_line(
                self.label, self.progress, width, is_over=self.is_over, is_ascii=is_ascii
            )
        return self.label if self.is_over else f"{self.label} {spinner}".rstrip()


class _Rows:
    """All phases so far, drawn anew at each refresh."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []
        self._spinner = SpinnerMark("dots")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        is_ascii = options.ascii_only
        frame = self._spinner.render(console.get_time())
        mark = "" if is_ascii or not isinstance(frame, Text) else frame.plain
        for row in tuple(self.rows):
            line = row.text(mark, options.max_width, is_ascii=is_ascii)
            yield Text(line, no_wrap=True, overflow="ellipsis")


class Bar:
    """A pull on a terminal: a line for each phase, and the bar while bytes come."""

    def __init__(self, subject: str, console: Console | None = None) -> None:
        self._subject = clean(subject)
        self._console = console or stderr_console()
        self._rows = _Rows()
        self._live: Live | None = None

    def __enter__(self) -> Bar:
        self._rows = _Rows()
        self._live = Live(self._rows, console=self._console, refresh_per_second=REFRESH_PER_SECOND)
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for row in self._rows.rows:
            row.is_over = True
        if self._live is not None:
            self._live.stop()

    def show(self, task: Task) -> None:
        """Add a line for a new phase, move the bar of the present one."""
        if task.is_ended and task.state != "succeeded":
            return
        rows = self._rows.rows
        label = phase_label(task, self._subject)
        if task.state == "succeeded":
            self._complete(task)
            return
        if not rows or rows[-1].label != label:
            self._go_on_to(label)
        if is_counted(task):
            rows[-1].progress = task.progress

    def notice(self, text: str) -> None:
        """Print it above the bar."""
        self._console.print(Text(clean(text)))

    def _go_on_to(self, label: str) -> None:
        """Begin a phase.

        One that comes again, as what broke off is posted again, takes its row back: what followed
        it was not the end of anything, and its bar must not say so.
        """
        rows = self._rows.rows
        again = next((n for n, row in enumerate(rows) if row.label == label), None)
        if again is not None:
            del rows[again:]
        self._finish()
        rows.append(_Row(label))

    def _complete(self, task: Task) -> None:
        """The end: the bar is full even where the last event of its phase was not seen."""
        self._finish()
        label = phase_label(task, self._subject)
        if not self._rows.rows or self._rows.rows[-1].label != label:
            self._rows.rows.append(_Row(label, is_over=True))

    def _finish(self) -> None:
        for row in self._rows.rows:
            if row.progress is not None and not row.is_over and row.progress.total:
                total = row.progress.total
                row.progress = Progress(done=total, total=total, unit=row.progress.unit)
            row.is_over = True


class Spinner:
    """Short work on a terminal: one line that goes away at its end."""

    def __init__(self, label: str, console: Console | None = None) -> None:
        self._console = console or stderr_console()
        self._rows = _Rows()
        self._rows.rows.append(_Row(clean(label)))
        self._live: Live | None = None

    def __enter__(self) -> Spinner:
        self._live = Live(
            self._rows,
            console=self._console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
        )
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, task: Task) -> None:
        """Nothing: it turns by itself."""

    def notice(self, text: str) -> None:
        """Print it above the spinner."""
        self._console.print(Text(clean(text)))


def bar_line(
    label: str, progress: Progress, width: int, *, is_over: bool = False, is_ascii: bool = False
) -> str:
    """`pulling llama3.2:  42% ▕████      ▏ 850 MB/2.0 GB  12 MB/s  1m3s` in `width` columns."""
    figures = _figures(progress, is_over=is_over)
    fraction = progress.fraction
    if fraction is None:
        return f"{label}: {figures}"
    percent = f": {int(fraction * 100):3d}% "
    least = width - cell_len(percent) - cell_len(figures) - 3 - _NARROWEST_BAR
    head = shorten(label, max(least, _SHORTEST_LABEL), "..." if is_ascii else "…") + percent
    room = width - cell_len(head) - cell_len(figures) - 3
    if room < _NARROWEST_BAR:
        return f"{head}{figures}"
    room = min(room, _WIDEST_BAR)
    filled = int(fraction * room)
    left, block, right = ("[", "#", "]") if is_ascii else ("▕", "█", "▏")
    return f"{head}{left}{block * filled}{' ' * (room - filled)}{right} {figures}"


def shorten(text: str, width: int, mark: str) -> str:
    """The text in `width` columns: its middle gives way, as a model's name ends with its tag."""
    if cell_len(text) <= width:
        return text
    room = max(width - cell_len(mark), 2)
    end = _begin(text[::-1], room // 2)[::-1]
    return f"{_begin(text, room - cell_len(end))}{mark}{end}"


def _begin(text: str, width: int) -> str:
    """As many characters as fit; some take two columns."""
    taken = ""
    for letter in text:
        if cell_len(taken + letter) > width:
            break
        taken += letter
    return taken


def _figures(progress: Progress, *, is_over: bool) -> str:
    """Sizes, rate and time left, each padded so that the bar's end stands still."""
    sizes = size_text(progress)
    if is_over:
        return sizes
    rate = format_rate(progress.rate) if progress.rate and progress.unit != ITEMS else ""
    left = format_duration(progress.eta_seconds) if progress.eta_seconds is not None else ""
    return f"{sizes:>15}  {rate:>9}  {left:>7}".rstrip() if rate or left else f"{sizes:>15}"
