"""Showing customers with the grade of the leading scheme; the audit rows are the event ``customer.graded``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import audit
from kedang_tenants.reading import Viewer

SHOW: Final = "grading.show"
"""The kind of job that shows everybody with the grades that they have in a scheme: ``scheme`` names it.

Without one it shows nobody with a grade, where no scheme leads any more. ``levels`` are those that have another position.
"""

_SHOW: Final = """
WITH held AS (
    SELECT c.id, c.grade_level_id AS old, l.id AS level_id, l.position AS rank
    FROM customer c
    LEFT JOIN customer_grade g ON g.customer_id = c.id AND g.scheme_id = $1::uuid AND g.current
    LEFT JOIN grade_level l ON l.id = g.level_id
    WHERE ($2::uuid[] IS NULL OR c.id = ANY($2)) AND c.archived_at IS NULL
      AND $1::uuid IS NOT DISTINCT FROM (SELECT s.id FROM grade_scheme s WHERE s.leads AND s.archived_at IS NULL)
      AND (c.grade_level_id, c.grade_rank) IS DISTINCT FROM (l.id, l.position)
    ORDER BY c.id FOR NO KEY UPDATE OF c
)
UPDATE customer c SET grade_level_id = h.level_id, grade_rank = h.rank FROM held h WHERE c.id = h.id
RETURNING c.id, h.old, c.grade_level_id AS new
"""


_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('grading'), hashtext(current_schema()))"


async def one_at_a_time(write: TenantWrite) -> None:
    """Have nobody else grade or show the company's customers all together before this transaction has ended.

    So what the later one reads, the rule in force and which scheme leads, is what stands in the end.
    """
    await write.fetch(_ONE_AT_A_TIME)


async def show_grades(
    write: TenantWrite,
    viewer: Viewer,
    *,
    scheme_id: UUID | None,
    customer_ids: Sequence[UUID] | None = None,
    clock: Clock,
) -> int:
    """Show these customers, or all, with the grades that they have in the scheme; how many changed theirs.

    Without a scheme they are shown with none. Nothing happens where the scheme does not lead (any more), or, without
    one, where another leads.
    A grade is not an edit: the customer's version stays, so that nobody's open form conflicts with it.
    """
    if customer_ids is None:
        await one_at_a_time(write)
    ids = None if customer_ids is None else list(customer_ids)
    rows = await write.fetch(_SHOW, scheme_id, ids)
    moved = sorted((row for row in rows if row["old"] != row["new"]), key=lambda row: row["id"])
    entries = [
        ("customer", "graded", row["id"], {"grade_level_id": [_hex(row["old"]), _hex(row["new"])]})
        for row in moved
    ]
    await audit(write, viewer, entries, clock=clock)
    return len(moved)


def _hex(level_id: UUID | None) -> str | None:
    return level_id.hex if level_id else None
