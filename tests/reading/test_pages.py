"""Pages put together are the list: every record once, in order, forwards and backwards, whatever it is sorted by."""

from random import Random

import pytest

from kedang_tenants.catalogue import Record, RecordType, catalogue
from tests.reading.population import populate
from tests.reading.test_differential import seed
from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.reference_reader import Item, Reader
from tests.support.telling import say

QUERY = """
query ($orderBy: [%(api)sSort!], $first: Int, $after: String, $last: Int, $before: String) {
  list: %(plural)s(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before, archived: INCLUDE) {
    nodes { id } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}"""


def sortings(reader: Reader, record: RecordType, random: Random) -> list[list[dict[str, str]]]:
    """Every field that the viewer may sort by, in a direction and with empty ones at an end by chance."""
    usable = [f for f in record.visible_fields if f.spec.sort and reader.looker.may_use(record, f)]
    if record.name != "customer":  # what all records have is walked once
        usable = [found for found in usable if found.name not in Record.__annotations__]
    orders: list[dict[str, str]] = [{"field": found.name.upper()} for found in usable]
    orders += [{"custom": own.key} for own in reader.company.custom_fields if own.record == record.name]
    for order in orders:
        order |= {"direction": random.choice(["ASC", "DESC"]), "nulls": random.choice(["FIRST", "LAST"])}
    several = [random.sample(orders, min(3, len(orders)))]
    return [[], *([order] for order in orders), *several]


async def walk(ask, record: RecordType, order_by: list[dict[str, str]], size: int, *, backward: bool):
    """The ids of all pages, in the order of the list; what a page tells of its neighbours is checked."""
    found: list[str] = []
    cursor, more = None, True
    limit, beyond = ("last", "before") if backward else ("first", "after")
    while more:
        given = {"orderBy": order_by, limit: size, beyond: cursor}
        answer = await ask(QUERY % {"api": record.api_name, "plural": record.api_plural}, given)
        page = answer.data["list"]
        ids = [node["id"] for node in page["nodes"]]
        found = [*ids, *found] if backward else [*found, *ids]
        info = page["pageInfo"]
        assert info["hasNextPage" if backward else "hasPreviousPage"] is (cursor is not None)
        more = info["hasPreviousPage" if backward else "hasNextPage"]
        cursor = info["startCursor" if backward else "endCursor"]
        assert len(ids) == size or not more
        assert len(set(found)) == len(found), "a page brought a record again"
    return found


def partly_seen() -> list[RecordType]:
    return [catalogue().record(name) for name in ("customer", "contact", "follow_up_plan")]


@pytest.mark.requirement("I1", "A19")
async def test_pages_put_together_are_the_list(gateway, company, database_superuser_url):
    chosen = seed()
    say(f"KEDANG_TEST_SEED={chosen}")
    random = Random(chosen)
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), random, database_superuser_url)
    walked = 0
    for person, records in (("owner", list(catalogue())), ("representative", partly_seen())):
        key = await make_key(databases, population.people[person], key=gateway.services.identity.key)
        ask = gateway.client(key)
        reader = Reader(population.company, population.lookers[person])
        for record in records:
            rows = [row for row in reader.company.of(record).values() if reader.seen(record, row)]
            for order_by in sortings(reader, record, random):
                given = {"orderBy": order_by, "first": 250, "archived": "INCLUDE"}
                listed = reader.listing(record, [Item(record, row) for row in rows], given)
                expected = [f"{record.prefix}_{item.row['id'].hex}" for item in listed.items]
                size = random.choice([11, 16, 23])
                backward = random.random() < 0.5
                pages = await walk(ask, record, order_by, size, backward=backward)
                assert pages == expected, (person, record.name, order_by, size, backward)
                walked += 1
    say(f"{walked} lists walked")
    assert walked > 200


CITIES = """
query ($orderBy: [CustomerSort!], $first: Int, $after: String, $last: Int, $before: String) {
  customers(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
    nodes { name } pageInfo { startCursor endCursor }
  }
}"""
BY_CITY = [{"field": "CITY", "direction": "DESC", "nulls": "FIRST"}, {"field": "NAME"}]


@pytest.mark.requirement("I1")
async def test_what_is_changed_between_two_pages_moves_nothing_else(gateway, company):
    """The record at the cursor may leave, or move: the next page begins where it stood."""
    databases = gateway.services.databases
    factory = Factory(databases, company)
    rows = [
        {"name": name, "city": city}
        for name, city in zip("ABCDEF", [None, None, "Y", "Y", "X", "X"], strict=True)
    ]
    ids = dict(zip("ABCDEF", await factory.many("customer", rows), strict=True))
    owner = await make_member(databases, company, "OWNER")
    ask = gateway.client(await make_key(databases, owner, key=gateway.services.identity.key))

    async def page(**given):
        found = (await ask(CITIES, {"orderBy": BY_CITY} | given)).data["customers"]
        return "".join(node["name"] for node in found["nodes"]), found["pageInfo"]

    first, info = await page(first=3)
    assert first == "ABC"
    await factory.update("customer", ids["C"], city=None)
    await factory.one("customer", name="CC", city="Y")
    await factory.one("customer", name="BB", city="Z")
    after, _ = await page(first=2, after=info["endCursor"])
    assert after == "CCD"
    before, _ = await page(last=3, before=info["endCursor"])
    assert before == "BCBB"


@pytest.mark.requirement("I1")
async def test_a_cursor_belongs_to_its_sorting_also_below_a_record(gateway, company):
    databases = gateway.services.databases
    factory = Factory(databases, company)
    customer = await factory.one("customer", name="Alfreds")
    await factory.many("contact", [{"name": name, "customer_id": customer} for name in "AB"])
    owner = await make_member(databases, company, "OWNER")
    ask = gateway.client(await make_key(databases, owner, key=gateway.services.identity.key))
    below = """query ($after: String, $by: [ContactSort!]) { customers { nodes {
      contacts(first: 1, after: $after, orderBy: $by) { nodes { name } pageInfo { endCursor } } } } }"""
    by_name = [{"field": "NAME"}]
    found = (await ask(below, {"by": by_name})).data["customers"]["nodes"][0]["contacts"]
    cursor = found["pageInfo"]["endCursor"]
    second = (await ask(below, {"by": by_name, "after": cursor})).data["customers"]["nodes"][0]["contacts"]
    assert second["nodes"] == [{"name": "B"}]
    for by in (
        [{"field": "NAME", "direction": "DESC"}],
        [{"field": "CREATED_AT"}],
        [*by_name, {"field": "CREATED_AT"}],
    ):
        assert (await ask(below, {"by": by, "after": cursor})).codes == ["BAD_CURSOR"]
    assert (
        await ask("query ($c: String) { customers(after: $c) { totalCount nodes { id } } }", {"c": cursor})
    ).codes == ["BAD_CURSOR"]
