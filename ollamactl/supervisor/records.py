"""One log format out of what four programs print: each line becomes a record."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

# A line longer than this is cut; an exception's chain can be long.
MAX_LINE = 1_000_000
MAX_SHOWN = 8_000
LEVELS = ("debug", "info", "warning", "error", "critical")
# "12345:M 23 Nov 2026 04:49:05.123 * Ready to accept connections"
VALKEY_LINE = re.compile(r"\d+:[A-Z] \d+ \w+ \d+ [\d:.]+ (?P<mark>[.\-*#]) (?P<text>.*)")
VALKEY_LEVELS = {".": "debug", "-": "debug", "*": "info", "#": "warning"}
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LogRecord:
    """One line of the panel's log. `time` is UTC in ISO 8601; `process` is who said it."""

    process: str
    message: str
    level: str = "info"
    time: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def now() -> str:
    """The present in UTC, ISO 8601 with milliseconds."""
    seconds = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{stamp}.{int(seconds * 1000) % 1000:03d}Z"


def parse_line(process: str, line: str) -> LogRecord:
    """Read a child's line: JSON as Django's processes write it, Valkey's own, or plain text."""
    line = line.rstrip()[:MAX_LINE]
    if line.startswith("{"):
        try:
            return _from_json(process, json.loads(line))
        except (ValueError, TypeError):
            return LogRecord(process, line, time=now())
    match = VALKEY_LINE.fullmatch(line)
    if match:
        return LogRecord(process, match["text"], VALKEY_LEVELS[match["mark"]], now())
    return LogRecord(process, line, time=now())


def to_json(record: LogRecord) -> str:
    """One JSON object on one line."""
    document = {
        "timestamp": record.time,
        "level": record.level,
        "process": record.process,
        "event": record.message,
        **record.fields,
    }
    return json.dumps(document, ensure_ascii=False, default=str)


def to_console(record: LogRecord) -> str:
    """A line for a person: time of day in UTC, level, process, message, then the fields."""
    moment = record.time[11:19] or now()[11:19]
    shown = {key: value for key, value in record.fields.items() if key != "exception"}
    rest = "".join(f" {key}={value}" for key, value in shown.items() if key != "logger")
    text = f"{moment} {record.level.upper():<8} {record.process:<8} {record.message}{rest}"
    exception = record.fields.get("exception")
    if exception:
        # The end of a chain is what was raised last.
        lines = str(exception)[-MAX_SHOWN:].splitlines()
        text += "\n" + "\n".join(f"    {line}" for line in lines)
    # Names and messages come from outside; a terminal obeys control characters.
    return CONTROL.sub("�", text)


def _from_json(process: str, document: dict[str, Any]) -> LogRecord:
    fields = dict(document)
    level = str(fields.pop("level", "info")).lower()
    return LogRecord(
        process=process,
        message=str(fields.pop("event", "")),
        level=level if level in LEVELS else "info",
        time=str(fields.pop("timestamp", "")) or now(),
        fields=fields,
    )
