"""Companies that go: decided by their owner, taken back for a while, then gone with everything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry.company import Company, columns_of, company_from

DELETE_DUE = "registry.delete_due"
"""The installation's job that removes companies whose time is over."""


class CompanyNotDeleting(KedangError):
    """There is no deletion to be taken back."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """That a company goes: by whom it was asked for (None: the operator), and when it is carried out."""

    company_id: UUID
    requested_by: UUID | None
    requested_at: datetime
    due_at: datetime


async def ask_to_delete(
    write: ControlTransaction,
    *,
    company_id: UUID,
    requested_by: UUID | None,
    grace: timedelta,
    now: datetime,
) -> Deletion:
    """Let a company go when ``grace`` is over; nobody works in it from now on. Asked again it stays at the first date.

    Raises NotFound.
    """
    before = await write.fetchval("SELECT status FROM platform.company WHERE id = $1 FOR UPDATE", company_id)
    if before is None:
        raise NotFound(msg("There is no such company."))
    await write.fetch(
        "INSERT INTO platform.company_deletion (company_id, requested_by, requested_at, due_at, status_before)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (company_id) DO NOTHING",
        company_id,
        requested_by,
        now,
        now + grace,
        before,
    )
    await write.fetch("UPDATE platform.company SET status = 'deleting' WHERE id = $1", company_id)
    found = await find_deletion(write, company_id=company_id)
    assert found is not None, "it was written above"
    return found


async def hurry(write: ControlTransaction, *, company_id: UUID, now: datetime) -> None:
    """Carry a deletion out now instead of when its grace is over."""
    await write.fetch(
        "UPDATE platform.company_deletion SET due_at = least(due_at, $2) WHERE company_id = $1",
        company_id,
        now,
    )


async def take_back(write: ControlTransaction, *, company_id: UUID, now: datetime) -> None:
    """Keep the company after all, in the status that it had. Raises CompanyNotDeleting, also when the time is over."""
    before = await write.fetchval(
        "DELETE FROM platform.company_deletion WHERE company_id = $1 AND due_at > $2 RETURNING status_before",
        company_id,
        now,
    )
    if before is None:
        raise CompanyNotDeleting(msg("This company is not being deleted, or its time is over."))
    await write.fetch("UPDATE platform.company SET status = $2 WHERE id = $1", company_id, before)


async def find_deletion(read: ControlRead, *, company_id: UUID) -> Deletion | None:
    row = await read.fetchrow(
        "SELECT company_id, requested_by, requested_at, due_at FROM platform.company_deletion WHERE company_id = $1",
        company_id,
    )
    return Deletion(**dict(row)) if row is not None else None


async def due_deletions(read: ControlRead, *, now: datetime) -> list[Company]:
    """The companies whose grace is over, the longest first."""
    rows = await read.fetch(
        f"SELECT {columns_of('c')} FROM platform.company c JOIN platform.company_deletion d ON d.company_id = c.id"
        " WHERE d.due_at <= $1 AND c.status = 'deleting' ORDER BY d.due_at, c.id",
        now,
    )
    return [company_from(row) for row in rows]
