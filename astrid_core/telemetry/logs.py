"""Log lines for people, or one JSON object a line for whatever collects them."""

import logging
import sys
from typing import Any, TextIO

import structlog

from astrid_core.settings import Settings


def configure_logs(settings: Settings, *, level: int, stream: TextIO | None = None) -> None:
    """Send the lines of this process to ``stream``, by default standard error, as ``ASTRID_LOG_FORMAT`` says.

    JSON is for machines, which want every stage: there INFO is written whatever the level.
    """
    is_json = settings.log_format == "json"
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(min(level, logging.INFO) if is_json else level),
        # Asked for anew by every line: another stream may have been put in the place of standard error.
        logger_factory=lambda *_: structlog.PrintLogger(stream or sys.stderr),
        processors=_JSON if is_json else None,
    )


_JSON: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.dict_tracebacks,
    structlog.processors.JSONRenderer(default=str),
]
