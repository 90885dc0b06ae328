"""One log format for every process."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from ollamactl.supervisor.records import LogRecord, to_console

NOISY = (
    *("daphne", "axes", "kombu"),
    # Every tick of the beat would be three lines; failures are warnings and errors.
    *("celery.beat", "celery.worker.strategy", "celery.app.trace"),
)


class LineFormatter(logging.Formatter):
    """A record as one line: a JSON object, as the supervisor reads it, or text for people."""

    def __init__(self, *, is_json: bool) -> None:
        super().__init__()
        self._is_json = is_json

    def format(self, record: logging.LogRecord) -> str:
        """The line, with what was raised."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        level, message = record.levelname.lower(), record.getMessage()
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        if not self._is_json:
            return to_console(LogRecord(record.name, message, level, time, fields))
        document = {"event": message, "level": level, "timestamp": time, **fields}
        return json.dumps(document, ensure_ascii=False, default=str)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out that the panel is not ready yet: whoever asks for it gets the reason."""
    return not record.getMessage().endswith(": /readyz")


def without_traceback(record: logging.LogRecord) -> bool:
    """A stranger's Host header is worth a line, not the way through the code."""
    record.exc_info = None
    return True


def configure(config: dict[str, Any]) -> None:
    """Send every logger to stderr, as JSON lines or for a console."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(is_json=config.get("format") == "json"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("django.request").addFilter(is_worth_a_line)
    logging.getLogger("django.security.DisallowedHost").addFilter(without_traceback)
