"""One log format for every process."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

NOISY = (
    *("httpx", "httpcore", "daphne", "axes", "kombu"),
    # Every tick of the beat would be three lines; failures are warnings and errors.
    *("celery.beat", "celery.worker.strategy", "celery.app.trace"),
)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out that the panel is not ready yet: whoever asks for it gets the reason."""
    return not record.getMessage().endswith(": /readyz")


def without_traceback(record: logging.LogRecord) -> bool:
    """A stranger's Host header is worth a line, not the way through the code."""
    record.exc_info = None
    return True


def configure(config: dict[str, Any]) -> None:
    """Send every logger to stderr, as JSON lines or for a console."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if config.get("format") == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("django.request").addFilter(is_worth_a_line)
    logging.getLogger("django.security.DisallowedHost").addFilter(without_traceback)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
