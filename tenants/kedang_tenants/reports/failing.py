"""Telling that a report was not made: whom it was for, whose schedule it is, or whoever keeps the house (R2).

A schedule outlives people. What it cannot make is told to its owner as well as to whom it was for; where
the owner has left, to the company's owners and administrators.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import translated
from kedang_tenants.people.notices import REPORT_FAILED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer
from kedang_tenants.reports.models import REPORTS

_KEEPERS: Final = """
SELECT id FROM member WHERE state = 'ACTIVE' AND archived_at IS NULL AND roles && ARRAY['OWNER', 'ADMIN'] ORDER BY id
"""
_ACTIVE: Final = "SELECT id FROM member WHERE id = $1 AND state = 'ACTIVE' AND archived_at IS NULL"
_SCHEDULED: Final = """
SELECT d.owner_id, d.name AS definition, m.name AS member
FROM report_run r JOIN report_definition d ON d.id = r.definition_id LEFT JOIN member m ON m.id = r.asked_by_id
WHERE r.id = $1
"""


def params_of(row: asyncpg.Record) -> dict[str, object]:
    """What a notice says of a run: which report, of which days."""
    report = next(option.label for option in REPORTS if option.code == row["kind"])
    return {
        "report": translated(report),
        "first": row["starts_on"].isoformat(),
        "last": row["ends_on"].isoformat(),
    }


async def tell_failure(
    write: TenantWrite, viewer: Viewer, row: asyncpg.Record, error: UserError, *, clock: Clock
) -> None:
    """Tell whom a run was for that it failed; of one that came by itself whose schedule it is, too."""
    reason = translated(error.message, error.params)
    told = []
    if row["asked_by_id"] is not None:
        told.append(_to_reader(row, reason))
    if row["scheduled_for"] is not None:
        scheduled = await write.fetchrow(_SCHEDULED, row["id"])
        if scheduled is not None:
            keepers = await keepers_of(write, scheduled["owner_id"])
            told += [
                _to_keeper(row, scheduled, keeper, reason)
                for keeper in keepers
                if keeper != row["asked_by_id"]
            ]
    await tell(write, viewer, told, clock=clock)


async def keepers_of(read: TenantRead, owner_id: UUID | None) -> list[UUID]:
    """Who looks after a schedule: its owner; owners and administrators of the company where that one has left."""
    owner = await read.fetchval(_ACTIVE, owner_id)
    return [owner] if owner else [row["id"] for row in await read.fetch(_KEEPERS)]


def _occasion(row: asyncpg.Record) -> str:
    """Each try that fails is an occasion of its own."""
    again = f":{row['tries']}" if row["tries"] > 1 else ""
    return f"report:{row['id']}:failed{again}"


def _to_reader(row: asyncpg.Record, reason: dict[str, str]) -> Telling:
    return Telling(
        kind=REPORT_FAILED,
        member_id=row["asked_by_id"],
        occasion=_occasion(row),
        title=msg("The report “{report}” could not be made"),
        body=msg("The report “{report}” for {first} to {last} could not be made: {reason}"),
        params={**params_of(row), "reason": reason},
        about=("report_run", row["id"]),
    )


def _to_keeper(
    row: asyncpg.Record, scheduled: asyncpg.Record, keeper: UUID, reason: dict[str, str]
) -> Telling:
    return Telling(
        kind=REPORT_FAILED,
        member_id=keeper,
        occasion=_occasion(row),
        title=msg("The report “{definition}” could not be made"),
        body=msg("“{definition}” for {first} to {last} could not be made for {member}: {reason}"),
        params={
            **params_of(row),
            "definition": scheduled["definition"],
            "member": scheduled["member"] or "",
            "reason": reason,
        },
        about=("report_run", row["id"]),
    )


async def tell_nobody_gets(
    write: TenantWrite, viewer: Viewer, row: asyncpg.Record, *, at: datetime, clock: Clock
) -> None:
    """Tell whoever looks after a schedule that nobody is left to get its report; once a month."""
    day = at.astimezone(ZoneInfo(viewer.time_zone)).date()
    told = [
        Telling(
            kind=REPORT_FAILED,
            member_id=keeper,
            occasion=f"report:{row['id']}:nobody:{day:%Y-%m}",
            title=msg("Nobody gets the report “{definition}”"),
            body=msg(
                "“{definition}” was due on {day} and was made for nobody: those who got it are no longer active"
                " members. Name recipients or a new owner, or switch its schedule off."
            ),
            params={"definition": row["name"], "day": day.isoformat()},
            about=("report_definition", row["id"]),
        )
        for keeper in await keepers_of(write, row["owner_id"])
    ]
    await tell(write, viewer, told, clock=clock)
