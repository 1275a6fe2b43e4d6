"""Marks that come to their last day: told before, ended after (A5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.hot.marking import end_marks
from kedang_tenants.hot.models import EXPIRED
from kedang_tenants.people.dues import DueSource, due_source
from kedang_tenants.people.notices import HOT_CUSTOMER
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

EXPIRE: Final = "hot.expire"
"""The kind of job that ends what has expired, when a day begins."""

_OVER: Final = """
SELECT id, name, owner_id, hot_until FROM customer
WHERE hot_since IS NOT NULL AND hot_until < $1 AND archived_at IS NULL ORDER BY id
"""
_TITLE: Final = msg("{customer} is no hot customer any more")
_BODY: Final = msg("The mark of {customer} ended on {day}. Mark it again if it is still worth the attention.")

HOT_MARK_ENDS: Final = due_source(
    DueSource(
        name="customer.hot_ends",
        record="customer",
        reason=msg("last day as a hot customer: renew the mark or let it end"),
        rule=msg("A hot mark ends with its last day"),
        select="""
SELECT c.owner_id, c.id, c.id, c.hot_until, to_jsonb(c.hot_reason), NULL::jsonb, 8
FROM customer c
WHERE c.hot_since IS NOT NULL AND c.hot_until <= $1::date + 3 AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
""",
        escalates=False,
    )
)


async def expire(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """End the marks whose last day has passed and tell the owners; how many there were. Repeating it changes nothing."""
    rows = await write.fetch(_OVER, viewer.today(clock))
    ended = set(await end_marks(write, viewer, [row["id"] for row in rows], ending=EXPIRED, clock=clock))
    await tell(write, viewer, _tellings([row for row in rows if row["id"] in ended]), clock=clock)
    return len(ended)


def _tellings(rows: Sequence[asyncpg.Record]) -> list[Telling]:
    return [
        Telling(
            kind=HOT_CUSTOMER,
            member_id=row["owner_id"],
            occasion=f"hot-expired:{row['id'].hex}:{row['hot_until'].isoformat()}",
            title=_TITLE,
            body=_BODY,
            params={"customer": row["name"], "day": row["hot_until"].isoformat()},
            about=("customer", row["id"]),
        )
        for row in rows
        if row["owner_id"] is not None
    ]
