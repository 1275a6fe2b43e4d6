"""Classes, regions, routes and segments over the API: what a representative does on a day, and what is refused."""

import pytest

from kedang_tenants.classing import rfm
from kedang_tenants.people.viewers import system_viewer
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

pytestmark = pytest.mark.requirement("G4", "G5", "G6")


@pytest.fixture
async def ask(gateway, company):
    owner = await make_member(gateway.services.databases, company, "OWNER")
    return gateway.client(
        await make_key(gateway.services.databases, owner, key=gateway.services.identity.key)
    )


@pytest.fixture
def factory(gateway, company):
    return Factory(gateway.services.databases, company)


def public(prefix, found):
    return f"{prefix}_{found.hex}"


async def do(ask, verb, given, inside="record { id }"):
    kind = verb[0].upper() + verb[1:]
    answer = await ask(
        f"mutation ($input: {kind}Input!) {{ {verb}(input: $input) {{ {inside} userErrors {{ path code }} }} }}",
        {"input": given},
    )
    return answer.data[verb]


async def test_customers_are_classed_and_found_by_class_and_region(ask, factory):
    east = await do(ask, "createRegion", {"name": "华东"})
    shanghai = await do(ask, "createRegion", {"name": "上海", "parentId": east["record"]["id"]})
    made = []
    for name, region in (("Alfreds", shanghai), ("Bottom-Dollar", east), ("Chop-suey", None)):
        given = {"name": name} | ({"regionId": region["record"]["id"]} if region else {})
        made.append((await do(ask, "createCustomer", given))["record"]["id"])
    value = {
        "code": "VIP",
        "name": {"en": "VIP", "zh": "贵宾"},
        "dimension": "VALUE",
        "colour": "#b3261e",
        "treatment": {"zh": "专人服务"},
        "cycleDays": 14,
    }
    vip = await do(ask, "createCustomerClass", value)
    done = await do(
        ask,
        "classifyCustomers",
        {"classId": vip["record"]["id"], "where": {"regionId": {"within": east["record"]["id"]}}},
        "record { name } moved",
    )
    assert done == {"record": {"name": {"en": "VIP", "zh": "贵宾"}}, "moved": 2, "userErrors": []}
    answer = await ask(
        """query ($region: ID!, $class: ID!) {
          within: customers(where: {regionId: {within: $region}}) { nodes { name salesRegion { name } } }
          vip: customers(where: {classes: {some: {classId: {eq: $class}}}}) {
            nodes { name classes { nodes { dimension customerClass { code } } } } totalCount }
          none: customers(where: {classes: {none: {dimension: {eq: "VALUE"}}}}) { nodes { name } }
        }""",
        {"region": east["record"]["id"], "class": vip["record"]["id"]},
    )
    assert answer.data["within"]["nodes"] == [
        {"name": "Alfreds", "salesRegion": {"name": "上海"}},
        {"name": "Bottom-Dollar", "salesRegion": {"name": "华东"}},
    ]
    assert answer.data["vip"] == {
        "nodes": [
            {"name": name, "classes": {"nodes": [{"dimension": "VALUE", "customerClass": {"code": "VIP"}}]}}
            for name in ("Alfreds", "Bottom-Dollar")
        ],
        "totalCount": 2,
    }
    assert answer.data["none"]["nodes"] == [{"name": "Chop-suey"}]
    for given, path in (({}, ["input"]), ({"where": {"nme": {}}}, ["input", "where"])):
        told = await do(ask, "classifyCustomers", {"classId": vip["record"]["id"], **given}, "moved")
        assert [(error["path"], error["code"]) for error in told["userErrors"]] == [(path, "BAD_USER_INPUT")]


async def test_a_route_is_proposed_and_followed(ask, factory):
    places = [("C3", "30", "120.3"), ("C1", "30", "120.1"), ("C2", None, None)]
    rows = [{"name": n, "latitude": lat, "longitude": lon} for n, lat, lon in places]
    made = [await factory.one("customer", **{k: v for k, v in row.items() if v}) for row in rows]
    route = await do(
        ask,
        "createRoute",
        {"name": "城东", "startLatitude": "30", "startLongitude": "120", "purpose": "DELIVERY"},
    )
    which = route["record"]["id"]
    given = {"id": which, "customerIds": [public("cus", one) for one in made]}
    listed = "record { stops { nodes { id position customer { name } } } }"
    done = await do(ask, "setRouteStops", given, listed)
    assert [stop["customer"]["name"] for stop in done["record"]["stops"]["nodes"]] == ["C3", "C1", "C2"]
    answer = await ask(
        "query ($id: ID!) { proposedRoute(id: $id) { km kmNow withoutPlace stops { km customer { name } } } }",
        {"id": which},
    )
    assert answer.data["proposedRoute"] == {
        "km": pytest.approx(28.889, abs=0.002),
        "kmNow": pytest.approx(48.148, abs=0.003),
        "withoutPlace": 1,
        "stops": [
            {"km": pytest.approx(9.63, abs=0.001), "customer": {"name": "C1"}},
            {"km": pytest.approx(19.259, abs=0.002), "customer": {"name": "C3"}},
            {"km": None, "customer": {"name": "C2"}},
        ],
    }
    done = await do(ask, "orderRoute", {"id": which}, listed)
    stops = done["record"]["stops"]["nodes"]
    assert [stop["customer"]["name"] for stop in stops] == ["C1", "C3", "C2"]
    done = await do(ask, "moveRouteStop", {"id": stops[2]["id"], "position": 1}, listed)
    assert [stop["customer"]["name"] for stop in done["record"]["stops"]["nodes"]] == ["C2", "C1", "C3"]
    told = await do(ask, "setRouteStops", {**given, "customerIds": [given["customerIds"][0]] * 2})
    assert told == {"record": None, "userErrors": [{"path": ["input", "customerIds", "1"], "code": "TWICE"}]}


async def test_a_segment_is_counted_kept_paged_and_frozen(ask, factory):
    for n in range(5):
        await factory.one("customer", name=f"C{n}", city="Berlin" if n else "Bonn")
    where = {"city": {"eq": "Berlin"}, "NOT": {"contacts": {"some": {}}}}
    preview = "query ($where: JSON!) { segmentPreview(where: $where) { count } }"
    assert (await ask(preview, {"where": where})).data["segmentPreview"] == {"count": 4}
    assert (await ask(preview, {"where": {"town": {"eq": "Berlin"}}})).codes == ["BAD_USER_INPUT"]
    segment = (
        await do(ask, "createSegment", {"name": "Berlin", "where": where}, "record { id kind conditions }")
    )["record"]
    assert (segment["kind"], segment["conditions"]) == ("LIVE", where)
    page = """query ($id: ID!, $after: String) { segmentCount(id: $id) { count }
      segmentCustomers(id: $id, first: 3, after: $after) { nodes { name city } pageInfo { hasNextPage endCursor } } }"""
    first = (await ask(page, {"id": segment["id"]})).data
    assert first["segmentCount"] == {"count": 4}
    assert [one["name"] for one in first["segmentCustomers"]["nodes"]] == ["C1", "C2", "C3"]
    assert first["segmentCustomers"]["pageInfo"]["hasNextPage"] is True
    after = first["segmentCustomers"]["pageInfo"]["endCursor"]
    second = (await ask(page, {"id": segment["id"], "after": after})).data["segmentCustomers"]
    assert second["nodes"] == [{"name": "C4", "city": "Berlin"}]
    frozen = await do(ask, "freezeSegment", {"id": segment["id"]}, "record { kind frozenCount version }")
    assert frozen["record"] == {"kind": "FROZEN", "frozenCount": 4, "version": 2}
    await factory.one("customer", name="C5", city="Berlin")
    assert (await ask(page, {"id": segment["id"]})).data["segmentCount"] == {"count": 4}
    told = await do(ask, "changeSegmentFilter", {"id": segment["id"], "where": {}})
    assert told["userErrors"] == [{"path": ["input", "id"], "code": "SEGMENT_FROZEN"}]
    told = await do(ask, "createSegment", {"name": "x", "where": {"AND": [{"city": {"like": "B"}}]}})
    assert told["userErrors"] == [{"path": ["input", "where"], "code": "BAD_USER_INPUT"}]
    assert (await ask("{ segments { totalCount } }")).data["segments"] == {"totalCount": 1}


@pytest.mark.parametrize("where", [[], "", 0, False, {"search": "a\0b"}, {"city": {"eq": "a\0b"}}])
async def test_what_is_no_filter_is_not_everybody(ask, where):
    told = await do(ask, "createSegment", {"name": "x", "where": where})
    assert told == {"record": None, "userErrors": [{"path": ["input", "where"], "code": "BAD_USER_INPUT"}]}
    assert (await ask("{ segments { totalCount } }")).data["segments"] == {"totalCount": 0}


async def test_a_filter_that_goes_down_without_end_is_refused_before_anybody_follows_it(ask):
    preview = "query ($where: JSON!) { segmentPreview(where: $where) { count } }"
    for depth in (12, 1000):
        where = '{"NOT":' * depth + "{}" + "}" * depth
        body = f'{{"query": "{preview}", "variables": {{"where": {where}}}}}'
        answer = await ask.http.post("/graphql", content=body, headers={"content-type": "application/json"})
        told = [(error["extensions"]["code"], error["message"]) for error in answer.json()["errors"]]
        assert told == [("BAD_USER_INPUT", "This filter is nested too deeply.")]


async def test_scores_are_filters_and_told_with_their_figures(ask, factory, gateway, company):
    buyer = await factory.one("customer", name="Alfreds")
    await factory.one("order", customer_id=buyer, currency="CNY")
    async with gateway.services.databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company)
        await rfm.score_part(write, viewer, after=None, clock=gateway.services.clock)
    answer = await ask(
        """query ($id: ID!) {
          customers(where: {rfmRecency: {gte: 1}}) { nodes { name rfmRecency rfmFrequency rfmMonetary } }
          customerRfm(customerId: $id) { recency frequency monetary orders money currency lastOrderedOn } }""",
        {"id": public("cus", buyer)},
    )
    assert answer.data["customers"]["nodes"] == [
        {"name": "Alfreds", "rfmRecency": 1, "rfmFrequency": 1, "rfmMonetary": 1}
    ]
    found = answer.data["customerRfm"]
    assert (found["recency"], found["frequency"], found["monetary"]) == (1, 1, 1)
    assert (found["orders"], found["money"]) == (0, 0)
    job = (await do(ask, "measureRfm", {}, "job { id kind state }"))["job"]
    assert (job["kind"], job["state"]) == ("classing.rfm", "WAITING")


async def test_a_segment_is_a_filter_like_any_other(ask, factory):
    for n in range(4):
        made = await factory.one("customer", name=f"C{n}", city="Berlin" if n else "Bonn")
        await factory.one("contact", name=f"K{n}", customer_id=made)
    berlin = await do(ask, "createSegment", {"name": "Berlin", "where": {"city": {"eq": "Berlin"}}})
    first = {"search": "c1", "segment": berlin["record"]["id"]}
    frozen = await do(ask, "createSegment", {"name": "C1", "where": first, "kind": "FROZEN"})
    where = {"segment": berlin["record"]["id"], "NOT": {"segment": frozen["record"]["id"]}}
    both = await do(ask, "createSegment", {"name": "Both", "where": where}, "record { id conditions }")
    assert both["record"]["conditions"] == where
    named = {"segment": both["record"]["id"]}
    query = """query ($where: CustomerWhere, $json: JSON!, $id: ID!) {
      customers(where: $where) { nodes { name } totalCount }
      customerAggregates(where: $where) { groups { count } }
      contacts(where: {customer: $where}) { nodes { name } }
      segmentPreview(where: $json) { count } segmentCount(id: $id) { count } segmentCustomers(id: $id) { nodes { name } } }"""
    asked = {"where": named, "json": named, "id": both["record"]["id"]}
    assert (await ask(query, asked)).data == {
        "customers": {"nodes": [{"name": "C2"}, {"name": "C3"}], "totalCount": 2},
        "customerAggregates": {"groups": [{"count": 2}]},
        "contacts": {"nodes": [{"name": "K2"}, {"name": "K3"}]},
        "segmentPreview": {"count": 2},
        "segmentCount": {"count": 2},
        "segmentCustomers": {"nodes": [{"name": "C2"}, {"name": "C3"}]},
    }
    given = {"id": berlin["record"]["id"], "where": {"OR": [named, {}]}}
    told = await do(ask, "changeSegmentFilter", given)
    assert told == {"record": None, "userErrors": [{"path": ["input", "where"], "code": "CIRCULAR_FILTER"}]}
    archive = "mutation ($id: ID!) { archiveSegment(input: {id: $id}) { userErrors { code } } }"
    assert (await ask(archive, {"id": frozen["record"]["id"]})).data["archiveSegment"] == {"userErrors": []}
    for segment in (
        frozen["record"]["id"],
        both["record"]["id"],
        "seg_" + "0" * 32,
        "nonsense",
        berlin["record"]["id"][4:],
    ):
        answer = await ask(
            "query ($id: ID!) { customers(where: {segment: $id}) { totalCount } }", {"id": segment}
        )
        assert (answer.body["data"], answer.codes) == (None, ["NOT_FOUND"])
        told = await do(ask, "createSegment", {"name": "x", "where": {"segment": segment}})
        assert told == {"record": None, "userErrors": [{"path": ["input", "where"], "code": "NOT_FOUND"}]}
    assert (await ask("{ segments { totalCount } }")).data["segments"] == {"totalCount": 2}
