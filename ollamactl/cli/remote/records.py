"""What the API answers, as typed objects. A missing or odd value becomes an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

ENDED = ("succeeded", "failed", "cancelled")


def text_of(data: Mapping[str, Any], key: str) -> str:
    """A text; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def int_of(data: Mapping[str, Any], key: str) -> int | None:
    """A whole number, or None."""
    value = data.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def float_of(data: Mapping[str, Any], key: str) -> float | None:
    """A number, or None."""
    value = data.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def object_of(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def rows_of(data: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The objects in a list."""
    value = data.get(key)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def time_of(data: Mapping[str, Any], key: str) -> datetime | None:
    """A time with its zone (the API writes UTC), or None."""
    try:
        value = datetime.fromisoformat(text_of(data, key))
    except ValueError:
        return None
    return value if value.tzinfo else None


@dataclass(frozen=True)
class Progress:
    """How far a task is; `rate` in units a second, `eta_seconds` until its end."""

    done: int | None = None
    total: int | None = None
    unit: str = ""
    rate: float | None = None
    eta_seconds: float | None = None
    phase: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Progress:
        """Read the API's `progress` object."""
        return cls(
            done=int_of(data, "done"),
            total=int_of(data, "total"),
            unit=text_of(data, "unit"),
            rate=float_of(data, "rate"),
            eta_seconds=float_of(data, "eta_seconds"),
            phase=text_of(data, "phase"),
        )

    @property
    def fraction(self) -> float | None:
        """From 0 to 1, or None where the whole is not known."""
        if self.done is None or not self.total or self.total < 0:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)


@dataclass(frozen=True)
class Task:
    """One task. `raw` is the API's own object."""

    id: int
    type: str = ""
    state: str = ""
    resource: str = ""
    progress: Progress = field(default_factory=Progress)
    error_code: str = ""
    error_detail: str = ""
    is_retryable: bool = False
    result: dict[str, Any] = field(default_factory=dict)
    raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Task:
        """Read a task of the API."""
        error = object_of(data, "error")
        return cls(
            id=int_of(data, "id") or 0,
            type=text_of(data, "type"),
            state=text_of(data, "state"),
            resource=text_of(data, "resource_name"),
            progress=Progress.of(object_of(data, "progress")),
            error_code=text_of(error, "code"),
            error_detail=text_of(error, "detail"),
            is_retryable=error.get("retryable") is True,
            result=object_of(data, "result"),
            raw=dict(data),
        )

    @property
    def is_ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in ENDED

    def after(self, data: Mapping[str, Any]) -> Task:
        """The task as an event leaves it: `progress` inside the event's data, or spread over it."""
        inner = object_of(data, "progress") or ({**data} if "phase" in data else {})
        return replace(
            self,
            state=text_of(data, "state") or self.state,
            progress=Progress.of(inner) if inner else self.progress,
        )


@dataclass(frozen=True)
class Server:
    """One Ollama server."""

    id: int
    name: str
    raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Server:
        """Read a server of the API."""
        return cls(id=int_of(data, "id") or 0, name=text_of(data, "name"), raw=dict(data))


@dataclass(frozen=True)
class Model:
    """One model on one server."""

    id: int
    name: str
    status: str
    server_id: int | None = None
    server_name: str = ""
    raw: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Model:
        """Read a model of the API."""
        return cls(
            id=int_of(data, "id") or 0,
            name=text_of(data, "name"),
            status=text_of(data, "status"),
            server_id=int_of(data, "server"),
            server_name=text_of(data, "server_name"),
            raw=dict(data),
        )
