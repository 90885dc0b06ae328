"""What became of a task, in words. Apps add a describer for each of their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ollamactl.lib.units import group_digits

Result = Mapping[str, Any]
# What a describer makes of a result; it is data that an older version may have written.
Describer = Callable[[Result], "Outcome"]


@dataclass(frozen=True)
class Mentioned:
    """One thing of a list in a result: its name, what is said of it, its id where it is a row."""

    name: str
    text: str
    id: int | None = None


@dataclass(frozen=True)
class Outcome:
    """Short sentences, and a list under a heading where there is one."""

    sentences: list[str]
    heading: str = ""
    mentioned: list[Mentioned] = field(default_factory=list)

    @property
    def line(self) -> str:
        """The sentences in one line."""
        # Translators: between the parts of one line, such as "2 added, 3 gone"
        return _(", ").join(self.sentences)


_describers: dict[str, Describer] = {}


def register_results(describers: Mapping[str, Describer]) -> None:
    """Say how the results of these types of task are put in words."""
    _describers.update(describers)


def outcome_of(task_type: str, result: Any) -> Outcome | None:
    """The result in the reader's language; None where there is nothing to say."""
    if not isinstance(result, dict) or not result:
        return None
    describe = _describers.get(task_type)
    own = describe(result) if describe else Outcome([])
    sentences = [*own.sentences, *_children(result)]
    if not sentences:
        return None
    return Outcome(sentences, own.heading, own.mentioned)


def number(result: Result, name: str) -> int | None:
    """A whole number of a result; None where it has none under this name."""
    value = result.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _children(result: Result) -> list[str]:
    """What a parent counted."""
    total = number(result, "total")
    if total is None:
        return []
    told = [
        ngettext("%(count)s part in all", "%(count)s parts in all", total)
        % {"count": group_digits(total)},
    ]
    for name, text in (
        ("succeeded", _("%(count)s succeeded")),
        ("failed", _("%(count)s failed")),
        ("cancelled", _("%(count)s cancelled")),
    ):
        if count := number(result, name):
            told.append(text % {"count": group_digits(count)})
    return told
