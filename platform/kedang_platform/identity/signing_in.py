"""Signing in by password and out again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy import update

from kedang_platform.database import ControlTransaction
from kedang_platform.identity import throttle
from kedang_platform.identity.emails import normalise
from kedang_platform.identity.errors import InvalidEmail, NoCompany, WrongCredentials
from kedang_platform.identity.people import PersonInfo
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import end_session, start_session
from kedang_platform.identity.tables import person
from kedang_platform.registry import Company
from kedang_platform.registry.company import columns_of, company_from

_FIND = "SELECT id, password_hash, confirmed_at FROM platform.person WHERE email = $1"
_COMPANY = columns_of("c")
# The company that was named, else the one where the person signed in last, else the oldest membership.
_CHOOSE_COMPANY = f"""
SELECT {_COMPANY}, p.id AS person_id, p.email, p.name AS person_name, p.language AS person_language
FROM platform.person p JOIN platform.membership m ON m.person_id = p.id
JOIN platform.company c ON c.id = m.company_id
WHERE p.email = $1 AND m.state = 'active' AND c.status = 'active' AND ($2::uuid IS NULL OR c.id = $2)
ORDER BY (SELECT max(s.created_at) FROM platform.session s
          WHERE s.person_id = m.person_id AND s.company_id = m.company_id) DESC NULLS LAST, m.created_at
LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was opened; ``token`` goes into the cookie and is kept nowhere."""

    token: str
    person: PersonInfo
    company: Company


async def sign_in(
    services: IdentityServices,
    *,
    email: str,
    password: str,
    address: str,
    user_agent: str = "",
    company_id: UUID | None = None,
) -> SignedIn:
    """Open a session for who knows the password.

    ``address`` is where the request comes from; tries are limited by account (10 in 15 minutes) and
    by address (50). Unknown people cost the same work and get the same answer as a wrong password.
    Raises ``WrongCredentials``, ``TooManyAttempts``, ``TooBusy``, or ``NoCompany`` after a right password.
    """
    try:
        email = normalise(email)
    except InvalidEmail:
        email = ""
    row = await _begin_try(services, email=email, address=address)
    known = row is not None and row["confirmed_at"] is not None
    password_hash = row["password_hash"] if row is not None and known else None
    if not await services.passwords.verify(password_hash, password) or row is None:
        raise WrongCredentials
    renewed = None
    if services.passwords.outdated(row["password_hash"]):
        renewed = await services.passwords.hash(password)
    async with services.databases.control() as control:
        await throttle.refund(control, throttle.SIGN_IN_ADDRESS, address)
        await throttle.forgive(control, throttle.SIGN_IN_ACCOUNT, email)
        if renewed:
            await control.execute(
                update(person).where(person.c.id == row["id"]).values(password_hash=renewed)
            )
        return await enter(
            control,
            email=email,
            company_id=company_id,
            user_agent=user_agent,
            now=services.clock.now(),
        )


async def enter(
    control: ControlTransaction,
    *,
    email: str,
    company_id: UUID | None,
    user_agent: str,
    now: datetime,
) -> SignedIn:
    """Open a session of a person who has proved who they are; raises ``NoCompany``."""
    row = await control.fetchrow(_CHOOSE_COMPANY, email, company_id)
    if row is None:
        raise NoCompany
    company = company_from(row)
    token = await start_session(
        control, person_id=row["person_id"], company_id=company.id, user_agent=user_agent, now=now
    )
    info = PersonInfo(row["person_id"], row["email"], row["person_name"], row["person_language"])
    return SignedIn(token=token, person=info, company=company)


async def sign_out(services: IdentityServices, *, person_id: UUID, session_id: UUID) -> bool:
    """End a session of the person, here at once, in other processes within 5 seconds.

    False when it is not theirs or has ended already.
    """
    async with services.databases.control() as control:
        ended = await end_session(control, person_id=person_id, session_id=session_id)
    services.credentials.forget()
    return ended


async def _begin_try(services: IdentityServices, *, email: str, address: str) -> asyncpg.Record | None:
    """Count the try before any work is done for it, and look the person up."""
    now = services.clock.now()
    async with services.databases.control() as control:
        tries = ((throttle.SIGN_IN_ADDRESS, address), (throttle.SIGN_IN_ACCOUNT, email))
        await throttle.spend(control, *tries, now=now)
        return await control.fetchrow(_FIND, email)
