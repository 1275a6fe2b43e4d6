"""A further company of somebody who has one: opened signed in, since the address is confirmed already (T1)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform.database import ControlTransaction
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity import IdentityServices, emails, throttle
from kedang_platform.registry import Company, NewCompany, find_company
from kedang_tenants.opening.confirming import finish_opening, register
from kedang_tenants.opening.places import check_places

A_DAY = throttle.Limit("open_company", 5, timedelta(days=1))
# Whoever opened a company became its member in the transaction that made it.
_OPENED = """
SELECT count(*) FROM platform.membership m JOIN platform.company c ON c.id = m.company_id
WHERE m.person_id = $1 AND m.created_at = c.created_at
"""


class TooManyCompanies(KedangError):
    """The person has opened as many companies as the operator lets one person open."""

    def __init__(self, *, most: int) -> None:
        super().__init__(msg("One person can open at most {most} companies here."), most=most)


async def open_further(services: IdentityServices, *, person_id: UUID, wish: NewCompany) -> Company:
    """Open the company, with the person as its owner; their session stays where it is.

    Raises what is wrong with the input (``BadUserInput``), ``TooManyCompanies`` (the setting
    ``companies_per_person``), ``TooManyAttempts`` (5 a person and day) and ``NoSpareSchema``.
    """
    wish = _checked(wish)
    now = services.clock.now()
    async with services.databases.control() as control:
        await throttle.spend(control, (A_DAY, str(person_id)), now=now)
        await _require_room(control, person_id=person_id, most=services.settings.companies_per_person)
        company_id = await register(
            control, person_id=person_id, company=wish, settings=services.settings, now=now
        )
    await finish_opening(services.databases, company_id=company_id, clock=services.clock)
    async with services.databases.control_read() as read:
        return await find_company(read, company_id=company_id)


def _checked(wish: NewCompany) -> NewCompany:
    check_places(
        country=wish.country, language=wish.language, time_zone=wish.time_zone, currency=wish.currency
    )
    return NewCompany(
        name=emails.clean_name(wish.name, path=("companyName",), longest=200),
        country=wish.country,
        language=wish.language,
        time_zone=wish.time_zone,
        currency=wish.currency,
    )


async def _require_room(control: ControlTransaction, *, person_id: UUID, most: int) -> None:
    """The throttle's row is held already: of several who try at once, each counts the one before."""
    if await control.fetchval(_OPENED, person_id) >= most:
        raise TooManyCompanies(most=most)
