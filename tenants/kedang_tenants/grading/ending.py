"""Grades given by hand come to their end: who decides anew is told before, and after the last day the rule grades again (G3)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.work.parts import Part
from kedang_tenants.grading.by_hand import let_go
from kedang_tenants.grading.models import HAND
from kedang_tenants.people.notices import GRADE_ENDING
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

TOLD_DAYS: Final = 14
"""So many days before its last day a grade given by hand comes up again."""

CHUNK: Final = 500
"""Grades that one step ends."""

_PASSED: Final = """
SELECT g.id, g.customer_id, g.scheme_id, s.leads
FROM customer_grade g JOIN grade_scheme s ON s.id = g.scheme_id
WHERE g.current AND g.by_hand AND g.until < $1 AND ($2::uuid IS NULL OR g.id > $2)
ORDER BY g.id LIMIT $3
"""
_LOCK: Final = "SELECT id FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_STILL: Final = "SELECT id FROM customer_grade WHERE id = ANY($1::uuid[]) AND current"
_COUNT: Final = "SELECT count(*) FROM customer_grade WHERE current AND by_hand AND until IS NOT NULL"

_THEN_BY_RULE = msg(
    "{customer} has the grade {level} by hand until {until}. After that day the rule grades the"
    " customer again, unless somebody gives a grade by hand anew."
)
_BY_HAND_ALONE = msg(
    "{customer} has the grade {level} by hand until {until}. After that day the customer has no grade,"
    " unless somebody gives one anew."
)

# Who gave it decides anew; where they have gone the customer's owner has to see to it. The owner is told in any case.
_SOON: Final = """
SELECT g.id, g.customer_id, g.until, l.code, c.name AS customer, c.owner_id, s.graded_by,
       CASE WHEN m.state = 'ACTIVE' AND m.archived_at IS NULL THEN m.id END AS given_by_id
FROM customer_grade g
JOIN customer c ON c.id = g.customer_id AND c.archived_at IS NULL
JOIN grade_level l ON l.id = g.level_id
JOIN grade_scheme s ON s.id = g.scheme_id
LEFT JOIN member m ON m.id = g.given_by_id
WHERE g.current AND g.by_hand AND g.until >= $1 AND g.until < $1 + $2::int
ORDER BY g.id
"""


async def count_to_end(read: TenantRead) -> int:
    """How many grades there are that end some day."""
    return int(await read.fetchval(_COUNT))


async def end_part(write: TenantWrite, viewer: Viewer, *, after: UUID | None, clock: Clock) -> Part:
    """End the next grades behind the id ``after`` whose last day has passed; repeating it changes nothing.

    The customers are locked before their grades, as by everybody who grades; who decided anew meanwhile is heeded.
    """
    rows = await write.fetch(_PASSED, viewer.today(clock), after, CHUNK)
    await write.fetch(_LOCK, [row["customer_id"] for row in rows])
    still = {row["id"] for row in await write.fetch(_STILL, [row["id"] for row in rows])}
    for (scheme_id, leads), alike in groupby(
        sorted((row for row in rows if row["id"] in still), key=lambda row: (row["scheme_id"], row["leads"])),
        key=lambda row: (row["scheme_id"], row["leads"]),
    ):
        await let_go(write, viewer, scheme_id=scheme_id, grades=list(alike), leads=leads, clock=clock)
    return Part(last=rows[-1]["id"] if len(rows) == CHUNK else None, seen=len(rows), changed=len(still))


async def tell_of_endings(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> int:
    """Tell of every grade given by hand that ends within ``TOLD_DAYS``, once; how many notices are new."""
    rows = await write.fetch(_SOON, viewer.today(clock), TOLD_DAYS)
    return await tell(write, viewer, list(_tellings(rows)), clock=clock)


def _tellings(rows: Iterable[asyncpg.Record]) -> Iterable[Telling]:
    for row in rows:
        for member in {row["owner_id"], row["given_by_id"]} - {None}:
            yield Telling(
                kind=GRADE_ENDING,
                member_id=member,
                occasion=f"grade ends:{row['id'].hex}:{row['until']}",
                title=msg("The grade {level} of {customer} ends on {until}"),
                body=_BY_HAND_ALONE if row["graded_by"] == HAND else _THEN_BY_RULE,
                params={"customer": row["customer"], "level": row["code"], "until": row["until"]},
                about=("customer", row["customer_id"]),
            )
