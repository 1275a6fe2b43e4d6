"""How the work of the installation stands, as figures for the operator."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Final

import structlog

from kedang_platform.clock import Clock
from kedang_platform.database import ControlRead, Databases
from kedang_platform.errors import KedangError
from kedang_platform.observing import metrics

EVERY: Final = 15.0
_AT_MOST: Final = 50  # the pause is so many times what counting takes
NO_CHANNEL: Final = "none"

log = structlog.get_logger(__name__)

_WAITING = """
SELECT kind, sign(priority)::int AS priority, count(*) AS waiting,
    extract(epoch FROM $1 - min(greatest(due_at, created_at)) FILTER (WHERE due_at <= $1))::float8 AS oldest
FROM work.job WHERE state = 'waiting' GROUP BY kind, sign(priority)::int
"""
_IN_FLIGHT = "SELECT state, count(*) FROM work.job WHERE state IN ('queued', 'running') GROUP BY state"
_DEAD = "SELECT count(*) FROM work.job WHERE state = 'failed'"


async def tell_standing(read: ControlRead, *, channels: Mapping[str, str], now: datetime) -> None:
    """Set the gauges of what waits, by channel (``channels`` names that of a kind) and class of priority."""
    waiting: dict[tuple[str, str], int] = defaultdict(int)
    oldest: dict[tuple[str, str], float] = defaultdict(float)
    for row in await read.fetch(_WAITING, now):
        key = (channels.get(row["kind"], NO_CHANNEL), metrics.priority_class(row["priority"]))
        waiting[key] += row["waiting"]
        oldest[key] = max(oldest[key], row["oldest"] or 0.0)
    metrics.WAITING.clear()
    metrics.OLDEST.clear()
    for key, count in waiting.items():
        metrics.WAITING.labels(*key).set(count)
        metrics.OLDEST.labels(*key).set(oldest[key])
    states = {row["state"]: row["count"] for row in await read.fetch(_IN_FLIGHT)}
    for state in ("queued", "running"):
        metrics.IN_FLIGHT.labels(state).set(states.get(state, 0))
    metrics.DEAD.set(await read.fetchval(_DEAD))


async def keep_telling(databases: Databases, clock: Clock, *, channels: Mapping[str, str]) -> None:
    """Until cancelled: count every 15 seconds, less often where counting takes long."""
    while True:
        began = monotonic()
        try:
            async with databases.control_read() as read:
                await tell_standing(read, channels=channels, now=clock.now())
        except KedangError as error:
            log.warning("standing.not_counted", code=error.code)
        await asyncio.sleep(max(EVERY, (monotonic() - began) * _AT_MOST))
