"""Confirming the e-mail address: the company is registered, opened in its schema, and its owner signed in.

Two transactions are needed, one of the platform and one of the company. Whatever happens between
them, the second is made up for: by the same link, or by the job that the first asked for.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.identity import Browser, Entered, IdentityServices, memberships, tokens
from kedang_platform.identity.errors import LinkUsed
from kedang_platform.identity.signing_in import enter
from kedang_platform.identity.tables import person
from kedang_platform.identity.watching import watched
from kedang_platform.ids import new_id
from kedang_platform.licensing import subscribe
from kedang_platform.registry import KEEP_SPARES, NewCompany, claim_schema, set_status
from kedang_platform.registry.company import columns_of, company_from
from kedang_platform.settings import Settings
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.opening.steps import Owner, open_company
from kedang_tenants.revision import REVISION

OPEN_JOB = "opening.open_company"
_HEAD_START = timedelta(seconds=15)
_COMPANY = columns_of("c")
# The only member that a company has before it is open is its owner.
_OPENED_BY = f"""
SELECT {_COMPANY}, m.member_id, p.name AS owner_name, p.email, p.language AS owner_language
FROM platform.company c JOIN platform.membership m ON m.company_id = c.id
JOIN platform.person p ON p.id = m.person_id
WHERE c.id = $1 FOR UPDATE OF c
"""


@watched("sign_in.succeeded", "sign_in.failed")
async def confirm_email(
    services: IdentityServices,
    *,
    token: str,
    address: str = "",
    user_agent: str = "",
    device: str | None = None,
) -> Entered:
    """Make the company of a sign-up and sign its owner in.

    A link that is clicked twice makes one company; within five minutes the second click signs in,
    too. Raises ``LinkUnknown``, ``LinkExpired``, ``LinkUsed`` (another sign-up of the same address was
    confirmed first, or the five minutes are over), and ``NoSpareSchema`` (the link stays usable).
    """
    now = services.clock.now()
    async with services.databases.control() as control:
        found = await tokens.look_up(control, "confirm_email", token, now=now)
        company_id = found.company_id
        if not found.used:
            company_id = await _register_confirmed(control, found, settings=services.settings, now=now)
        if company_id is None:
            raise LinkUsed
    async with services.databases.control() as control:
        await _open(services.databases, control, company_id=company_id, clock=services.clock)
        return await enter(
            control,
            services,
            email=found.email,
            company_id=company_id,
            browser=Browser(address, user_agent, device),
            method="link",
        )


async def finish_opening(databases: Databases, *, company_id: UUID, clock: Clock) -> None:
    """Open a registered company in its schema; one that is open already is left as it is."""
    async with databases.control() as control:
        await _open(databases, control, company_id=company_id, clock=clock)


async def register(
    control: ControlTransaction, *, person_id: UUID, company: NewCompany, settings: Settings, now: datetime
) -> UUID:
    """The platform's half: company, subscription, membership, and the job that opens it anyway.

    The person is its first member. Raises ``NoSpareSchema``.
    """
    claimed = await claim_schema(control, company_id=new_id(), company=company, now=now, revision=REVISION)
    await subscribe(control, company_id=claimed.id, free_seats=settings.free_seats, now=now)
    await memberships.join(control, company_id=claimed.id, person_id=person_id, seat="full", now=now)
    payload = {"company": str(claimed.id)}
    await enqueue(
        control,
        NewJob(OPEN_JOB, payload, key=f"{OPEN_JOB}:{claimed.id}", due_at=now + _HEAD_START),
        NewJob(KEEP_SPARES),
    )
    return claimed.id


async def _register_confirmed(
    control: ControlTransaction, found: tokens.Token, *, settings: Settings, now: datetime
) -> UUID:
    wish = found.payload
    person_id = await _confirm_person(control, found, now=now)
    company = NewCompany(
        name=wish["company"],
        country=wish["country"],
        language=wish["language"],
        time_zone=wish["time_zone"],
        currency=wish["currency"],
    )
    company_id = await register(control, person_id=person_id, company=company, settings=settings, now=now)
    await tokens.mark_used(control, found, now=now, company_id=company_id)
    await tokens.withdraw(control, "confirm_email", email=found.email)
    return company_id


async def _confirm_person(control: ControlTransaction, found: tokens.Token, *, now: datetime) -> UUID:
    """The person of the address, with the password of this sign-up unless one was confirmed before."""
    wish = found.payload
    values = {
        "name": wish["name"],
        "password_hash": wish["password_hash"],
        "language": wish["language"],
        "confirmed_at": now,
    }
    statement = insert(person).values(id=new_id(), email=found.email, created_at=now, **values)
    confirmed = statement.on_conflict_do_update(
        index_elements=[person.c.email], set_=values, where=person.c.confirmed_at.is_(None)
    )
    person_id = (await control.execute(confirmed.returning(person.c.id))).scalar_one_or_none()
    if person_id is None:
        raise LinkUsed
    assert isinstance(person_id, UUID)
    return person_id


async def _open(databases: Databases, control: ControlTransaction, *, company_id: UUID, clock: Clock) -> None:
    """The company's half, under the lock of the company's row: of several who try, one does it."""
    row = await control.fetchrow(_OPENED_BY, company_id)
    if row is None or row["status"] != "opening":
        return
    company = company_from(row)
    owner = Owner(row["member_id"], row["owner_name"], row["email"], row["owner_language"])
    async with databases.tenant_write(company.ref) as write:
        await open_company(write, company, owner, clock=clock)
    await set_status(control, company_id=company_id, status="active")
