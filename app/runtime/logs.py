"""Structured logs on standard error, as text or JSON; what libraries log by `logging` comes out in the same form."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from app.runtime.settings import Settings


def configure(settings: Settings) -> None:
    """Set logging up for this process."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.processors.format_exc_info if settings.log_format == "json" else _leave,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderer(settings.log_format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("alembic", "elastic_transport", "PIL", "pyvips"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    requests = logging.getLogger("granian.access")
    requests.setLevel(logging.INFO if settings.log_access else logging.WARNING)
    requests.filters[:] = [_request]


def _request(record: logging.LogRecord) -> bool:
    """A request that granian answered, as the fields of an event instead of a line made of them."""
    if isinstance(record.args, Mapping):
        facts: Mapping[str, Any] = record.args
        record.msg, record.args = "request", ()
        address = f"{facts['path']}?{facts['query_string']}" if facts["query_string"] else facts["path"]
        record.__dict__.update(
            method=facts["method"], path=address, status=facts["status"], ms=round(facts["dt_ms"], 3), client=facts["addr"]
        )
    return True


def _renderer(log_format: str) -> list[Any]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]


def _leave(_logger: Any, _method: str, event: Any) -> Any:
    return event
