"""Moving a session to another company of its person (T1)."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.people import companies_of
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import end_sessions, move_session
from kedang_platform.identity.watching import watched
from kedang_platform.registry import Company


async def switch_company(
    services: IdentityServices, identified: Identified, *, company_id: UUID
) -> tuple[Company, str | None]:
    """The company, and the session's new token in it. What was open in the old company through this session ends.

    Who is there already keeps everything, the token too (None). Raises ``NotFound`` for a company that is not the person's, or not active.
    """
    async with services.databases.control() as control:
        own = await companies_of(control, person_id=identified.person_id)
        company = next((one for one in own if one.id == company_id), None)
        if company is None:
            raise NotFound(msg("There is no such record."), path=("companyId",))
        if company.id == identified.company.id:
            return company, None
        token = await move_session(control, session_id=identified.credential_id, company_id=company.id)
    services.credentials.forget()
    return company, token


@watched("sessions.ended", "access.refused")
async def end_other_sessions(services: IdentityServices, identified: Identified) -> int:
    """End all sessions of the person but this one; how many they were."""
    async with services.databases.control() as control:
        ended = await end_sessions(control, person_id=identified.person_id, but=identified.credential_id)
    services.credentials.forget()
    return ended
