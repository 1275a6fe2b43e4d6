"""Inviting, accepting, seats, deactivating (T2, T3)."""

import asyncio
from datetime import timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.identity import memberships, sign_in
from kedang_platform.identity.errors import (
    AlreadyMember,
    InvalidEmail,
    LinkExpired,
    LinkUnknown,
    LinkUsed,
    NameMissing,
    NoCompany,
    PasswordTooShort,
    TooManyAttempts,
    WrongCredentials,
)
from kedang_platform.ids import new_id
from kedang_platform.licensing import SeatRequired, seats_of
from kedang_tenants.people import operations
from kedang_tenants.people.giving_roles import RoleUnknown
from kedang_tenants.people.operations import (
    LastOwner,
    accept_invitation,
    deactivate_member,
    invite_member,
)
from kedang_tenants.people.operations_keys import create_api_key
from kedang_tenants.reading import Scope
from tests.support.people import ADDRESS, FULLER, PASSWORD

DAVOLIO = "nancy.davolio@northwind.example"
SECRET = "sieben Hirsche im Wald"


class Office:
    """A company that is open, and what its owner does with people."""

    def __init__(self, town, signed_in, company, viewer):
        self.town, self.signed_in, self.company, self.viewer = town, signed_in, company, viewer

    async def invite(self, email=DAVOLIO, *, name="Nancy Davolio", roles=("REPRESENTATIVE",), seat="full"):
        return await invite_member(
            self.town.services,
            self.viewer,
            company=self.company,
            email=email,
            name=name,
            roles=roles,
            seat=seat,
        )

    async def accept(self, email=DAVOLIO, *, password=SECRET, token=None):
        await self.town.work()
        return await accept_invitation(
            self.town.services, token=token or self.town.link_to(email), password=password, address=ADDRESS
        )

    async def deactivate(self, member_id):
        await deactivate_member(self.town.services, self.viewer, company=self.company, member_id=member_id)

    async def member(self, member_id):
        async with self.town.databases.tenant_read(self.company.ref) as read:
            row = await read.fetchrow("SELECT name, roles, state, seat FROM member WHERE id = $1", member_id)
        return tuple(row) if row else None

    async def seats(self):
        async with self.town.databases.control_read() as read:
            return await seats_of(read, company_id=self.company.id)

    async def members(self):
        async with self.town.databases.tenant_read(self.company.ref) as read:
            return await read.fetch("SELECT * FROM member ORDER BY id")


@pytest.fixture
async def office(town):
    signed_in = await town.open()
    return Office(town, signed_in, await town.company(signed_in.company.id), await town.viewer(signed_in))


@pytest.mark.requirement("T2")
async def test_a_person_is_invited_by_mail_and_accepts_with_a_password(office, town):
    member_id = await office.invite()
    assert await office.member(member_id) == ("Nancy Davolio", ["REPRESENTATIVE"], "INVITED", "FULL")
    await town.work()
    (mail,) = town.mails_to(DAVOLIO)
    assert mail.subject == "Andrew Fuller invites you to Northwind Traders"
    signed_in = await office.accept()
    assert signed_in.company.id == office.company.id
    assert await office.member(member_id) == ("Nancy Davolio", ["REPRESENTATIVE"], "ACTIVE", "FULL")
    viewer = await town.viewer(signed_in)
    assert viewer.roles == {"REPRESENTATIVE"}
    assert viewer.on("customer").create is Scope.OWN
    assert (await sign_in(town.services, email=DAVOLIO, password=SECRET, address=ADDRESS)).company.id


@pytest.mark.requirement("T3")
async def test_the_first_two_seats_are_free_and_a_third_is_refused(office, town):
    await office.invite()
    assert await office.seats() == memberships_seats(taken=2)
    people, members, mails = await town.rows("person"), await office.members(), await town.rows("mail")
    with pytest.raises(SeatRequired) as refused:
        await office.invite("janet.leverling@northwind.example", name="Janet Leverling")
    assert refused.value.code == "SEAT_REQUIRED"
    assert refused.value.params == {"seats": 2}
    assert await town.rows("person") == people
    assert await office.members() == members
    assert await town.rows("mail") == mails


def memberships_seats(*, taken):
    from kedang_platform.licensing import Seats

    return Seats(free=2, paid=0, taken=taken)


@pytest.mark.requirement("T3")
async def test_view_only_members_take_no_seat_and_write_nothing(office, town):
    for number in range(3):
        await office.invite(f"n{number}@northwind.example", name=f"N {number}", seat="none")
    assert await office.seats() == memberships_seats(taken=1)
    signed_in = await office.accept("n1@northwind.example")
    viewer = await town.viewer(signed_in)
    assert viewer.on("customer").create is Scope.NONE
    assert viewer.on("customer").read is Scope.OWN


@pytest.mark.requirement("T3")
async def test_of_fifty_invitations_at_once_one_takes_the_last_seat(office, town):
    invitations = [office.invite(f"n{n}@northwind.example", name=f"N {n}") for n in range(50)]
    told = await asyncio.gather(*invitations, return_exceptions=True)
    refused = [answer for answer in told if isinstance(answer, SeatRequired)]
    assert len(refused) == 49
    assert await office.seats() == memberships_seats(taken=2)
    assert len(await office.members()) == 2
    assert len(await town.rows("membership")) == 2
    await town.work()
    arrived = [n for n in range(50) if town.mails_to(f"n{n}@northwind.example")]
    assert len(arrived) == 1


@pytest.mark.requirement("T3")
async def test_the_free_number_of_a_company_stays_when_the_operator_lowers_it(town):
    town.services.settings.free_seats = 3
    signed_in = await town.open()
    town.services.settings.free_seats = 2
    office = Office(town, signed_in, await town.company(signed_in.company.id), await town.viewer(signed_in))
    await office.invite()
    await office.invite("janet.leverling@northwind.example", name="Janet Leverling")
    with pytest.raises(SeatRequired):
        await office.invite("third@northwind.example", name="Third")


async def test_inviting_again_sends_a_fresh_link_and_the_old_one_is_dead(office, town):
    member_id = await office.invite()
    await town.work()
    old = town.link_to(DAVOLIO)
    assert await office.invite(roles=("ACCOUNT_MANAGER",)) == member_id
    await town.work()
    assert town.link_to(DAVOLIO) != old
    with pytest.raises(LinkUnknown):
        await office.accept(token=old)
    await office.accept()
    assert await office.member(member_id) == ("Nancy Davolio", ["ACCOUNT_MANAGER"], "ACTIVE", "FULL")
    assert await office.seats() == memberships_seats(taken=2)


async def test_an_invited_view_only_member_may_be_invited_anew_with_a_seat_if_one_is_left(office):
    member_id = await office.invite(seat="none")
    assert await office.invite(seat="full") == member_id
    assert (await office.member(member_id))[3] == "FULL"
    other = await office.invite("janet.leverling@northwind.example", name="Janet", seat="none")
    with pytest.raises(SeatRequired):
        await office.invite("janet.leverling@northwind.example", name="Janet", seat="full")
    assert (await office.member(other))[3] == "VIEW_ONLY"
    assert await office.seats() == memberships_seats(taken=2)


async def test_an_active_member_is_not_invited_again(office):
    with pytest.raises(AlreadyMember):
        await office.invite(FULLER.email.upper(), name="Andrew Fuller")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"email": "nancy"}, InvalidEmail),
        ({"name": ""}, NameMissing),
        ({"roles": ()}, RoleUnknown),
        ({"roles": ("EMPEROR",)}, RoleUnknown),
    ],
)
async def test_wrong_input_invites_nobody(office, town, wrong, error):
    before = await office.members()
    with pytest.raises(error):
        await office.invite(**wrong)
    assert await office.members() == before
    assert len(await town.rows("membership")) == 1


async def test_the_invitation_shows_who_invites_before_it_is_used(office, town):
    await office.invite()
    await town.work()
    async with town.databases.control_read() as read:
        shown = await memberships.open_invitation(read, token=town.link_to(DAVOLIO), now=town.clock.now())
    assert (shown.company, shown.email, shown.known) == ("Northwind Traders", DAVOLIO, False)


async def test_an_invitation_expires_after_seven_days(office, town):
    member_id = await office.invite()
    await town.later(days=7)
    with pytest.raises(LinkExpired):
        await office.accept()
    assert (await office.member(member_id))[2] == "INVITED"


async def test_a_weak_password_uses_nothing_up(office):
    await office.invite()
    with pytest.raises(PasswordTooShort):
        await office.accept(password="short")
    assert (await office.accept()).token


async def test_accepting_twice_within_five_minutes_signs_in_twice_then_says_used(office, town):
    await office.invite()
    await town.work()
    token = town.link_to(DAVOLIO)
    first = await office.accept(token=token)
    second = await office.accept(token=token)
    assert first.token != second.token
    with pytest.raises(WrongCredentials):
        await office.accept(token=token, password="not the password")
    town.clock.move(timedelta(minutes=6))
    with pytest.raises(LinkUsed):
        await office.accept(token=token)


@pytest.mark.requirement("T1")
async def test_one_person_belongs_to_two_companies_with_one_password(office, town):
    other = await town.open(email=DAVOLIO, name="Nancy", company="Rival & Sons")
    await office.invite()
    with pytest.raises(WrongCredentials):
        await office.accept(password=SECRET)
    signed_in = await office.accept(password=PASSWORD)
    assert signed_in.company.id == office.company.id
    assert signed_in.person.id == other.person.id
    back = await sign_in(
        town.services, email=DAVOLIO, password=PASSWORD, address=ADDRESS, company_id=other.company.id
    )
    assert back.company.id == other.company.id


async def test_guessing_the_password_behind_an_invitation_is_limited_like_a_sign_in(office, town):
    await town.open(email=DAVOLIO, name="Nancy", company="Rival & Sons")
    await office.invite()
    for _ in range(10):
        with pytest.raises(WrongCredentials):
            await office.accept(password="wrong but long enough")
    with pytest.raises(TooManyAttempts):
        await office.accept(password=PASSWORD)


@pytest.mark.requirement("T2")
async def test_a_deactivated_member_is_out_at_once_and_the_seat_is_free(office, town):
    member_id = await office.invite(roles=("ADMIN",))
    signed_in = await office.accept()
    key = await create_api_key(
        town.services, await town.viewer(signed_in), name="Key", scopes=["read"], expires_at=None
    )
    identify = town.services.credentials.identify
    assert await identify(bearer=key.text, cookie=None) is not None
    await office.deactivate(member_id)
    assert await identify(bearer=None, cookie=signed_in.token) is None
    assert await identify(bearer=key.text, cookie=None) is None
    with pytest.raises(NoCompany):
        await sign_in(town.services, email=DAVOLIO, password=SECRET, address=ADDRESS)
    assert await office.member(member_id) == ("Nancy Davolio", ["ADMIN"], "SUSPENDED", "FULL")
    assert await office.seats() == memberships_seats(taken=1)
    await office.invite("janet.leverling@northwind.example", name="Janet Leverling")


async def test_deactivating_twice_changes_nothing_more(office, town):
    member_id = await office.invite()
    await office.deactivate(member_id)
    before = await office.members()
    await office.deactivate(member_id)
    await town.later(seconds=11)
    assert await office.members() == before


async def test_a_deactivated_invitation_can_no_longer_be_accepted(office, town):
    member_id = await office.invite()
    await town.work()
    token = town.link_to(DAVOLIO)
    await office.deactivate(member_id)
    with pytest.raises(LinkUnknown):
        await office.accept(token=token)
    assert (await office.member(member_id))[2] == "SUSPENDED"


async def test_who_comes_back_keeps_the_member_and_with_it_the_history(office):
    member_id = await office.invite()
    await office.accept()
    await office.deactivate(member_id)
    assert await office.invite() == member_id
    await office.accept()
    assert (await office.member(member_id))[2] == "ACTIVE"


@pytest.mark.requirement("T2")
async def test_the_last_owner_cannot_leave(office, town):
    with pytest.raises(LastOwner):
        await office.deactivate(office.viewer.member_id)
    assert (await office.member(office.viewer.member_id))[2] == "ACTIVE"
    assert await town.services.credentials.identify(bearer=None, cookie=office.signed_in.token) is not None
    await office.invite(roles=("OWNER",))
    with pytest.raises(LastOwner):
        await office.deactivate(office.viewer.member_id)  # the other has not accepted yet
    await office.accept()
    await office.deactivate(office.viewer.member_id)


async def test_of_two_owners_who_deactivate_each_other_at_once_one_stays(office, town):
    await office.invite(roles=("OWNER",))
    nancy = await town.viewer(await office.accept())
    other = Office(town, None, office.company, nancy)
    told = await asyncio.gather(
        office.deactivate(nancy.member_id), other.deactivate(office.viewer.member_id), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in told) == ["LastOwner", "NoneType"]
    states = sorted([row["state"] for row in await office.members()])
    assert states == ["ACTIVE", "SUSPENDED"]


async def test_an_administrator_neither_makes_nor_removes_owners(office, town):
    await office.invite(roles=("ADMIN",))
    admin = Office(town, None, office.company, await town.viewer(await office.accept()))
    before = await office.members()
    with pytest.raises(Forbidden):
        await admin.invite("third@northwind.example", name="Third", roles=("OWNER",), seat="none")
    with pytest.raises(Forbidden):
        await admin.deactivate(office.viewer.member_id)
    assert await office.members() == before
    assert await admin.invite("third@northwind.example", name="Third", seat="none")


async def test_a_representative_manages_nobody(office, town):
    await office.invite()
    representative = Office(town, None, office.company, await town.viewer(await office.accept()))
    before = await office.members()
    with pytest.raises(Forbidden):
        await representative.invite("third@northwind.example", name="Third", seat="none")
    with pytest.raises(Forbidden):
        await representative.deactivate(office.viewer.member_id)
    assert await office.members() == before


async def test_members_of_another_company_are_not_found(office, town):
    other = await town.viewer(await town.open(email="ann@rival.example", name="Ann", company="Rival & Sons"))
    before = await town.rows("membership")
    for member_id in (other.member_id, new_id()):
        with pytest.raises(NotFound):
            await office.deactivate(member_id)
    assert await town.rows("membership") == before


async def test_the_row_follows_by_the_job_where_the_request_died(office, town, monkeypatch):
    whole = operations.follow

    async def crash(*args, **kwargs):
        raise ConnectionResetError("the process died here")

    monkeypatch.setattr(operations, "follow", crash)
    with pytest.raises(ConnectionResetError):
        await office.invite()
    assert len(await office.members()) == 1
    await town.work()
    with pytest.raises(ConnectionResetError):
        await office.accept()
    monkeypatch.setattr(operations, "follow", whole)
    await town.later(seconds=11)
    assert [(row["name"], row["state"]) for row in await office.members()] == [
        ("Andrew Fuller", "ACTIVE"),
        ("Nancy Davolio", "ACTIVE"),
    ]


async def test_what_was_done_to_people_stands_in_the_audit(office, town):
    member_id = await office.invite()
    await office.accept()
    await office.deactivate(member_id)
    async with town.databases.tenant_read(office.company.ref) as read:
        rows = await read.fetch(
            "SELECT action, actor_id, changes::jsonb -> 'state' AS state FROM audit"
            " WHERE record_id = $1 ORDER BY sequence",
            member_id,
        )
    assert [(row["action"], row["actor_id"], row["state"]) for row in rows] == [
        ("member.created", office.viewer.member_id, '[null, "INVITED"]'),
        ("member.updated", None, '["INVITED", "ACTIVE"]'),
        ("member.updated", office.viewer.member_id, '["ACTIVE", "SUSPENDED"]'),
    ]


async def test_invitations_of_a_company_are_limited(office, town, monkeypatch):
    from dataclasses import replace

    from kedang_platform.identity import throttle

    monkeypatch.setattr(throttle, "INVITE_COMPANY", replace(throttle.INVITE_COMPANY, times=2))
    await office.invite("n1@northwind.example", seat="none")
    await office.invite("n2@northwind.example", seat="none")
    with pytest.raises(TooManyAttempts):
        await office.invite("n3@northwind.example", seat="none")
