"""Reports that come by themselves: what an occurrence of a schedule starts, and what is done about lost ones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import enqueue
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.failing import tell_nobody_gets
from kedang_tenants.reports.guards import next_occurrence, occurrence_job
from kedang_tenants.reports.operations import DEFINITION, start

_DUE: Final = DEFINITION + " AND active AND next_at = $2 FOR UPDATE"
_RECIPIENTS: Final = """
SELECT r.member_id, m.state = 'ACTIVE' AND m.archived_at IS NULL AS active
FROM report_recipient r JOIN member m ON m.id = r.member_id
WHERE r.definition_id = $1 AND r.archived_at IS NULL ORDER BY r.member_id
"""

_ACTIVE_OWNER: Final = "SELECT id FROM member WHERE id = $1 AND state = 'ACTIVE' AND archived_at IS NULL"


async def make_occurrence(
    write: TenantWrite, viewer: Viewer, *, definition_id: UUID, at: datetime, clock: Clock
) -> int:
    """Start the reports of one occurrence, one for each recipient; how many were started.

    Nothing happens for an occurrence that has been made or that the definition no longer has. The next
    one is the first after now: what was missed in between is not made up for.
    """
    row = await write.fetchrow(_DUE, definition_id, at)
    if row is None:
        return 0
    members = await _readers(write, row)
    if not members:
        await tell_nobody_gets(write, viewer, row, at=at, clock=clock)
    for member in members:
        await start(
            write,
            viewer,
            dict(row),
            member_id=member,
            definition_id=definition_id,
            scheduled_for=at,
            clock=clock,
        )
    following = next_occurrence(dict(row), now=max(at, clock.now()), zone=ZoneInfo(viewer.time_zone))
    # Not an edit: the version stays, so that nobody's open form conflicts with it.
    await write.fetch("UPDATE report_definition SET next_at = $2 WHERE id = $1", definition_id, following)
    if following is not None:
        await enqueue(write, occurrence_job(definition_id, following))
    return len(members)


async def _readers(read: TenantRead, row: asyncpg.Record) -> list[UUID]:
    """Its active recipients; its owner, as long as there is one, where it has no recipients at all."""
    recipients = await read.fetch(_RECIPIENTS, row["id"])
    if recipients:
        return [one["member_id"] for one in recipients if one["active"]]
    owner = await read.fetchval(_ACTIVE_OWNER, row["owner_id"])
    return [owner] if owner else []


_LATE: Final = """
SELECT id, next_at FROM report_definition
WHERE archived_at IS NULL AND active AND next_at < $1 ORDER BY id
"""


async def wake_late(write: TenantWrite, *, before: datetime, day: date) -> int:
    """Ask once more, once a day, for occurrences whose job has come to nothing; how many there are."""
    rows = await write.fetch(_LATE, before)
    jobs = [occurrence_job(row["id"], row["next_at"], again=f":{day.isoformat()}") for row in rows]
    await enqueue(write, *jobs)
    return len(jobs)
