"""The tree of regions: a subtree moves as one, no line closes, and a region's customers are those of all below it."""

import asyncio

import pytest

from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants import changing
from kedang_tenants.changing import Change
from kedang_tenants.classing.segments import find_customers
from kedang_tenants.reading import Compare

pytestmark = pytest.mark.requirement("G5")


@pytest.fixture
async def china(shop):
    """华东 with 上海, in it 浦东, and 华南; a customer in each."""
    made = {}
    for name, above in (("华东", None), ("上海", "华东"), ("浦东", "上海"), ("华南", None)):
        made[name] = await shop.create("region", name=name, parent_id=made.get(above))
        await shop.create("customer", name=f"{name}公司", region_id=made[name])
    await shop.create("customer", name="无区域公司")
    return made


async def customers(shop, region):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        ids = await find_customers(read, shop.viewer, Compare("region_id", "within", region), most=100)
    rows = await shop.fetch("SELECT name FROM customer WHERE id = ANY($1::uuid[]) ORDER BY id", ids)
    return [row["name"].removesuffix("公司") for row in rows]


async def test_a_regions_customers_are_those_of_the_regions_in_it(shop, china):
    assert await customers(shop, china["华东"]) == ["华东", "上海", "浦东"]
    assert await customers(shop, china["上海"]) == ["上海", "浦东"]
    assert await customers(shop, china["华南"]) == ["华南"]
    assert await customers(shop, new_id()) == []


async def test_a_subtree_moves_with_all_that_lies_in_it(shop, china):
    await shop.update("region", china["上海"], parent_id=china["华南"])
    assert await customers(shop, china["华东"]) == ["华东"]
    assert await customers(shop, china["华南"]) == ["上海", "浦东", "华南"]
    assert (
        await shop.value(
            "SELECT count(*) FROM audit WHERE record = 'customer' AND action <> 'customer.created'"
        )
        == 0
    )


@pytest.mark.parametrize("under", ["华东", "上海", "浦东"])
async def test_no_line_closes(shop, china, under):
    with pytest.raises(Refused) as refused:
        await shop.update("region", china["华东"], parent_id=china[under])
    assert [(e.path, e.code) for e in refused.value.errors] == [(("input", "parentId"), "CIRCULAR")]
    assert await shop.value("SELECT parent_id FROM region WHERE id = $1", china["华东"]) is None


async def at_once(shop, *changes):
    """What becomes of each: while the first is made and not yet committed the others begin, all at once."""
    begun, made = asyncio.Barrier(len(changes)), asyncio.Event()

    async def one(change, *, first):
        try:
            async with shop.databases.tenant_write(shop.company.ref) as write:
                await write.fetchval("SELECT 1")
                await begun.wait()
                if not first:
                    await made.wait()
                await changing.change(write, shop.viewer, [change], clock=shop.clock)
                made.set()
                await asyncio.sleep(0.1)
        except Refused as refused:
            return [error.code for error in refused.errors]
        return "DONE"

    return await asyncio.gather(*(one(change, first=not place) for place, change in enumerate(changes)))


def update(record, which, **values):
    return Change(record, "update", which, values=values)


async def test_of_moves_at_once_that_would_close_a_line_one_is_refused(shop, china):
    middle = await shop.create("region", name="华中")
    moves = (("华东", "华南"), ("华南", "华中"), ("华中", "华东"))
    made = china | {"华中": middle}
    moved = [update("region", made[one], parent_id=made[other]) for one, other in moves]
    first, *others = await at_once(shop, *moved)
    assert first == "DONE"
    assert sorted(others, key=str) == ["DONE", ["CIRCULAR"]]
    assert await shop.value("SELECT count(*) FROM region WHERE parent_id IS NULL") == 1


@pytest.mark.parametrize("kind", ["customer", "new customer", "route", "region", "new region"])
@pytest.mark.parametrize("archived_first", [True, False])
async def test_nothing_comes_into_a_region_that_is_archived_at_that_moment(shop, china, kind, archived_first):
    empty = await shop.create("region", name="空区")
    record, field = kind.removeprefix("new "), "parent_id" if "region" in kind else "region_id"
    if kind.startswith("new"):
        entering = Change(record, "create", values={"name": "X", field: empty})
    else:
        entering = update(record, await shop.create(record, name="X"), **{field: empty})
    archiving = Change("region", "archive", empty)
    if archived_first:
        assert await at_once(shop, archiving, entering) == ["DONE", ["REGION_ARCHIVED"]]
    else:
        assert await at_once(shop, entering, archiving) == ["DONE", ["REGION_IN_USE"]]
    inside = await shop.value(f"SELECT count(*) FROM {record} WHERE {field} = $1", empty)
    archived = await shop.value("SELECT archived_at IS NOT NULL FROM region WHERE id = $1", empty)
    assert (inside, archived) == ((0, True) if archived_first else (1, False))


async def test_a_region_stays_while_something_lies_in_it(shop, china):
    for name in ("上海", "浦东"):
        with pytest.raises(Refused) as refused:
            await shop.archive("region", china[name])
        assert [error.code for error in refused.value.errors] == ["REGION_IN_USE"]
    (customer,) = await shop.fetch("SELECT id FROM customer WHERE region_id = $1", china["浦东"])
    await shop.update("customer", customer["id"], region_id=china["上海"])
    await shop.archive("region", china["浦东"])
    with pytest.raises(Refused) as refused:
        await shop.update("customer", customer["id"], region_id=china["浦东"])
    assert [(e.path[-1], e.code) for e in refused.value.errors] == [("regionId", "REGION_ARCHIVED")]
    with pytest.raises(Refused) as refused:
        await shop.create("region", name="陆家嘴", parent_id=china["浦东"])
    assert [(e.path[-1], e.code) for e in refused.value.errors] == [("parentId", "REGION_ARCHIVED")]


async def test_a_region_comes_back_after_the_one_that_it_lies_in(shop):
    outer = await shop.create("region", name="华北")
    inner = await shop.create("region", name="北京", parent_id=outer)
    for one in (inner, outer):
        await shop.archive("region", one)
    with pytest.raises(Refused) as refused:
        await shop.change(Change("region", "restore", inner))
    assert [(e.path[-1], e.code) for e in refused.value.errors] == [("parentId", "REGION_ARCHIVED")]
    assert await shop.value("SELECT count(*) FROM region WHERE archived_at IS NULL") == 0
    for one in (outer, inner):
        await shop.change(Change("region", "restore", one))
    assert await shop.value("SELECT count(*) FROM region WHERE archived_at IS NULL") == 2


async def test_a_place_on_the_map_has_both_its_numbers(shop):
    with pytest.raises(Refused) as refused:
        await shop.create("customer", name="Alfreds", latitude="52.52")
    assert [(e.path[-1], e.code) for e in refused.value.errors] == [("longitude", "COORDINATES_INCOMPLETE")]
    customer = await shop.create("customer", name="Alfreds", latitude="52.52", longitude="13.405")
    with pytest.raises(Refused) as refused:
        await shop.update("customer", customer, latitude=None)
    assert [(e.path[-1], e.code) for e in refused.value.errors] == [("latitude", "COORDINATES_INCOMPLETE")]
    with pytest.raises(Refused) as refused:
        await shop.update("customer", customer, longitude="181")
    assert [e.code for e in refused.value.errors] == ["OUT_OF_RANGE"]
    await shop.update("customer", customer, latitude=None, longitude=None)
