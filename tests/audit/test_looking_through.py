"""Looking through the trail over the API: nobody reads in it what they may not read where it stands."""

import pytest

from kedang_tenants.changing import Change
from kedang_tenants.changing.sealing import seal
from tests.audit.test_seals import LATER
from tests.support.members import make_key

pytestmark = pytest.mark.requirement("T7")
LOOK = """
query ($where: AuditWhere, $first: Int!, $after: String, $orderBy: AuditOrder!) {
  auditEntries(where: $where, first: $first, after: $after, orderBy: $orderBy) {
    nodes { id at actor via action record recordId erased changes { field old new masked } }
    edges { cursor node { id } }
    pageInfo { hasNextPage endCursor }
  }
}"""


@pytest.fixture
async def look(world, gateway):
    """Asks for entries as one of the world's people."""
    clients = {}

    async def ask(person, *, first=250, after=None, order="NEWEST_FIRST", **where):
        if person not in clients:
            key = await make_key(world.databases, world.people[person], key=gateway.services.identity.key)
            clients[person] = gateway.client(bearer=key)
        return await clients[person](LOOK, {"where": where, "first": first, "after": after, "orderBy": order})

    return ask


async def nodes(answer):
    return (await answer).data["auditEntries"]["nodes"]


@pytest.fixture
async def history(world):
    """Each of three representatives changes their own customer: name, phone and number of employees."""
    values = {"name": "Renamed", "phone": "030-0074321", "employees": 30}
    for person in ("manager", "representative", "stranger"):
        mine = {k: v for k, v in values.items() if k != "employees" or person == "manager"}
        await world.change(person, Change("customer", "update", world.customers[person], values=mine))
    return world


def of(world, person):
    return f"mem_{world.people[person].id.hex}"


async def test_how_far_a_role_reaches(history, look):
    whole = {
        name: {
            (n["action"], n["actor"])
            for n in await nodes(look(name, record="Customer", action="customer.updated"))
        }
        for name in ("owner", "general manager", "manager", "representative", "colleague", "finance")
    }
    done = {
        name: ("customer.updated", of(history, name)) for name in ("manager", "representative", "stranger")
    }
    assert whole == {
        "owner": set(done.values()),
        "general manager": set(done.values()),
        "manager": {done["manager"], done["representative"]},
        "representative": {done["representative"]},
        "colleague": set(),
        "finance": set(),
    }
    for nobody in ("onlooker", "nobody"):
        assert (await look(nobody)).codes == ["FORBIDDEN"]


async def test_values_are_masked_as_where_they_stand(history, look):
    (seen,) = await nodes(look("owner", actor=of(history, "manager"), action="customer.updated"))
    told = {c["field"]: (c["old"], c["new"], c["masked"]) for c in seen["changes"]}
    assert told["name"] == ("Customer of manager", "Renamed", False)
    assert told["phone"] == (None, "030-0074321", False)
    assert told["employees"] == (None, 30, False)
    assert seen["recordId"] == f"cus_{history.customers['manager'].hex}"
    assert (seen["record"], seen["erased"]) == ("Customer", False)
    # The customer moves to another department: whoever changed it once sees neither it nor its trail.
    owner = history.people["stranger"].id
    await history.change(
        "owner", Change("customer", "update", history.customers["manager"], values={"owner_id": owner})
    )
    assert await nodes(look("manager", actor=of(history, "manager"), action="customer.updated")) == []


async def test_a_name_level_viewer_reads_names_and_no_more(history, look):
    """A representative hands a customer to a colleague: of their own entry the name stays, the phone goes."""
    colleague = history.people["colleague"].id
    customer = history.customers["representative"]
    await history.change("owner", Change("customer", "update", customer, values={"owner_id": colleague}))
    (seen,) = await nodes(look("representative", action="customer.updated"))
    told = {c["field"]: (c["old"], c["new"], c["masked"]) for c in seen["changes"]}
    assert told["name"] == ("Customer of representative", "Renamed", False)
    assert told["phone"] == (None, None, True)


async def test_pages_follow_each_other_without_a_gap(history, look):
    every = [node["id"] for node in await nodes(look("owner"))]
    assert len(every) == 28
    for order, expected in (("NEWEST_FIRST", every), ("OLDEST_FIRST", every[::-1])):
        walked, after, more = [], None, True
        while more:
            page = (await look("owner", first=9, after=after, order=order)).data["auditEntries"]
            walked += [edge["node"]["id"] for edge in page["edges"]]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert walked == expected
    assert (await look("owner", first=9, after=after, order="NEWEST_FIRST")).codes == ["BAD_CURSOR"]
    assert (await look("owner", first=0)).codes == ["BAD_USER_INPUT"]


async def test_what_is_looked_for(history, look):
    customer = f"cus_{history.customers['stranger'].hex}"
    assert len(await nodes(look("owner", recordId=customer))) == 2
    assert len(await nodes(look("owner", record="Customer", field="phone"))) == 3
    assert len(await nodes(look("owner", field="employees"))) == 1
    assert len(await nodes(look("owner", via="api"))) == 3
    assert await nodes(look("owner", record="Nonsense")) == []
    assert (await look("owner", recordId="cus_1")).codes == ["NOT_FOUND"]
    assert (await look("owner", actor=customer)).codes == ["NOT_FOUND"]


async def test_a_period_holds_before_and_after_sealing(history, look):
    now = history.factory.clock.now().isoformat()
    for _ in range(2):
        assert len(await nodes(look("owner", at={"gte": now}))) == 28
        assert await nodes(look("owner", at={"lt": now})) == []
        assert await nodes(look("owner", at={"gte": LATER.now().isoformat()})) == []
        await seal(history.databases, history.factory.company.ref, clock=LATER)


async def test_owners_verify_the_trail(history, look, gateway):
    await seal(history.databases, history.factory.company.ref, clock=LATER)
    ask = "{ auditVerification { intact seals sealed unsealed erased until chain broken { kind } } }"
    for person, codes in (("owner", []), ("general manager", ["FORBIDDEN"])):
        key = await make_key(history.databases, history.people[person], key=gateway.services.identity.key)
        answer = await gateway.client(bearer=key)(ask)
        assert answer.codes == codes
        if not codes:
            found = answer.data["auditVerification"]
            assert (found["intact"], found["seals"], found["sealed"], found["unsealed"]) == (True, 1, 28, 0)
            assert len(found["chain"]) == 64
