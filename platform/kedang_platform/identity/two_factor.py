"""Two-factor sign-in as a person switches it on and off, and as a company asks for it.

Whoever calls these has seen to a recent proof of who asks (``recent``).
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity import letters, second_factors, throttle
from kedang_platform.identity.announcing import announce_ended
from kedang_platform.identity.credentials import Identified
from kedang_platform.identity.errors import SecondFactorMissing
from kedang_platform.identity.people import PersonInfo, find_person
from kedang_platform.identity.proving import count_guess
from kedang_platform.identity.second_factors import Enrolment
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import end_sessions, renew_token
from kedang_platform.identity.signing_in import tell
from kedang_platform.identity.watching import watched
from kedang_platform.mail import Letter
from kedang_platform.registry.tables import company


async def start_two_factor(services: IdentityServices, identified: Identified) -> Enrolment:
    """A secret for the person's app; it counts once ``confirm_two_factor`` has seen a code of it.

    Raises ``SecondFactorPresent``.
    """
    async with services.databases.control() as control:
        info = await find_person(control, person_id=identified.person_id)
        return await second_factors.begin_enrolment(
            control, person_id=info.id, email=info.email, key=services.key, now=services.clock.now()
        )


@watched("two_factor.switched_on", "two_factor.refused")
async def confirm_two_factor(
    services: IdentityServices, identified: Identified, *, code: str
) -> tuple[list[str], str]:
    """Switch it on: the recovery codes, told this once, and the session's new token; every other session ends.

    Raises ``WrongCode``, ``SecondFactorMissing``, ``SecondFactorPresent``, ``TooManyAttempts``.
    """
    now = services.clock.now()
    await _count(services, identified)
    async with services.databases.control() as control:
        info = await find_person(control, person_id=identified.person_id)
        codes = await second_factors.confirm_enrolment(
            control, person_id=info.id, code=code, key=services.key, now=now
        )
        await end_sessions(control, person_id=info.id, but=identified.credential_id)
        token = await renew_token(control, session_id=identified.credential_id, proved_at=now)
        await throttle.forgive(control, throttle.PROVE_SESSION, str(identified.credential_id))
        letter = letters.second_factor_on(base_url=services.settings.base_url, name=info.name)
        await _tell(control, services, letter, info)
    services.credentials.forget()
    return codes, token


@watched("two_factor.switched_off", "two_factor.refused")
async def disable_two_factor(services: IdentityServices, identified: Identified) -> str:
    """Switch it off: the session's new token; every other session ends. Raises ``SecondFactorMissing``."""
    async with services.databases.control() as control:
        info = await find_person(control, person_id=identified.person_id)
        await second_factors.switch_off(control, person_id=info.id)
        await end_sessions(control, person_id=info.id, but=identified.credential_id)
        token = await renew_token(control, session_id=identified.credential_id)
        letter = letters.second_factor_off(base_url=services.settings.base_url, name=info.name)
        await _tell(control, services, letter, info)
    services.credentials.forget()
    return token


@watched("recovery_codes.renewed", "two_factor.refused")
async def new_recovery_codes(services: IdentityServices, identified: Identified) -> list[str]:
    """Ten new codes, told this once; the old ones are void. Raises ``SecondFactorMissing``."""
    async with services.databases.control() as control:
        info = await find_person(control, person_id=identified.person_id)
        if not await second_factors.has_second_factor(control, person_id=info.id):
            raise SecondFactorMissing
        codes = await second_factors.renew_recovery_codes(
            control, person_id=info.id, now=services.clock.now()
        )
        letter = letters.recovery_codes_renewed(base_url=services.settings.base_url, name=info.name)
        await _tell(control, services, letter, info)
    return codes


async def require_of_company(
    control: ControlTransaction, *, company_id: UUID, person_id: UUID, required: bool
) -> bool:
    """Whether every member has to have a second factor from now on; False when that was so already.

    Who asks it of others has one: raises ``SecondFactorMissing``. Members without one can do nothing else until
    they have set it up, in living sessions too. Other processes are told at once.
    """
    if required and not await second_factors.has_second_factor(control, person_id=person_id):
        raise SecondFactorMissing
    table = company.c
    changed = await control.execute(
        update(company)
        .where(table.id == company_id, table.requires_two_factor.is_not(required))
        .values(requires_two_factor=required)
    )
    await announce_ended(control, company_id)
    return changed.rowcount == 1


async def _count(services: IdentityServices, identified: Identified) -> None:
    async with services.databases.control() as control:
        await count_guess(control, identified, now=services.clock.now())


async def _tell(
    control: ControlTransaction, services: IdentityServices, letter: Letter, info: PersonInfo
) -> None:
    now = services.clock.now()
    await tell(control, services, letter, email=info.email, language=info.language, now=now)


async def is_required(read: ControlRead, *, company_id: UUID) -> bool:
    """Whether the company asks every member for a second factor."""
    return bool(
        await read.fetchval("SELECT requires_two_factor FROM platform.company WHERE id = $1", company_id)
    )
