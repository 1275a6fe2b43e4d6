"""Logs of the processes behind the gateway: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys

import structlog

_CHATTY = ("alembic", "dramatiq", "kedang_workers.start.loop")


def configure_logs() -> None:
    """Send structlog and the standard library's logging (dramatiq, pools) to standard error."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.dev.ConsoleRenderer(
                colors=False,
                pad_event_to=0,
                sort_keys=False,
                # The pretty one would print the values of local variables, and with them personal data.
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
