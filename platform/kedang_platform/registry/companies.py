"""Finding companies and the states they go through."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import CompanyUpgrading, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry.company import COLUMNS, Company, CompanyStatus, company_from


class CompanyInactive(KedangError):
    """The company is not open for work: it is being opened, is suspended, or is being deleted."""


class CompanySuspended(CompanyInactive):
    """The operator has suspended the company; nothing of it is lost."""

    def __init__(self) -> None:
        super().__init__(
            msg(
                "This company has been suspended by the operator. Its data are kept; please ask the operator."
            )
        )


async def find_company(read: ControlRead, *, company_id: UUID) -> Company:
    """The company, whatever its status; raises NotFound."""
    row = await read.fetchrow(f"SELECT {COLUMNS} FROM platform.company WHERE id = $1", company_id)
    if row is None:
        raise NotFound(msg("There is no such company."))
    return company_from(row)


async def find_company_by_handle(read: ControlRead, *, handle: str) -> Company:
    """The company that this handle stands for, whatever its status; raises NotFound."""
    row = await read.fetchrow(f"SELECT {COLUMNS} FROM platform.company WHERE handle = $1", handle)
    if row is None:
        raise NotFound(msg("There is no such company."))
    return company_from(row)


async def active_companies(read: ControlRead) -> list[Company]:
    """Every company that is open for work, the oldest first."""
    rows = await read.fetch(
        f"SELECT {COLUMNS} FROM platform.company WHERE status = 'active' ORDER BY created_at, id"
    )
    return [company_from(row) for row in rows]


async def recurring_companies(read: ControlRead) -> list[Company]:
    """The active companies whose recurring rules run: all but those that were restored beside another and rest."""
    rows = await read.fetch(
        f"SELECT {COLUMNS} FROM platform.company WHERE status = 'active' AND NOT quiet ORDER BY created_at, id"
    )
    return [company_from(row) for row in rows]


def ensure_usable(company: Company, *, revision: str) -> None:
    """Refuse a company that is not active (CompanyInactive, CompanySuspended) or whose schema is behind (CompanyUpgrading).

    ``revision`` is the oldest that the running code serves; newer ones it serves too, since a
    release only adds to a schema before its code runs (design 2).
    """
    if company.status == "suspended":
        raise CompanySuspended
    if company.status != "active":
        raise CompanyInactive(msg("This company is not active."))
    if company.revision < revision:
        raise CompanyUpgrading(msg("The company is being upgraded. Please try again in a moment."))


async def set_status(write: ControlTransaction, *, company_id: UUID, status: CompanyStatus) -> None:
    """Raises NotFound."""
    changed = await write.fetchval(
        "UPDATE platform.company SET status = $2 WHERE id = $1 RETURNING id", company_id, status
    )
    if changed is None:
        raise NotFound(msg("There is no such company."))
