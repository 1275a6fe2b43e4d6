"""Pages put together are the list: every record once, in order, forwards and backwards, whatever it is sorted by."""

from random import Random

import pytest

from kedang_tenants.catalogue import Record, RecordType, catalogue
from tests.reading.population import populate
from tests.reading.test_differential import seed
from tests.support.factories import Factory
from tests.support.members import make_key
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
