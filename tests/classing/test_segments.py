"""Segments: counted before they are kept, asked with the rights of whoever asks, frozen with whom one saw."""

import pytest

from kedang_platform.errors import Forbidden, Refused
from kedang_platform.ids import new_id
from kedang_tenants.classing import segments
from kedang_tenants.reading import All, AnyOf, Compare, MaskedField, Not, Related

pytestmark = pytest.mark.requirement("G6")
IN_BERLIN = segments.Asked({"city": {"eq": "Berlin"}}, Compare("city", "eq", "Berlin"))


@pytest.fixture
async def office(shop):
    """Nancy with two customers in Berlin, another one of nobody's there, and one in London."""
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    made = [
        await shop.create("customer", name=name, city=city, owner_id=owner)
        for name, city, owner in (
            ("Alfreds", "Berlin", nancy),
            ("Blauer See", "Berlin", nancy),
            ("Chop-suey", "Berlin", None),
            ("Around the Horn", "London", nancy),
        )
    ]
    return await shop.as_member(nancy), made


async def create(shop, viewer, asked=IN_BERLIN, *, kind="LIVE", name="Berlin"):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await segments.create_segment(
            write, viewer, name=name, note=None, kind=kind, asked=asked, clock=shop.clock
        )


async def act(shop, verb, viewer, **said):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await verb(write, viewer, clock=shop.clock, **said)


async def count(shop, viewer, segment):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        where = await segments.filter_of_segment(read, viewer, segment)
        return await segments.count_customers(read, viewer, where)


async def names(shop, viewer, segment, first=50):
    """All pages of a segment, one after the other."""
    found, after = [], None
    while True:
        async with shop.databases.tenant_read(shop.company.ref) as read:
            where = await segments.filter_of_segment(read, viewer, segment)
            page = await segments.page_of_segment(read, viewer, where, first=first, after=after)
        rows = await shop.fetch("SELECT id, name FROM customer WHERE id = ANY($1::uuid[])", page.customer_ids)
        known = {row["id"]: row["name"] for row in rows}
        found += [known[one] for one in page.customer_ids]
        if not page.has_next:
            return found
        after = page.end


async def test_a_live_segment_asks_anew_each_time_with_the_askers_rights(shop, office):
    nancy, _ = office
    segment = await create(shop, shop.viewer)
    assert await count(shop, shop.viewer, segment) == 3
    assert await names(shop, shop.viewer, segment, first=2) == ["Alfreds", "Blauer See", "Chop-suey"]
    await shop.create("customer", name="Zum Anker", city="Berlin", owner_id=nancy.member_id)
    assert await count(shop, shop.viewer, segment) == 4
    own = await create(shop, nancy, name="Mine")
    assert await count(shop, nancy, own) == 3
    assert await names(shop, nancy, own) == ["Alfreds", "Blauer See", "Zum Anker"]
    assert await shop.value("SELECT owner_id FROM segment WHERE id = $1", own) == nancy.member_id


async def test_conditions_are_joined_and_negated_over_records_beside_the_customer(shop, office):
    _, (alfreds, blauer, *_) = office
    await shop.create("contact", name="Maria", customer_id=alfreds)
    await shop.create("contact", name="Hanna", customer_id=blauer)
    maria = Related("contacts", Compare("name", "eq", "Maria"))
    where = All((Compare("city", "eq", "Berlin"), AnyOf((maria, Not(Related("contacts", All(())))))))
    segment = await create(shop, shop.viewer, segments.Asked({}, where))
    assert await names(shop, shop.viewer, segment) == ["Alfreds", "Chop-suey"]


async def test_a_frozen_segment_keeps_whom_it_was_frozen_with(shop, office):
    nancy, (alfreds, *_) = office
    segment = await create(shop, nancy, kind="FROZEN")
    assert await names(shop, nancy, segment) == ["Alfreds", "Blauer See"]
    new = await shop.create("customer", name="Zum Anker", city="Berlin", owner_id=nancy.member_id)
    await shop.update("customer", alfreds, city="Bonn")
    assert await names(shop, nancy, segment) == ["Alfreds", "Blauer See"]
    row = (await shop.fetch("SELECT kind, frozen_at, frozen_count FROM segment"))[0]
    assert tuple(row.values()) == ("FROZEN", shop.clock.now(), 2)
    await act(shop, segments.freeze_segment, nancy, segment_id=segment)
    assert await names(shop, nancy, segment) == ["Blauer See", "Zum Anker"]
    await shop.update("customer", new, owner_id=None)  # a member whom Nancy sees no more
    assert await names(shop, nancy, segment) == ["Blauer See"]
    assert await names(shop, shop.viewer, segment) == ["Blauer See", "Zum Anker"]
    with pytest.raises(segments.SegmentFrozen):
        await act(shop, segments.change_conditions, nancy, segment_id=segment, asked=IN_BERLIN)


async def test_what_one_may_not_ask_is_not_kept(shop, office):
    clerk = await shop.as_member(await shop.hire("Anne", "MARKETER"))
    phones = segments.Asked({}, Related("contacts", Compare("phone", "contains", "1")))
    with pytest.raises(MaskedField):
        await create(shop, clerk, phones)
    segment = await create(shop, clerk)
    with pytest.raises(MaskedField):
        await act(shop, segments.change_conditions, clerk, segment_id=segment, asked=phones)
    nobody = await shop.as_member(await shop.hire("Nobody"))
    with pytest.raises(Forbidden):
        await create(shop, nobody)
    assert await shop.value("SELECT conditions::text FROM segment") == '{"city": {"eq": "Berlin"}}'


async def test_only_its_owner_changes_a_segment(shop, office):
    nancy, _ = office
    janet = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    segment = await create(shop, nancy)
    for verb, said in (
        (segments.freeze_segment, {}),
        (segments.change_conditions, {"asked": segments.Asked({}, All(()))}),
    ):
        with pytest.raises(Refused) as refused:
            await act(shop, verb, janet, segment_id=segment, **said)
        assert [error.code for error in refused.value.errors] == ["NOT_FOUND"]
        with pytest.raises(Refused) as refused:
            await act(shop, verb, nancy, segment_id=segment, version=9, **said)
        assert [error.code for error in refused.value.errors] == ["VERSION_CONFLICT"]
    with pytest.raises(Refused):
        await act(shop, segments.freeze_segment, nancy, segment_id=new_id())
    assert await shop.value("SELECT kind || version FROM segment") == "LIVE1"
    await act(shop, segments.change_conditions, nancy, segment_id=segment, asked=segments.Asked({}, All(())))
    assert await count(shop, nancy, segment) == 3


async def test_more_than_a_segment_holds_is_refused_and_nothing_is_kept(shop, office, monkeypatch):
    monkeypatch.setattr(segments, "MOST_MEMBERS", 2)
    with pytest.raises(segments.SegmentTooLarge):
        await create(shop, shop.viewer, kind="FROZEN")
    assert await shop.value("SELECT count(*) FROM segment") == 0
