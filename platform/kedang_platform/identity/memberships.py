"""Who belongs to which company: invited, active, suspended; the platform's half of it.

Seats are decided here, under the subscription's lock. Locks are taken in one order everywhere:
subscription, one-time token, membership. What the company itself keeps of a member
(roles, department) is a row of its own schema with the same ``member_id``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, update

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.identity import letters, throttle, tokens
from kedang_platform.identity.api_keys import revoke_keys_of
from kedang_platform.identity.errors import AlreadyMember, LinkUnknown, LinkUsed
from kedang_platform.identity.sessions import end_sessions
from kedang_platform.identity.tables import membership, person
from kedang_platform.ids import new_id
from kedang_platform.licensing.history import SYSTEM, By, Reason, SeatEvent, note
from kedang_platform.licensing.keeping import expired_reservations, follow_later
from kedang_platform.licensing.seats import hold_seats, require_one_of, require_seat
from kedang_platform.mail import Outgoing, post
from kedang_platform.registry import Company

Seat = Literal["full", "none"]
State = Literal["invited", "active", "suspended"]


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom a member of a company asks in. ``email`` and ``name`` are clean already."""

    email: str
    name: str
    seat: Seat
    inviter: str
    language: str


@dataclass(frozen=True, slots=True)
class Member:
    """A membership as the platform knows it."""

    person_id: UUID
    company_id: UUID
    member_id: UUID
    seat: Seat
    state: State


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """What the page of an invitation shows; ``known`` people have a password already."""

    company: str
    email: str
    name: str
    language: str
    known: bool


async def invite(
    control: ControlTransaction,
    *,
    company: Company,
    invitation: Invitation,
    base_url: str,
    sender: str,
    now: datetime,
    by: UUID | None = None,
) -> Member:
    """Reserve what the invitation takes, for as long as its link works, and send it; again sends a fresh link.

    ``by`` is the member who invites. A suspended member who is invited keeps the ``member_id``, and with it the history. Raises
    ``SeatRequired``, ``AlreadyMember``, ``TooManyAttempts`` (200 invitations a company and day).
    """
    await throttle.spend(control, (throttle.INVITE_COMPANY, str(company.id)), now=now)
    seats = await hold_seats(control, company_id=company.id)
    person_id, language = await _person_of(control, invitation, now=now)
    await tokens.withdraw(control, "invitation", email=invitation.email, company_id=company.id)
    before = await _lock_membership(control, company_id=company.id, person_id=person_id)
    if before is not None and before.state == "active":
        raise AlreadyMember
    held = before is not None and before.state == "invited" and before.seat == "full"
    if invitation.seat == "full" and not held:
        await require_one_of(control, company_id=company.id, seats=seats)
    member = Member(
        person_id=person_id,
        company_id=company.id,
        member_id=before.member_id if before is not None else new_id(),
        seat=invitation.seat,
        state="invited",
    )
    await _store(control, member, now=now)
    if invitation.seat == "full":
        await _note(control, member, "reserved", "invitation", now=now, by=By(by))
    elif held:
        await _note(control, member, "released", "withdrawal", now=now, by=By(by))
    await _send(
        control,
        member,
        company=company,
        invitation=invitation,
        language=language,
        base_url=base_url,
        sender=sender,
        now=now,
    )
    return member


# What invites many of a company at once is written out: they wait for each other, so that each millisecond counts.
_MAKE_PERSON = """
INSERT INTO platform.person (id, email, name, language, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO NOTHING RETURNING id, language
"""
_LOCK_MEMBERSHIP = """
SELECT person_id, company_id, member_id, seat, state FROM platform.membership
WHERE company_id = $1 AND person_id = $2 FOR UPDATE
"""
_STORE = """
INSERT INTO platform.membership (company_id, person_id, member_id, seat, state, created_at, reserved_until)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (company_id, person_id) DO UPDATE SET
    seat = excluded.seat, state = excluded.state, reserved_until = excluded.reserved_until, seat_lost_at = NULL
"""


async def _person_of(
    control: ControlTransaction, invitation: Invitation, *, now: datetime
) -> tuple[UUID, str]:
    """The person of the address, made without a password when there is none; and their language."""
    email = invitation.email
    row = await control.fetchrow(_MAKE_PERSON, new_id(), email, invitation.name, invitation.language, now)
    if row is None:
        row = await control.fetchrow("SELECT id, language FROM platform.person WHERE email = $1", email)
    assert row is not None
    return row["id"], row["language"]


async def _lock_membership(
    control: ControlTransaction, *, company_id: UUID, person_id: UUID
) -> Member | None:
    row = await control.fetchrow(_LOCK_MEMBERSHIP, company_id, person_id)
    return Member(**row) if row is not None else None


async def _store(control: ControlTransaction, member: Member, *, now: datetime) -> None:
    until = now + tokens.LIFETIMES["invitation"]
    await control.fetch(
        _STORE,
        member.company_id,
        member.person_id,
        member.member_id,
        member.seat,
        member.state,
        now,
        until,
    )


async def _send(
    control: ControlTransaction,
    member: Member,
    *,
    company: Company,
    invitation: Invitation,
    language: str,
    base_url: str,
    sender: str,
    now: datetime,
) -> None:
    token = await tokens.issue(
        control,
        "invitation",
        email=invitation.email,
        person_id=member.person_id,
        company_id=company.id,
        now=now,
    )
    letter = letters.invitation(
        base_url=base_url,
        token=token,
        name=invitation.name,
        company=company.name,
        inviter=invitation.inviter,
    )
    mail = Outgoing(letter, invitation.email, language, key=f"invitation:{tokens.hash_of(token).hex()}")
    await post(control, [mail], sender=sender, now=now)


async def open_invitation(read: ControlRead, *, token: str, now: datetime) -> OpenInvitation:
    """What stands behind the link, without using it. Raises as ``tokens.look_up``."""
    row = await read.fetchrow(
        """SELECT c.name AS company, p.email, p.name, p.language, p.confirmed_at IS NOT NULL AS known,
                  t.expires_at, t.used_at
           FROM platform.one_time_token t
           JOIN platform.company c ON c.id = t.company_id JOIN platform.person p ON p.id = t.person_id
           WHERE t.token_hash = $1 AND t.purpose = 'invitation'""",
        tokens.hash_of(token),
    )
    if row is None:
        raise LinkUnknown
    tokens.check_life(expires_at=row["expires_at"], used_at=row["used_at"], now=now)
    return OpenInvitation(
        company=row["company"],
        email=row["email"],
        name=row["name"],
        language=row["language"],
        known=row["known"],
    )


async def activate(
    control: ControlTransaction, *, token: str, password_hash: str | None, now: datetime
) -> Member:
    """Use an invitation: the membership becomes active, a new person is confirmed with the password.

    The password of a person who has one is never changed by this. Raises as ``tokens.look_up``, and
    ``LinkUsed`` when the membership was taken back since.
    """
    found = await tokens.look_up(control, "invitation", token, now=now)
    assert found.person_id is not None and found.company_id is not None  # noqa: PT018 - told by the purpose
    before = await _lock_membership(control, company_id=found.company_id, person_id=found.person_id)
    if before is None or before.state == "suspended":
        raise LinkUsed
    await _confirm(control, person_id=found.person_id, password_hash=password_hash, now=now)
    if before.state == "invited":
        await _set(control, before, state="active", reserved_until=None)
        if before.seat == "full":
            await _note(control, before, "assigned", "acceptance", now=now, by=By(before.member_id))
    if not found.used:
        await tokens.mark_used(control, found, now=now)
    return Member(
        person_id=before.person_id,
        company_id=before.company_id,
        member_id=before.member_id,
        seat=before.seat,
        state="active",
    )


async def _confirm(
    control: ControlTransaction, *, person_id: UUID, password_hash: str | None, now: datetime
) -> None:
    await control.execute(
        update(person)
        .where(person.c.id == person_id, person.c.confirmed_at.is_(None))
        .values(confirmed_at=now, password_hash=password_hash)
    )


async def join(
    control: ControlTransaction, *, company_id: UUID, person_id: UUID, seat: Seat, now: datetime
) -> Member:
    """Make a person an active member without an invitation: the one who opens the company."""
    member = Member(person_id=person_id, company_id=company_id, member_id=new_id(), seat=seat, state="active")
    await control.execute(
        insert(membership).values(
            company_id=company_id,
            person_id=person_id,
            member_id=member.member_id,
            seat=seat,
            state="active",
            created_at=now,
        )
    )
    if seat == "full":
        await _note(control, member, "assigned", "opening", now=now, by=By(member.member_id))
    return member


_EMAIL = """
SELECT p.email FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
WHERE m.company_id = $1 AND m.member_id = $2
"""


async def suspend(
    control: ControlTransaction,
    *,
    company_id: UUID,
    member_id: UUID,
    now: datetime,
    by: By = SYSTEM,
    reason: Reason = "deactivation",
) -> Member | None:
    """Take the company away from a member: seat freed, sessions and keys ended, invitation withdrawn.

    A repeated call changes nothing. None when there is no such member.
    """
    email = await control.fetchval(_EMAIL, company_id, member_id)
    if email is None:
        return None
    if reason != "expiry":  # an expired link goes on saying that it has expired
        await tokens.withdraw(control, "invitation", email=email, company_id=company_id)
    member = await membership_of(control, company_id=company_id, member_id=member_id, hold=True)
    assert member is not None
    await _set(control, member, state="suspended", reserved_until=None, seat_lost_at=None, keep_rank=None)
    if member.seat == "full" and member.state != "suspended":
        withdrawn = member.state == "invited" and reason == "deactivation"
        await _note(control, member, "released", "withdrawal" if withdrawn else reason, now=now, by=by)
    if member.state != "invited":  # who has not accepted yet has neither
        await end_sessions(control, person_id=member.person_id, company_id=company_id)
        await revoke_keys_of(control, company_id=company_id, member_id=member_id, now=now)
    return member


async def release_expired(control: ControlTransaction, *, company_id: UUID, now: datetime) -> list[UUID]:
    """Take back the invitations whose seven days are over, with the seats that they held; returns whose.

    Invitations of a release in which they had no end get one first. Their rows follow by a job.
    """
    await hold_seats(control, company_id=company_id)
    ends = now + tokens.LIFETIMES["invitation"]
    await control.fetch(_GIVE_ENDS, company_id, ends)
    expired = await expired_reservations(control, company_id=company_id, now=now)
    for member_id in expired:
        await suspend(control, company_id=company_id, member_id=member_id, now=now, reason="expiry")
    await follow_later(control, company_id=company_id, member_ids=expired)
    return expired


_GIVE_ENDS = """
UPDATE platform.membership SET reserved_until = $2
WHERE company_id = $1 AND state = 'invited' AND reserved_until IS NULL
"""


async def change_seat(
    control: ControlTransaction, member: Member, *, seat: Seat, now: datetime, by: UUID | None = None
) -> None:
    """Give the member, who is held and not suspended, this seat; the subscription is held before that.

    Raises ``SeatRequired`` when a full one is asked for and none is left.
    """
    if seat == member.seat:
        return
    if seat == "full":
        await require_seat(control, company_id=member.company_id)
    await _set(control, member, seat=seat, seat_lost_at=None)
    if seat == "full":
        await _note(control, member, "assigned", "promotion", now=now, by=By(by))
    else:
        await _note(control, member, "released", "demotion", now=now, by=By(by))


async def _set(control: ControlTransaction, member: Member, **values: object) -> None:
    columns = ", ".join(f"{name} = ${number}" for number, name in enumerate(values, start=3))
    await control.fetch(
        f"UPDATE platform.membership SET {columns} WHERE company_id = $1 AND person_id = $2",
        member.company_id,
        member.person_id,
        *values.values(),
    )


async def _note(
    control: ControlTransaction,
    member: Member,
    event: SeatEvent,
    reason: Reason,
    *,
    now: datetime,
    by: By = SYSTEM,
) -> None:
    await note(
        control,
        company_id=member.company_id,
        event=event,
        reason=reason,
        member_id=member.member_id,
        now=now,
        by=by,
    )


async def membership_of(
    read: ControlRead, *, company_id: UUID, member_id: UUID, hold: bool = False
) -> Member | None:
    """The membership behind a member's row of the company; ``hold`` locks it until the transaction ends."""
    row = await read.fetchrow(
        f"""SELECT person_id, company_id, member_id, seat, state FROM platform.membership
            WHERE company_id = $1 AND member_id = $2 {"FOR UPDATE" if hold else ""}""",
        company_id,
        member_id,
    )
    return Member(**row) if row is not None else None
