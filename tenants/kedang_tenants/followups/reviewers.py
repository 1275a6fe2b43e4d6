"""Who is to review what somebody wrote after a meeting: the nearest above them who may (F4)."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby
from operator import itemgetter
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead
from kedang_tenants.people.everybody import Person, load_everybody
from kedang_tenants.people.openness import closed_to
from kedang_tenants.reading import NO_ACCESS, Viewer

# The superior, the managers of the department and of those above it, who manages it all; the nearest first.
_ABOVE: Final = """
WITH RECURSIVE units AS (
    SELECT d.id, d.parent_id, 1 AS step FROM department d JOIN member m ON m.department_id = d.id WHERE m.id = $1
    UNION ALL
    SELECT d.id, d.parent_id, u.step + 1 FROM department d JOIN units u ON d.id = u.parent_id WHERE u.step < 50
), above AS (
    SELECT s.id, 0 AS step FROM member w JOIN member s ON s.id = w.superior_id WHERE w.id = $1
    UNION ALL
    SELECT m.id, u.step FROM member m JOIN units u ON u.id = m.department_id WHERE 'DEPARTMENT_MANAGER' = ANY(m.roles)
    UNION ALL
    SELECT m.id, 100 FROM member m WHERE 'OWNER' = ANY(m.roles)
)
SELECT a.id, min(a.step) AS step FROM above a JOIN member m ON m.id = a.id
WHERE m.state = 'ACTIVE' AND m.archived_at IS NULL AND m.id <> $1 GROUP BY a.id ORDER BY 2, 1
"""
_WHOSE: Final = """
SELECT organiser_id FROM meeting WHERE id = $1 AND organiser_id IS NOT NULL
UNION SELECT c.owner_id FROM meeting m JOIN customer c ON c.id = m.customer_id WHERE m.id = $1 AND c.owner_id IS NOT NULL
UNION SELECT member_id FROM meeting_attendee WHERE meeting_id = $1 AND member_id IS NOT NULL
"""


async def reviewers_of(
    read: TenantRead, viewer: Viewer, *, meeting_id: UUID, writer_id: UUID, clock: Clock
) -> list[UUID]:
    """The nearest above the writer who may review these minutes, never the writer; nobody may be there."""
    above = await read.fetch(_ABOVE, writer_id)
    everybody = await load_everybody(read, day=viewer.today(clock))
    whose = [row[0] for row in await read.fetch(_WHOSE, meeting_id)]
    asked = {(row["id"], "meeting", meeting_id) for row in above}
    closed = {member for member, *_ in await closed_to(read, asked, now=clock.now())}
    superior = everybody.people[writer_id].superior_id if writer_id in everybody.people else None
    for _, nearest in groupby(above, key=itemgetter("step")):
        people = [everybody.people[row["id"]] for row in nearest if row["id"] not in closed]
        able = [one.id for one in people if _may_review(one, whose, superior=one.id == superior)]
        if able:
            return able
    return []


def _may_review(person: Person, whose: Collection[UUID], *, superior: bool) -> bool:
    """Whether ``review_minutes`` would let them: the superior who sees the meeting, or who may archive it."""
    access = person.access.get("meeting", NO_ACCESS)
    scope = person.sees("meeting") if superior else access.archive
    return any(person.covers(scope, owner) for owner in whose)
