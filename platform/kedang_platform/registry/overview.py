"""Companies as an operator sees them: numbers and states, nothing of what they own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kedang_platform.database import ControlRead
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry.company import CompanyStatus


class CompanyAmbiguous(KedangError):
    """Several companies bear this name."""


@dataclass(frozen=True, slots=True)
class CompanyOverview:
    """``error`` is why its schema stayed behind at the last migration; ``last_seen_at`` the last use of a session."""

    id: UUID
    name: str
    status: CompanyStatus
    quiet: bool
    suspended_reason: str | None
    suspended_at: datetime | None
    country: str
    language: str
    time_zone: str
    currency: str
    created_at: datetime
    schema: str
    revision: str
    error: str | None
    members: int
    invited: int
    full_seats: int
    free_seats: int
    paid_seats: int
    subscription: str | None
    open_jobs: int
    dead_jobs: int
    last_seen_at: datetime | None


_OVERVIEW = """
SELECT c.id, c.name, c.status, c.quiet, c.suspended_reason, c.suspended_at, c.country, c.language, c.time_zone,
       c.currency, c.created_at, c.schema_name AS schema, c.revision, t.error,
       coalesce(m.members, 0) AS members, coalesce(m.invited, 0) AS invited,
       coalesce(m.full_seats, 0) AS full_seats,
       coalesce(s.free_seats, 0) AS free_seats, coalesce(s.paid_seats, 0) AS paid_seats, s.state AS subscription,
       (SELECT count(*) FROM work.job j WHERE j.tenant = c.schema_name
        AND j.state IN ('waiting', 'queued', 'running')) AS open_jobs,
       (SELECT count(*) FROM work.job j WHERE j.tenant = c.schema_name AND j.state = 'failed') AS dead_jobs,
       (SELECT max(last_used_at) FROM platform.session WHERE company_id = c.id) AS last_seen_at
FROM platform.company c
LEFT JOIN platform.tenant_schema t ON t.name = c.schema_name
LEFT JOIN platform.subscription s ON s.company_id = c.id
LEFT JOIN (
    SELECT company_id, count(*) FILTER (WHERE state = 'active') AS members,
           count(*) FILTER (WHERE state = 'invited') AS invited,
           count(*) FILTER (WHERE seat = 'full' AND state IN ('active', 'invited')) AS full_seats
    FROM platform.membership GROUP BY company_id
) m ON m.company_id = c.id
"""


async def list_companies(read: ControlRead) -> list[CompanyOverview]:
    """Every company, whatever its status, the oldest first."""
    rows = await read.fetch(f"{_OVERVIEW} ORDER BY c.created_at, c.id")
    return [CompanyOverview(**row) for row in rows]


async def overview_of(read: ControlRead, *, name: str) -> CompanyOverview:
    """The company of this name or id. Raises NotFound, CompanyAmbiguous."""
    rows = await read.fetch(f"{_OVERVIEW} WHERE c.name = $1 OR c.id::text = lower($1) ORDER BY c.id", name)
    if not rows:
        raise NotFound(msg("There is no company “{name}”."), name=name)
    if len(rows) > 1:
        raise CompanyAmbiguous(
            msg("Several companies are called {name}; name one by its id: {ids}."),
            name=name,
            ids=", ".join(str(row["id"]) for row in rows),
        )
    return CompanyOverview(**rows[0])
