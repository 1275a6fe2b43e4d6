"""A list of 100 customers with owner and contacts over HTTP: against the floor, and against the usual way."""

import random

import orjson
import pytest

from kedang_platform.clock import SystemClock
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.viewers import system_viewer
from tests.bench.load import Target, medians, once, post
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.bench

QUERY = """
query ($first: Int!) { customers(first: $first, orderBy: [{field: NAME}]) { nodes {
  id number name city state owner { name } contacts { nodes { name phone } }
} } }"""
STOCK_QUERY = """
query ($first: Int!) { customers(first: $first) { nodes {
  id number name city state owner { name } contacts { nodes { name phone } }
} } }"""
CUSTOMERS = 1000


@pytest.fixture
async def archive(databases, company):
    """1,000 customers, three contacts each, of ten members; the key of one who sees everything."""
    member = await make_member(databases, company, "OWNER")
    members = [await make_member(databases, company, "REPRESENTATIVE", name=f"Person {n}") for n in range(10)]
    chance = random.Random(1)
    customers, contacts = [], []
    for n in range(CUSTOMERS):
        values = {
            "name": f"Customer {chance.randrange(10**6)}",
            "number": f"C{n}",
            "city": chance.choice(["Berlin", "上海", "London"]),
            "owner_id": chance.choice(members).id,
        }
        customers.append(Change("customer", "create", values=values))
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        made = await change_internally(write, viewer, customers, clock=SystemClock())
        for one in made:
            for n in range(3):
                values = {"customer_id": one.id, "name": f"Contact {n}", "phone": "030-0074321"}
                contacts.append(Change("contact", "create", values=values))
        await change_internally(write, viewer, contacts, clock=SystemClock())
    async with databases.owner() as owner:
        await owner.execute(f'ANALYZE "{company.ref.schema}".customer, "{company.ref.schema}".contact')
    from tests.support.database import SECRET

    return await make_key(databases, member, key=SECRET)


async def test_list_of_100(archive, serve):
    variables = {"first": 100}
    body = orjson.dumps({"query": QUERY, "variables": variables})
    stock_body = orjson.dumps({"query": STOCK_QUERY, "variables": variables})
    gateway, raw, stock = (
        serve("kedang_graphql"),
        serve("tests.bench.servers.raw"),
        serve("tests.bench.servers.stock"),
    )
    targets = [
        Target("kedang", gateway, post(gateway, "/graphql", body, Authorization=f"Bearer {archive}")),
        Target("raw", raw, post(raw, "/graphql", orjson.dumps(variables))),
        Target("stock", stock, post(stock, "/graphql/", stock_body)),
    ]
    answers = {target.name: once(target) for target in targets}
    assert len(orjson.loads(answers["raw"])["data"]["customers"]["nodes"]) == 100
    assert answers["kedang"] == answers["raw"]
    assert orjson.loads(answers["stock"])["data"] == orjson.loads(answers["raw"])["data"]

    ms = medians(targets)
    print(
        f"\nlist of 100, {len(answers['raw'])} bytes, p50 ms: "
        + ", ".join(f"{k} {v:.2f}" for k, v in ms.items())
    )
    print(
        f"kedang / raw {ms['kedang'] / ms['raw']:.2f} (<= 1.5), stock / kedang {ms['stock'] / ms['kedang']:.1f} (>= 6)"
    )
