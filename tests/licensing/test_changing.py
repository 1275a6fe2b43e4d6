"""Promotion takes a seat, demotion frees it; roles; the last owner (T2, T3)."""

import asyncio

import pytest

from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.ids import new_id
from kedang_platform.licensing import SeatRequired, Seats
from kedang_tenants.people.giving_roles import RoleUnknown
from kedang_tenants.people.operations import LastOwner, LastOwnerStays, MemberSuspended
from kedang_tenants.people.viewers import load_viewer
from kedang_tenants.reading import Scope
from tests.licensing.conftest import Counter

NAME = "Nancy Davolio"


@pytest.mark.requirement("T3")
async def test_a_promotion_takes_a_seat_and_a_demotion_frees_it(counter, town):
    one, other = await counter.make("VIEW_ONLY"), await counter.make("VIEW_ONLY")
    await counter.change(one, seat="full", roles=("REPRESENTATIVE",))
    assert await counter.member(one) == (NAME, ["REPRESENTATIVE"], "ACTIVE", "FULL")
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)
    async with town.databases.tenant_read(counter.company.ref) as read:
        viewer = await load_viewer(read, company=counter.company, member_id=one)
    assert viewer.on("customer").create is Scope.OWN

    before = await counter.all_there_is()
    with pytest.raises(SeatRequired) as refused:
        await counter.change(other, seat="full", roles=("REPRESENTATIVE",))
    assert refused.value.path == ("seat",)
    assert await counter.all_there_is() == before

    await counter.change(one, seat="none")
    assert await counter.member(one) == (NAME, ["REPRESENTATIVE"], "ACTIVE", "VIEW_ONLY")
    assert await counter.seats() == Seats(free=2, paid=0, taken=1)
    await counter.change(other, seat="full", roles=("REPRESENTATIVE",))
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)


async def test_what_is_not_given_stays_and_a_repetition_changes_nothing(counter, town):
    member = await counter.make("FINANCE", seat="FULL")
    await counter.change(member, roles=("FINANCE", "MARKETER"))
    assert await counter.member(member) == (NAME, ["FINANCE", "MARKETER"], "ACTIVE", "FULL")
    before = await counter.members()
    await counter.change(member, roles=("MARKETER", "FINANCE"), seat="full")
    await counter.change(member)
    await town.later(seconds=11)
    assert await counter.members() == before
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)


async def test_the_seat_of_an_invited_member_may_be_changed(counter):
    member = await counter.invite(seat="none")
    await counter.change(member, seat="full")
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)
    await counter.accept()
    assert (await counter.member(member))[2:] == ("ACTIVE", "FULL")


@pytest.mark.requirement("T3")
async def test_of_fifty_promotions_at_once_one_takes_the_last_seat(counter):
    members = [await counter.make() for _ in range(50)]
    told = await asyncio.gather(
        *(counter.change(one, seat="full") for one in members), return_exceptions=True
    )
    assert sorted({type(answer).__name__ for answer in told}) == ["NoneType", "SeatRequired"]
    assert sum(isinstance(answer, SeatRequired) for answer in told) == 49
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)
    promoted = [row["id"] for row in await counter.members() if row["seat"] == "FULL"]
    assert set(promoted) - {counter.viewer.member_id} == {members[told.index(None)]}


@pytest.mark.requirement("T3")
async def test_invitations_and_promotions_at_once_share_what_was_bought(counter):
    await counter.confirm(await counter.buy(3))
    members = [await counter.make() for _ in range(12)]
    asked = [counter.change(one, seat="full") for one in members]
    asked += [counter.invite(f"n{n}@northwind.example", name=f"N {n}") for n in range(12)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, SeatRequired) for answer in told) == 20
    assert await counter.seats() == Seats(free=2, paid=3, taken=5)


async def test_wrong_input_changes_nobody(counter):
    member = await counter.make()
    before = await counter.all_there_is()
    for roles in ((), ("EMPEROR",)):
        with pytest.raises(RoleUnknown):
            await counter.change(member, roles=roles)
        assert await counter.all_there_is() == before, roles


async def test_unknown_foreign_and_deactivated_members_are_refused(counter, rival):
    foreign = await rival.make()
    gone = await counter.make()
    await counter.deactivate(gone)
    before = await counter.all_there_is()
    for member, error in ((new_id(), NotFound), (foreign, NotFound), (gone, MemberSuspended)):
        with pytest.raises(error):
            await counter.change(member, seat="full", roles=("ADMIN",))
    assert await counter.all_there_is() == before
    assert (await rival.member(foreign))[1:] == (["REPRESENTATIVE"], "ACTIVE", "VIEW_ONLY")


async def test_who_does_not_manage_people_changes_nobody_not_even_themselves(counter):
    others = {
        role: await counter.as_member(role) for role in ("GENERAL_MANAGER", "REPRESENTATIVE", "VIEW_ONLY")
    }
    before = await counter.all_there_is()
    for role, other in others.items():
        for member in (other.viewer.member_id, counter.viewer.member_id):
            with pytest.raises(Forbidden):
                await other.change(member, roles=("ADMIN",))
        assert await counter.all_there_is() == before, role


@pytest.mark.requirement("T2")
async def test_an_administrator_neither_makes_owners_nor_changes_one(counter, town):
    await counter.invite(roles=("ADMIN",))
    admin = Counter(town, None, counter.company, await town.viewer(await counter.accept()))
    before = await counter.all_there_is()
    for member, differences in (
        (admin.viewer.member_id, {"roles": ("OWNER",)}),
        (counter.viewer.member_id, {"roles": ("VIEW_ONLY",)}),
        (counter.viewer.member_id, {"seat": "none"}),
    ):
        with pytest.raises(Forbidden):
            await admin.change(member, **differences)
    assert await counter.all_there_is() == before


@pytest.mark.requirement("T2")
async def test_the_last_owner_keeps_role_and_seat(counter):
    owner = counter.viewer.member_id
    before = await counter.all_there_is()
    with pytest.raises(LastOwnerStays) as role:
        await counter.change(owner, roles=("ADMIN",))
    with pytest.raises(LastOwnerStays) as seat:
        await counter.change(owner, seat="none")
    assert (role.value.path, seat.value.path) == (("roles",), ("seat",))
    assert await counter.all_there_is() == before

    onlooker = await counter.make("OWNER")  # an owner without a seat could not act
    with pytest.raises(LastOwnerStays):
        await counter.change(owner, roles=("ADMIN",))
    with pytest.raises(LastOwner):
        await counter.deactivate(owner)
    await counter.change(onlooker, seat="full")
    await counter.change(owner, roles=("ADMIN",))
    assert (await counter.member(owner))[1] == ["ADMIN"]


async def test_of_two_owners_who_demote_each_other_at_once_one_stays(counter, town):
    await counter.invite(roles=("OWNER",))
    nancy = await town.viewer(await counter.accept())
    other = Counter(town, None, counter.company, nancy)
    told = await asyncio.gather(
        counter.change(nancy.member_id, roles=("ADMIN",)),
        other.change(counter.viewer.member_id, roles=("ADMIN",)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in told) == ["LastOwnerStays", "NoneType"]
    assert sorted(row["roles"] for row in await counter.members()) == [["ADMIN"], ["OWNER"]]


async def test_the_row_follows_by_the_job_where_the_request_died_in_between(counter, town, monkeypatch):
    from kedang_tenants.people import operations

    member = await counter.make()

    async def dies(*_arguments, **_named):
        raise ConnectionResetError

    monkeypatch.setattr(operations, "follow", dies)
    with pytest.raises(ConnectionResetError):
        await counter.change(member, seat="full")
    assert (await counter.member(member))[3] == "VIEW_ONLY"
    assert await counter.seats() == Seats(free=2, paid=0, taken=2)
    await town.later(seconds=11)
    assert (await counter.member(member))[3] == "FULL"


@pytest.mark.requirement("T3")
async def test_who_comes_back_needs_a_seat_like_everybody(counter):
    gone = await counter.invite()
    await counter.deactivate(gone)
    await counter.invite("janet@northwind.example", name="Janet")
    before = await counter.all_there_is()
    with pytest.raises(SeatRequired):
        await counter.invite()
    assert await counter.all_there_is() == before
