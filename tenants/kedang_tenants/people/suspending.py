"""An operator suspends a company and resumes it: at once, for everybody, with nothing lost (O2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from sqlalchemy import delete

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.errors import BadUserInput, KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.tables import session
from kedang_platform.registry import Company, find_company
from kedang_tenants.changing.trail import note_action
from kedang_tenants.people.viewers import system_viewer

LONGEST_REASON: Final = 500
_RECORD: Final = "company"
Told: TypeAlias = Mapping[str, Sequence[object]]

_SUSPEND = """
UPDATE platform.company SET status = 'suspended', suspended_reason = $2, suspended_at = $3
WHERE id = $1 AND status = 'active' RETURNING id
"""
_RESUME = """
UPDATE platform.company SET status = 'active', suspended_reason = NULL, suspended_at = NULL, quiet = false
WHERE id = $1 AND (status = 'suspended' OR status = 'active' AND quiet) RETURNING id
"""


class CompanyNotSuspendable(KedangError):
    """Only a company that is active can be suspended."""


class CompanyNotSuspended(KedangError):
    """The company is neither suspended nor resting, so there is nothing to resume."""


async def suspend_company(
    databases: Databases, *, company_id: UUID, reason: str, operator: str, clock: Clock
) -> Company:
    """End the company's sessions and refuse sign-in, keys, links and jobs from this moment on.

    The reason is kept with the company, and who did it in its audit trail. Raises NotFound,
    CompanyNotSuspendable, BadUserInput for no reason or one of more than 500 characters.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise BadUserInput(msg("Say why, in up to {most} characters."), path=("reason",), most=LONGEST_REASON)
    async with databases.control() as control:
        company = await find_company(control, company_id=company_id)
        if await control.fetchval(_SUSPEND, company_id, reason, clock.now()) is None:
            raise CompanyNotSuspendable(
                msg("{name} is not active ({status})."), name=company.name, status=company.status
            )
        await control.execute(delete(session).where(session.c.company_id == company_id))
        await announce_ended(control, company_id)
        told = {"reason": [None, reason], "operator": [None, operator]}
        await note_operator(databases, company, "suspended", told, clock=clock)
        return await find_company(control, company_id=company_id)


async def resume_company(databases: Databases, *, company_id: UUID, operator: str, clock: Clock) -> Company:
    """Bring everything back: sign-in, keys and links work, jobs that waited run, and so do recurring rules.

    Raises NotFound, CompanyNotSuspended.
    """
    async with databases.control() as control:
        company = await find_company(control, company_id=company_id)
        if await control.fetchval(_RESUME, company_id) is None:
            raise CompanyNotSuspended(msg("{name} is not suspended."), name=company.name)
        await announce_ended(control, company_id)
        await note_operator(databases, company, "resumed", {"operator": [None, operator]}, clock=clock)
        return await find_company(control, company_id=company_id)


async def note_operator(
    databases: Databases, company: Company, event: str, told: Told, *, clock: Clock
) -> None:
    """Write down in the company's audit trail what an operator did with it."""
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via="operator")
        await note_action(write, viewer, _RECORD, event, company.id, dict(told), clock=clock)
