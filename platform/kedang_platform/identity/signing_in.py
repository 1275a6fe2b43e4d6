"""Signing in and out again: a proof of who one is, a second factor where there is one, a session.

Whatever the proof is (a password, an OpenID provider, a link in the mailbox), ``enter`` decides what it opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID

import asyncpg
from sqlalchemy import update

from kedang_platform.database import ControlTransaction
from kedang_platform.identity import letters, second_factors, throttle, tokens
from kedang_platform.identity.browsers import Browser, network_of, place_of
from kedang_platform.identity.devices import mark_of, meet
from kedang_platform.identity.emails import normalise
from kedang_platform.identity.errors import (
    InvalidEmail,
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    NoCompany,
    SignInExpired,
    WrongCredentials,
)
from kedang_platform.identity.people import PersonInfo
from kedang_platform.identity.services import IdentityServices
from kedang_platform.identity.sessions import Method, end_session, start_session
from kedang_platform.identity.tables import person
from kedang_platform.identity.watching import watched
from kedang_platform.ids import new_id
from kedang_platform.mail import Letter, Outgoing, post
from kedang_platform.registry import Company, CompanySuspended
from kedang_platform.registry.company import columns_of, company_from

# The same statement for everybody, known or not: nothing but its row tells them apart.
_FIND = """
SELECT p.id, p.password_hash, p.confirmed_at, d.token_hash IS NOT NULL AS at_known_browser
FROM platform.person p
LEFT JOIN platform.device d ON d.person_id = p.id AND d.token_hash = $2 AND d.expires_at > $3
WHERE p.email = $1
"""
_COMPANY = columns_of("c")
# The company that was named, else the one where the person signed in last, else the oldest membership. Who let a
# company go gets into it until it is gone, to take that back.
_CHOOSE_COMPANY = f"""
SELECT {_COMPANY}, p.id AS person_id, p.email, p.name AS person_name, p.language AS person_language,
       f.confirmed_at IS NOT NULL AS second_factor, c.requires_two_factor
FROM platform.person p JOIN platform.membership m ON m.person_id = p.id
JOIN platform.company c ON c.id = m.company_id
LEFT JOIN platform.second_factor f ON f.person_id = p.id
WHERE p.email = $1 AND m.state = 'active' AND ($2::uuid IS NULL OR c.id = $2) AND (c.status = 'active' OR EXISTS (
    SELECT FROM platform.company_deletion d WHERE d.company_id = c.id AND d.requested_by = m.member_id))
ORDER BY c.status <> 'active', (SELECT max(s.created_at) FROM platform.session s
          WHERE s.person_id = m.person_id AND s.company_id = m.company_id) DESC NULLS LAST, m.created_at
LIMIT 1
"""
_SUSPENDED = """
SELECT true FROM platform.person p JOIN platform.membership m ON m.person_id = p.id
JOIN platform.company c ON c.id = m.company_id
WHERE p.email = $1 AND m.state = 'active' AND c.status = 'suspended' AND ($2::uuid IS NULL OR c.id = $2) LIMIT 1
"""
_CHALLENGED = """
SELECT t.person_id, t.expires_at, t.used_at, d.token_hash IS NOT NULL AS at_known_browser
FROM platform.one_time_token t
LEFT JOIN platform.device d ON d.person_id = t.person_id AND d.token_hash = $2 AND d.expires_at > $3
WHERE t.token_hash = $1 AND t.purpose = 'second_factor'
"""
_UNKNOWN_PLACE: Final = "-"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that was opened; ``token`` and ``device`` go into cookies and are kept nowhere.

    Who ``must_enrol`` may do nothing but set up a second factor, which the company asks for.
    """

    token: str
    expires_at: datetime
    device: str
    person: PersonInfo
    company: Company
    must_enrol: bool
    method: Method


@dataclass(frozen=True, slots=True)
class Challenged:
    """The first step is done; ``challenge`` with a one-time code completes it, until ``expires_at``.

    Nothing of person and company is for the one who asks before that.
    """

    challenge: str
    expires_at: datetime
    company: Company


Entered: TypeAlias = SignedIn | Challenged


@watched("sign_in.succeeded", "sign_in.failed")
async def sign_in(
    services: IdentityServices,
    *,
    email: str,
    password: str,
    address: str,
    user_agent: str = "",
    device: str | None = None,
    company_id: UUID | None = None,
) -> Entered:
    """Open a session for who knows the password, or ask for the one-time code where there is a second factor.

    ``address`` is where the request comes from, ``device`` what its cookie says. In 15 minutes an address has
    50 tries, an account 10 from one address and 25 from all of them; a browser that its person signed in from
    before has 10 of its own and counts in none of these. Unknown people cost the same work and get the same
    answer as a wrong password. Raises ``WrongCredentials``, ``TooManyAttempts``, ``TooBusy``, or
    ``NoCompany`` after a right password.
    """
    browser = Browser(address, user_agent, device)
    proof = await prove_password(services, email=email, password=password, browser=browser)
    async with services.databases.control() as control:
        await proof.forgive(control)
        if proof.renewed_hash:
            await control.execute(
                update(person).where(person.c.id == proof.person_id).values(password_hash=proof.renewed_hash)
            )
        return await enter(
            control, services, email=proof.email, company_id=company_id, browser=browser, method="password"
        )


@dataclass(frozen=True, slots=True)
class PasswordProof:
    """A right password of a confirmed person; ``renewed_hash`` replaces one with the parameters of yesterday."""

    email: str
    person_id: UUID
    renewed_hash: str | None
    device_bucket: str | None
    address: str

    async def forgive(self, control: ControlTransaction) -> None:
        """Give back the tries that its person needed."""
        if self.device_bucket is not None:
            await throttle.forgive(control, throttle.SIGN_IN_DEVICE, self.device_bucket)
            return
        await throttle.refund(control, throttle.SIGN_IN_ADDRESS, self.address)
        pair = _pair(self.email, self.address)
        tries = await throttle.forgive(control, throttle.SIGN_IN_PAIR, pair)
        await throttle.refund(control, throttle.SIGN_IN_ACCOUNT, self.email, tries=tries)


async def prove_password(
    services: IdentityServices, *, email: str, password: str, browser: Browser
) -> PasswordProof:
    """That somebody knows the password, counted and limited as ``sign_in`` says; raises as it does."""
    try:
        email = normalise(email)
    except InvalidEmail:
        email = ""
    row, device_bucket = await _begin_try(services, email=email, browser=browser)
    known = row is not None and row["confirmed_at"] is not None
    password_hash = row["password_hash"] if row is not None and known else None
    if not await services.passwords.verify(password_hash, password) or row is None:
        raise WrongCredentials
    renewed = None
    if services.passwords.outdated(row["password_hash"]):
        renewed = await services.passwords.hash(password)
    return PasswordProof(email, row["id"], renewed, device_bucket, browser.address)


@watched("sign_in.succeeded", "sign_in.failed")
async def enter_proved(
    services: IdentityServices,
    *,
    person_id: UUID,
    method: Method,
    browser: Browser,
    company_id: UUID | None = None,
) -> Entered:
    """Let in a person who has proved elsewhere who they are (``openid``); raises ``NoCompany``, ``CompanySuspended``."""
    async with services.databases.control() as control:
        email = await control.fetchval(
            "SELECT email FROM platform.person WHERE id = $1 AND confirmed_at IS NOT NULL", person_id
        )
        return await enter(
            control, services, email=email or "", company_id=company_id, browser=browser, method=method
        )


async def enter(
    control: ControlTransaction,
    services: IdentityServices,
    *,
    email: str,
    company_id: UUID | None,
    browser: Browser,
    method: Method,
) -> Entered:
    """What a proof of who somebody is opens: a session, or the second step of the sign-in. Raises as ``enter_proved``."""
    row = await control.fetchrow(_CHOOSE_COMPANY, email, company_id)
    if row is None:
        raise await _nowhere(control, email=email, company_id=company_id)
    if row["second_factor"]:
        return await _challenge(control, row, method=method, now=services.clock.now())
    return await _open(control, services, row, browser=browser, method=method, second_factor=False)


async def _nowhere(
    control: ControlTransaction, *, email: str, company_id: UUID | None
) -> NoCompany | CompanySuspended:
    """Why somebody who proved who they are gets in nowhere: an operator has suspended their company, or they have none."""
    suspended = await control.fetchval(_SUSPENDED, email, company_id)
    return CompanySuspended() if suspended else NoCompany()


@watched("second_step.succeeded", "second_step.failed")
async def complete_sign_in(
    services: IdentityServices, *, challenge: str, code: str, browser: Browser
) -> SignedIn:
    """The second step: a code of the app, or a recovery code. Each counts once, and so does the challenge.

    5 tries in 15 minutes, of a browser that the person signed in from before in a bucket of its own. Raises
    ``SignInExpired``, ``WrongCode``, ``TooManyAttempts``, ``NoCompany``; a refusal uses nothing up.
    """
    limit, subject = await _begin_code(services, challenge=challenge, browser=browser)
    now = services.clock.now()
    async with services.databases.control() as control:
        found = await _locked_challenge(control, challenge, now=now)
        assert found.person_id is not None  # told by the purpose
        proof = await second_factors.prove(
            control, person_id=found.person_id, code=code, key=services.key, now=now
        )
        row = await control.fetchrow(_CHOOSE_COMPANY, found.email, found.company_id)
        if row is None:
            raise await _nowhere(control, email=found.email, company_id=found.company_id)
        method = found.payload["method"]
        await tokens.mark_used(control, found, now=now)
        await throttle.forgive(control, limit, subject)
        if proof == "recovery":
            await _tell_of_recovery(control, services, row, now=now)
        return await _open(control, services, row, browser=browser, method=method, second_factor=True)


@watched("session.ended", "access.refused")
async def sign_out(services: IdentityServices, *, person_id: UUID, session_id: UUID) -> bool:
    """End a session of the person, here at once, in other processes as soon as they hear of it.

    False when it is not theirs or has ended already.
    """
    async with services.databases.control() as control:
        ended = await end_session(control, person_id=person_id, session_id=session_id)
    services.credentials.forget()
    return ended


async def _begin_try(
    services: IdentityServices, *, email: str, browser: Browser
) -> tuple[asyncpg.Record | None, str | None]:
    """Look the person up and count the try before any work is done for it; its own bucket of a known browser."""
    now = services.clock.now()
    mark = mark_of(browser.device)
    async with services.databases.control() as control:
        row = await control.fetchrow(_FIND, email, mark, now)
        if row is not None and row["at_known_browser"]:
            bucket = f"{row['id']} {mark.hex()}"
            await throttle.spend(control, (throttle.SIGN_IN_DEVICE, bucket), now=now)
            return row, bucket
        tries = (
            (throttle.SIGN_IN_ADDRESS, browser.address),
            (throttle.SIGN_IN_PAIR, _pair(email, browser.address)),
            (throttle.SIGN_IN_ACCOUNT, email),
        )
        await throttle.spend(control, *tries, now=now)
        return row, None


def _pair(email: str, address: str) -> str:
    return f"{email} {network_of(address)}"


async def _challenge(
    control: ControlTransaction, row: asyncpg.Record, *, method: Method, now: datetime
) -> Challenged:
    text = await tokens.issue(
        control,
        "second_factor",
        email=row["email"],
        person_id=row["person_id"],
        company_id=row["id"],
        payload={"method": method},
        now=now,
    )
    return Challenged(text, now + tokens.LIFETIMES["second_factor"], company_from(row))


async def _begin_code(
    services: IdentityServices, *, challenge: str, browser: Browser
) -> tuple[throttle.Limit, str]:
    """Count the try at a code; raises ``SignInExpired``."""
    now = services.clock.now()
    mark = mark_of(browser.device)
    async with services.databases.control() as control:
        row = await control.fetchrow(_CHALLENGED, tokens.hash_of(challenge), mark, now)
        if row is None or row["used_at"] is not None or now >= row["expires_at"]:
            raise SignInExpired
        counted = (throttle.CODE_ACCOUNT, str(row["person_id"]))
        if row["at_known_browser"]:
            counted = (throttle.CODE_DEVICE, f"{row['person_id']} {mark.hex()}")
        await throttle.spend(control, counted, now=now)
        return counted


async def _locked_challenge(control: ControlTransaction, challenge: str, *, now: datetime) -> tokens.Token:
    try:
        found = await tokens.look_up(control, "second_factor", challenge, now=now)
    except (LinkUnknown, LinkExpired, LinkUsed):
        raise SignInExpired from None
    if found.used:
        raise SignInExpired
    return found


async def _open(
    control: ControlTransaction,
    services: IdentityServices,
    row: asyncpg.Record,
    *,
    browser: Browser,
    method: Method,
    second_factor: bool,
) -> SignedIn:
    now = services.clock.now()
    lifetime = timedelta(days=services.settings.session_days)
    info = PersonInfo(row["person_id"], row["email"], row["person_name"], row["person_language"])
    company = company_from(row)
    token = await start_session(
        control,
        person_id=info.id,
        company_id=company.id,
        user_agent=browser.user_agent,
        now=now,
        address=browser.address,
        method=method,
        second_factor=second_factor,
        lifetime=lifetime,
    )
    device, new = await meet(control, person_id=info.id, token=browser.device, now=now)
    if new:
        letter = letters.new_device(
            base_url=services.settings.base_url,
            name=info.name,
            company=company.name,
            user_agent=browser.user_agent[:200] or _UNKNOWN_PLACE,
            place=place_of(browser.address) or _UNKNOWN_PLACE,
            at=f"{now:%Y-%m-%d %H:%M}",
        )
        await tell(control, services, letter, email=info.email, language=info.language, now=now)
    must_enrol = row["requires_two_factor"] and not row["second_factor"]
    return SignedIn(token, now + lifetime, device, info, company, must_enrol, method)


async def _tell_of_recovery(
    control: ControlTransaction, services: IdentityServices, row: asyncpg.Record, *, now: datetime
) -> None:
    left = (await second_factors.second_factor_of(control, person_id=row["person_id"])).recovery_codes_left
    letter = letters.recovery_code_used(
        base_url=services.settings.base_url, name=row["person_name"], left=left
    )
    await tell(control, services, letter, email=row["email"], language=row["person_language"], now=now)


async def tell(
    control: ControlTransaction,
    services: IdentityServices,
    letter: Letter,
    *,
    email: str,
    language: str,
    now: datetime,
) -> None:
    """Send a mail about somebody's sign-in, with what it tells of or not at all."""
    mail = Outgoing(letter, email, language, key=f"security:{new_id()}")
    await post(control, [mail], sender=services.settings.mail_from, now=now)
