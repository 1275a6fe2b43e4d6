"""Asking people in, letting them in, giving them roles and seats, taking the company away from them.

The platform decides who is a member and who holds a seat; the member's row in the company's schema
follows, at once in the request that changed it, and by a job where that request did not come so far.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.errors import Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import Browser, Entered, IdentityServices, emails, memberships
from kedang_platform.identity.memberships import Invitation, Seat
from kedang_platform.identity.signing_in import enter, prove_password
from kedang_platform.identity.watching import watched
from kedang_platform.licensing import hold_seats
from kedang_platform.licensing.history import By
from kedang_platform.licensing.keeping import FOLLOW_JOB
from kedang_platform.registry import Company
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue.languages import language_code
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.giving_roles import GivenRoles, roles_to_give
from kedang_tenants.people.member_rows import NewRow, follow
from kedang_tenants.reading import Scope, Viewer

# The request that changed a membership writes the row itself; the job comes after it.
_HEAD_START = timedelta(seconds=10)


class LastOwner(KedangError):
    """A company always has an active owner with a full seat (T2)."""

    def __init__(self) -> None:
        super().__init__(msg("The last owner cannot leave the company."))


class LastOwnerStays(KedangError):
    """The last active owner keeps the owner's role and the full seat: nobody else could give them back (T2)."""

    def __init__(self, *, path: tuple[str, ...]) -> None:
        super().__init__(msg("The last owner keeps the owner's role and the full seat."), path=path)


class MemberSuspended(KedangError):
    """Who was deactivated holds nothing that could be changed."""

    def __init__(self) -> None:
        super().__init__(
            msg("This member was deactivated. Invite them again to let them back in."), path=("id",)
        )


async def invite_member(
    services: IdentityServices,
    viewer: Viewer,
    *,
    company: Company,
    email: str,
    name: str,
    roles: Collection[str],
    seat: Seat,
    own_roles: Collection[str] = (),
) -> UUID:
    """Ask a person in by mail; returns the id of the member, who has state INVITED until they accept.

    A full seat is reserved at once, a view-only member (``none``) takes none. Inviting again sends a
    fresh link. Raises ``Forbidden``, ``InvalidEmail``, ``NameMissing``, ``RoleUnknown``,
    ``SeatRequired``, ``AlreadyMember``, ``TooManyAttempts``; nothing is written then.
    """
    _may_manage(viewer, roles=roles)
    given = await roles_to_give(services.databases, viewer, roles=roles, own_roles=own_roles)
    inviter = await _name_of(services.databases, viewer)
    invitation = Invitation(
        email=emails.normalise(email),
        name=emails.clean_name(name),
        seat=seat,
        inviter=inviter or company.name,
        language=company.language,
    )
    async with services.databases.control() as control:
        member = await memberships.invite(
            control,
            company=company,
            invitation=invitation,
            base_url=services.settings.base_url,
            sender=services.settings.mail_from,
            now=services.clock.now(),
            by=viewer.member_id,
        )
        new = NewRow(
            name=invitation.name,
            email=invitation.email,
            roles=given.default,
            own_roles=given.own,
            language=language_code(invitation.language),
        )
        await _follow_later(control, services.clock, member=member, new=new)
    await follow(
        services.databases,
        company=company,
        member_id=member.member_id,
        clock=services.clock,
        new=new,
        reset_roles=True,
        viewer=viewer,
    )
    return member.member_id


@watched("sign_in.succeeded", "sign_in.failed")
async def accept_invitation(
    services: IdentityServices,
    *,
    token: str,
    password: str,
    address: str,
    user_agent: str = "",
    device: str | None = None,
) -> Entered:
    """Use an invitation and sign in: a new person chooses the password, a known one gives theirs.

    Raises ``LinkUnknown``, ``LinkExpired``, ``LinkUsed``, what ``IdentityServices.new_password`` raises, or for a
    known person ``WrongCredentials`` and ``TooManyAttempts``.
    """
    now = services.clock.now()
    async with services.databases.control_read() as read:
        invitation = await memberships.open_invitation(read, token=token, now=now)
    browser = Browser(address, user_agent, device)
    proof = password_hash = None
    if invitation.known:
        proof = await prove_password(services, email=invitation.email, password=password, browser=browser)
    else:
        own = (invitation.email, invitation.name, invitation.company)
        password_hash = await services.new_password(password, own=own)
    async with services.databases.control() as control:
        member = await memberships.activate(control, token=token, password_hash=password_hash, now=now)
        if proof is not None:
            await proof.forgive(control)
        entered = await enter(
            control,
            services,
            email=invitation.email,
            company_id=member.company_id,
            browser=browser,
            method="password",
        )
        await _follow_later(control, services.clock, member=member)
    await follow(
        services.databases, company=entered.company, member_id=member.member_id, clock=services.clock
    )
    return entered


async def deactivate_member(
    services: IdentityServices, viewer: Viewer, *, company: Company, member_id: UUID
) -> None:
    """Take the company away from a member: sessions and keys end, the seat is free, the history stays.

    Repeating it changes nothing. Raises ``Forbidden``, ``NotFound``, and ``LastOwner`` when no other
    active owner would be left.
    """
    _may_manage(viewer, roles=())
    async with services.databases.control() as control:
        await hold_seats(control, company_id=company.id)
        member = await memberships.membership_of(control, company_id=company.id, member_id=member_id)
        if member is None:
            raise NotFound(msg("There is no such member."))
        owners = await owners_of(services.databases, company)
        if member_id in owners:
            _may_manage(viewer, roles=("OWNER",))
            if await _is_last(control, company_id=company.id, member_id=member_id, owners=owners):
                raise LastOwner
        await memberships.suspend(
            control,
            company_id=company.id,
            member_id=member_id,
            now=services.clock.now(),
            by=By(viewer.member_id),
        )
        await _follow_later(control, services.clock, member=member)
    services.credentials.forget()
    await follow(
        services.databases, company=company, member_id=member_id, clock=services.clock, viewer=viewer
    )


async def change_member(
    services: IdentityServices,
    viewer: Viewer,
    *,
    company: Company,
    member_id: UUID,
    roles: Collection[str] | None = None,
    own_roles: Collection[str] | None = None,
    seat: Seat | None = None,
) -> None:
    """Give a member other roles (default ones, and the company's own) or another seat; None leaves what there is.

    A promotion (``full``) takes a seat under the subscription's lock, a demotion (``none``) frees it at
    once. The company's own row gets the roles under the same lock, so that of two owners who demote each
    other one stays. Repeating it changes nothing. Raises ``Forbidden``, ``NotFound``, ``MemberSuspended``,
    ``RoleUnknown``, ``SeatRequired`` and ``LastOwnerStays``; nothing is written then.
    """
    _may_manage(viewer, roles=roles or ())
    given = None
    if roles is not None or own_roles is not None:
        given = await roles_to_give(
            services.databases, viewer, roles=roles, own_roles=own_roles, member_id=member_id
        )
    async with services.databases.control() as control:
        await hold_seats(control, company_id=company.id)
        member = await memberships.membership_of(
            control, company_id=company.id, member_id=member_id, hold=True
        )
        if member is None:
            raise NotFound(msg("There is no such member."), path=("id",))
        if member.state == "suspended":
            raise MemberSuspended
        await _guard_owner(services.databases, control, viewer, company, member, roles=roles, seat=seat)
        if seat is not None:
            await memberships.change_seat(
                control, member, seat=seat, now=services.clock.now(), by=viewer.member_id
            )
            await _follow_later(control, services.clock, member=member)
        if given is not None:
            await _give_roles(services, viewer, company=company, member_id=member_id, roles=given)
    services.credentials.forget()
    await follow(
        services.databases, company=company, member_id=member_id, clock=services.clock, viewer=viewer
    )


_OTHER_ACTIVE = """
SELECT count(*) FROM platform.membership
WHERE company_id = $1 AND member_id = ANY($2::uuid[]) AND member_id <> $3 AND state = 'active' AND seat = 'full'
"""


def _may_manage(viewer: Viewer, *, roles: Collection[str]) -> None:
    """Who may change people may do so, but nobody grants more than they have, nor touches who has more."""
    allowed = viewer.on("member").update is Scope.ALL and viewer.on("member").create is Scope.ALL
    if not allowed or ("OWNER" in roles and "OWNER" not in viewer.roles):
        raise Forbidden(msg("You may not do this."))


async def _name_of(databases: Databases, viewer: Viewer) -> str | None:
    async with databases.tenant_read(viewer.company) as read:
        name: str | None = await read.fetchval("SELECT name FROM member WHERE id = $1", viewer.member_id)
        return name


async def owners_of(databases: Databases, company: Company) -> set[UUID]:
    """The members with the owner's role, whatever their state."""
    async with databases.tenant_read(company.ref) as read:
        rows = await read.fetch("SELECT id FROM member WHERE 'OWNER' = ANY(roles)")
    return {row["id"] for row in rows}


async def _is_last(
    control: ControlTransaction, *, company_id: UUID, member_id: UUID, owners: set[UUID]
) -> bool:
    """Whether no other active owner has a full seat."""
    return bool(await control.fetchval(_OTHER_ACTIVE, company_id, list(owners), member_id) == 0)


async def _guard_owner(
    databases: Databases,
    control: ControlTransaction,
    viewer: Viewer,
    company: Company,
    member: memberships.Member,
    *,
    roles: Collection[str] | None,
    seat: Seat | None,
) -> None:
    """Only an owner changes an owner, and the last one keeps role and seat."""
    owners = await owners_of(databases, company)
    if member.member_id not in owners:
        return
    _may_manage(viewer, roles=("OWNER",))
    loses_role, loses_seat = roles is not None and "OWNER" not in roles, seat == "none"
    if member.state != "active" or not (loses_role or loses_seat):
        return
    if await _is_last(control, company_id=company.id, member_id=member.member_id, owners=owners):
        raise LastOwnerStays(path=("roles",) if loses_role else ("seat",))


async def _give_roles(
    services: IdentityServices, viewer: Viewer, *, company: Company, member_id: UUID, roles: GivenRoles
) -> None:
    async with services.databases.tenant_write(company.ref) as write:
        change = Change("member", "update", id=member_id, values=roles.values())
        await change_internally(write, viewer, [change], clock=services.clock)


async def _follow_later(
    control: ControlTransaction,
    clock: Clock,
    *,
    member: memberships.Member,
    new: NewRow | None = None,
) -> None:
    payload = {
        "company": str(member.company_id),
        "member": str(member.member_id),
        "new": new.as_json() if new else None,
    }
    await enqueue(control, NewJob(FOLLOW_JOB, payload, due_at=clock.now() + _HEAD_START))
