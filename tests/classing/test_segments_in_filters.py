"""A filter over customers names segments: live and frozen ones, in and beside anything else, wherever filters are taken."""

import asyncio

import orjson
import pytest

from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.ids import new_id
from kedang_tenants.classing import segments
from kedang_tenants.reading import (
    All,
    AnyOf,
    CircularFilter,
    Compare,
    Grouping,
    Kept,
    Listing,
    MaskedField,
    Not,
    Page,
    Related,
    Search,
    Select,
    read_groups,
    read_listing,
)
from kedang_tenants.reading.kept import DEEPEST, MOST_KEPT, MOST_PARTS
from kedang_tenants.reading.stored import decode_filter, encode_filter
from kedang_tenants.surveys.audience import Audience, count_audience, next_of_audience

pytestmark = pytest.mark.requirement("G6")
BERLIN = Compare("city", "eq", "Berlin")


def of(segment):
    return Kept("customer", segment)


@pytest.fixture
async def office(shop):
    """Nancy's customers, one of nobody's, and a key to each by name."""
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    made = {}
    for name, city, owner in (
        ("Alfreds", "Berlin", nancy),
        ("Blauer See", "Berlin", nancy),
        ("Chop-suey", "Berlin", None),
        ("Around the Horn", "London", nancy),
    ):
        made[name] = await shop.create("customer", name=name, city=city, owner_id=owner)
    return await shop.as_member(nancy), made


async def create(shop, where=BERLIN, *, viewer=None, kind="LIVE", name="S"):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await segments.create_segment(
            write,
            viewer or shop.viewer,
            name=name,
            note=None,
            kind=kind,
            asked=segments.Asked({}, where),
            clock=shop.clock,
        )


async def change(shop, segment, where, viewer=None):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await segments.change_conditions(
            write,
            viewer or shop.viewer,
            segment_id=segment,
            asked=segments.Asked({}, where),
            clock=shop.clock,
        )


async def names(shop, where, viewer=None, record="customer"):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        listing = Listing(record, Select(("name",)), Page(50), where=where)
        found = await read_listing(read, viewer or shop.viewer, listing)
        return [row[found.layout.fields["name"]] for row in found.page.rows]


async def test_a_live_segment_is_whoever_fulfils_it_now_and_is_seen(shop, office):
    nancy, _ = office
    segment = await create(shop)
    assert await names(shop, of(segment)) == ["Alfreds", "Blauer See", "Chop-suey"]
    await shop.create("customer", name="Zum Anker", city="Berlin")
    assert await names(shop, of(segment)) == ["Alfreds", "Blauer See", "Chop-suey", "Zum Anker"]
    own = await create(shop, viewer=nancy)
    assert await names(shop, of(own), nancy) == ["Alfreds", "Blauer See"]


async def test_a_frozen_segment_is_its_members(shop, office):
    nancy, made = office
    segment = await create(shop, viewer=nancy, kind="FROZEN")
    await shop.create("customer", name="Zum Anker", city="Berlin", owner_id=nancy.member_id)
    await shop.update("customer", made["Alfreds"], city="Bonn")
    assert await names(shop, of(segment)) == ["Alfreds", "Blauer See"]
    assert await names(shop, Not(of(segment)), nancy) == ["Around the Horn", "Zum Anker"]


async def test_segments_stand_anywhere_in_a_filter(shop, office):
    _, made = office
    berlin = await create(shop)
    see = await create(shop, All((Search("See"), BERLIN)), kind="FROZEN")
    await shop.create("contact", name="Maria", customer_id=made["Alfreds"])
    await shop.create("contact", name="Thomas", customer_id=made["Around the Horn"])
    assert await names(shop, All((of(berlin), Not(of(see))))) == ["Alfreds", "Chop-suey"]
    assert await names(shop, AnyOf((of(see), Compare("city", "eq", "London")))) == [
        "Around the Horn",
        "Blauer See",
    ]
    assert await names(shop, Related("customer", of(berlin)), record="contact") == ["Maria"]
    both = await create(shop, All((of(berlin), Not(of(see)))))
    assert await names(shop, Not(of(both))) == ["Around the Horn", "Blauer See"]
    searching = await create(shop, All((Search("chop"), BERLIN)))
    assert await names(shop, All((of(searching), of(berlin)))) == ["Chop-suey"]
    async with shop.databases.tenant_read(shop.company.ref) as read:
        groups = await read_groups(read, shop.viewer, Grouping("customer", where=of(both)))
    assert [row["count"] for row in groups.rows] == [2]


async def test_what_the_reader_may_not_ask_is_not_asked_for_them(shop, office):
    nancy, _ = office
    segment = await create(shop, Related("contacts", Compare("phone", "contains", "1")), viewer=nancy)
    clerk = await shop.as_member(await shop.hire("Anne", "MARKETER"))
    with pytest.raises(MaskedField):
        await names(shop, of(segment), clerk)
    with pytest.raises(MaskedField):
        await create(shop, of(segment), viewer=clerk)


async def test_what_is_archived_or_out_of_sight_is_as_little_there_as_nothing(shop, office):
    nancy, _ = office
    foreign, archived = await create(shop), await create(shop, viewer=nancy)
    outer = await create(shop, Not(of(archived)), viewer=nancy)
    assert await names(shop, of(outer), nancy) == ["Around the Horn"]
    await shop.archive("segment", archived)
    for where in (
        of(new_id()),
        of(foreign),
        of(archived),
        Not(of(archived)),
        of(outer),
        AnyOf((All(()), of(foreign))),
    ):
        with pytest.raises(NotFound) as told:
            await names(shop, where, nancy)
        assert told.value.message == "There is no such record."
        with pytest.raises(NotFound) as told:
            await create(shop, where, viewer=nancy)
        assert told.value.path == ("input", "where")
        with pytest.raises(NotFound):
            await change(shop, outer, where, nancy)
    assert await shop.value("SELECT count(*) FROM segment") == 3


async def test_no_segment_leads_back_to_itself(shop, office):
    first = await create(shop, name="1")
    second = await create(shop, of(first), name="2")
    third = await create(shop, Not(of(second)), name="3")
    before = await shop.fetch("SELECT id, version, stored_filter FROM segment ORDER BY id")
    for where in (
        of(first),
        All((BERLIN, Not(of(second)))),
        Related("contacts", Related("customer", of(third))),
    ):
        with pytest.raises(CircularFilter) as told:
            await change(shop, first, where)
        assert (told.value.code, told.value.path) == ("CIRCULAR_FILTER", ("input", "where"))
    assert await shop.fetch("SELECT id, version, stored_filter FROM segment ORDER BY id") == before
    await change(shop, third, AnyOf((of(first), of(second), of(second))))  # the same twice is no circle
    assert await names(shop, of(third)) == ["Alfreds", "Blauer See", "Chop-suey"]


async def test_two_changes_at_once_close_no_line(shop, office):
    first, second = await create(shop, name="1"), await create(shop, name="2")
    done = await asyncio.gather(
        change(shop, first, of(second)), change(shop, second, of(first)), return_exceptions=True
    )
    assert sorted(str(type(one)) for one in done) == sorted([str(type(None)), str(CircularFilter)])


async def test_a_circle_that_came_from_elsewhere_ends(shop, office):
    first, second = await create(shop, name="1"), await create(shop, name="2")
    for one, other in ((first, second), (second, first)):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await write.fetch(
                "UPDATE segment SET stored_filter = jsonb_build_object('kept_over', 'customer', 'id', $2::text)"
                " WHERE id = $1",
                one,
                str(other),
            )
    with pytest.raises(CircularFilter):
        await names(shop, of(first))


async def test_segments_ask_for_no_more_than_filters_may(shop, office):
    inner = await create(shop, AnyOf(tuple(Compare("city", "eq", str(n)) for n in range(MOST_PARTS // 2))))
    assert await names(shop, of(inner)) == []
    with pytest.raises(BadUserInput) as told:
        await names(shop, AnyOf((of(inner), of(inner))))
    assert told.value.params == {"limit": MOST_PARTS}
    deep = BERLIN
    for _ in range(DEEPEST - 1):
        deep = of(await create(shop, deep))
    assert await names(shop, deep) == ["Alfreds", "Blauer See", "Chop-suey"]
    deepest = of(await create(shop, deep))
    assert await names(shop, deepest) == ["Alfreds", "Blauer See", "Chop-suey"]
    with pytest.raises(BadUserInput, match="nested too deeply"):
        await create(shop, deepest)
    with pytest.raises(BadUserInput, match="nested too deeply"):
        await names(shop, Related("customer", deepest), record="contact")
    with pytest.raises(BadUserInput) as told:
        await names(shop, AnyOf(tuple(of(new_id()) for _ in range(MOST_KEPT + 1))))
    assert told.value.params == {"limit": MOST_KEPT}


@pytest.mark.requirement("V3")
async def test_an_audience_and_a_file_are_of_a_segment_as_it_is_then(shop, office):
    segment = await create(shop)
    stored = decode_filter(orjson.loads(orjson.dumps(encode_filter(Not(of(segment))))))
    assert stored == Not(of(segment))
    async with shop.databases.tenant_read(shop.company.ref) as read:
        part = Audience("customer", stored)
        assert await count_audience(read, shop.viewer, part) == 1
        assert len(await next_of_audience(read, shop.viewer, part, after=None, most=9)) == 1
    await shop.archive("segment", segment)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        with pytest.raises(NotFound) as told:
            await count_audience(read, shop.viewer, part)
    assert told.value.path == ("input", "customers")
