"""Numbers of requests: SR-<year>-<running>, counted anew each year, without gaps and without duplicates."""

from __future__ import annotations

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.reading import Viewer

_NEXT = """
INSERT INTO service_request_count AS c (year, last) VALUES ($1, $2)
ON CONFLICT (year) DO UPDATE SET last = c.last + excluded.last
RETURNING last
"""


async def next_numbers(write: TenantWrite, viewer: Viewer, count: int, *, clock: Clock) -> list[str]:
    """The next ``count`` numbers of this year, in order.

    Whoever has them holds the year's counter until the transaction ends: what is rolled back leaves no
    gap, and openings of one company come one after the other.
    """
    year = viewer.today(clock).year
    last = int(await write.fetchval(_NEXT, year, count))
    return [f"SR-{year}-{number:05d}" for number in range(last - count + 1, last + 1)]
