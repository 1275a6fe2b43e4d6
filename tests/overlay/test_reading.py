"""Own fields read in types of their own: the same values as in ``customFields``, planned, masked, filtered and sorted by."""

import pytest

from tests.overlay.conftest import VALUES
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

ALL = "custom { nickname seats share founded is_listed sales_region mood }"


@pytest.mark.requirement("A4", "I2")
async def test_every_kind_is_told_in_its_type(described):
    await described.create("Full", **VALUES)
    await described.create("Bare")

    answer = await described.ask(
        f"{{ customers(orderBy: {{field: NAME}}) {{ nodes {{ name {ALL} customFields }} }} }}"
    )

    bare, full = answer.data["customers"]["nodes"]
    assert full == {"name": "Full", "custom": VALUES, "customFields": VALUES}
    nothing = dict.fromkeys(VALUES)
    assert bare == {"name": "Bare", "custom": nothing, "customFields": nothing}


async def test_they_are_told_under_aliases_in_fragments_and_by_their_types_name(described):
    await described.create("Full", **VALUES)
    answer = await described.ask(
        """query ($with: Boolean!) {
          customers { nodes { ...Own own: custom { type: __typename } } }
        }
        fragment Own on Customer { mine: custom { region: sales_region, seats @include(if: $with), ...More } }
        fragment More on CustomerCustom { day: founded }""",
        **{"with": False},
    )
    assert answer.data["customers"]["nodes"] == [
        {"mine": {"region": "NORTH", "day": "2019-02-28"}, "own": {"type": "CustomerCustom"}}
    ]


async def test_they_are_told_behind_relations_and_of_nodes(described, company):
    customer = await described.create("Full", **VALUES)
    await described.define("contact", "nickname", "TEXT")
    made = await described.ask(
        """mutation ($input: CreateContactInput!) { createContact(input: $input) {
          record { id custom { nickname } customer { custom { nickname } } } userErrors { code } } }""",
        input={"name": "Ann", "customerId": customer, "custom": {"nickname": "Annie"}},
    )
    payload = made.data["createContact"]
    assert payload["userErrors"] == []
    assert payload["record"]["custom"] == {"nickname": "Annie"}
    assert payload["record"]["customer"] == {"custom": {"nickname": "Nick"}}
    found = await described.ask(
        """query ($ids: [ID!]!) { nodes(ids: $ids) { id
             ... on Customer { custom { seats } contacts { nodes { custom { nickname } } } }
             ... on Contact { custom { nickname } } } }""",
        ids=[customer, payload["record"]["id"]],
    )
    assert found.data["nodes"] == [
        {
            "id": customer,
            "custom": {"seats": 3_000_000_000},
            "contacts": {"nodes": [{"custom": {"nickname": "Annie"}}]},
        },
        {"id": payload["record"]["id"], "custom": {"nickname": "Annie"}},
    ]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("{sales_region: {eq: NORTH}}", ["A"]),
        ("{sales_region: {in: [SOUTH]}}", ["B"]),
        ("{sales_region: {notIn: [NORTH]}}", ["B", "C"]),
        ('{mood: {contains: "so"}}', ["B"]),
        ("{seats: {gt: 2999999999}}", ["A"]),
        ("{seats: {lt: 7, ne: 5}}", []),
        ('{share: {lte: "12.5"}}', ["A"]),
        ('{share: {notIn: ["12.50"]}}', ["B", "C"]),
        ('{founded: {gte: "2019-03-01"}}', ["B"]),
        ('{founded: {in: ["2019-02-28", "2020-02-29"]}}', ["A", "B"]),
        ("{is_listed: {eq: false}}", ["B"]),
        ("{nickname: {isNull: true}}", ["C"]),
        ("{nickname: {eq: null}}", ["C"]),
        ('{nickname: {startsWith: "ni"}, sales_region: {ne: SOUTH}}', ["A"]),
        ("{nickname: null}", ["A", "B", "C"]),
    ],
)
async def test_lists_are_filtered_by_them(described, where, found):
    await described.create("A", **VALUES)
    other = {
        "nickname": "Bob",
        "seats": 5,
        "share": "99",
        "founded": "2020-02-29",
        "is_listed": False,
        "sales_region": "SOUTH",
        "mood": "so so",
    }
    await described.create("B", **other)
    await described.create("C")
    query = (
        f"{{ customers(where: {{customFields: {where}}}, orderBy: {{field: NAME}}) {{ nodes {{ name }} }} }}"
    )
    answer = await described.ask(query)
    assert [node["name"] for node in answer.data["customers"]["nodes"]] == found


async def test_filters_and_sortings_come_in_variables_beside_those_without_types(described):
    for name, seats in (("A", 1), ("B", 3), ("C", 2)):
        await described.create(name, seats=seats, nickname="same")
    answer = await described.ask(
        """query ($where: CustomerCustomWhere, $by: [CustomerSort!]) {
          customers(
            where: {custom: [{key: "nickname", eq: "same"}], customFields: $where}, orderBy: $by
          ) { nodes { name custom { seats } } }
        }""",
        where={"seats": {"gte": 2}},
        by=[{"customField": "SEATS", "direction": "DESC"}, {"custom": "nickname"}],
    )
    assert answer.data["customers"]["nodes"] == [
        {"name": "B", "custom": {"seats": 3}},
        {"name": "C", "custom": {"seats": 2}},
    ]


@pytest.mark.parametrize(
    "entry", ['{customField: SEATS, custom: "seats"}', "{customField: SEATS, field: NAME}"]
)
async def test_one_sorting_names_one_field(described, entry):
    answer = await described.ask(f"{{ customers(orderBy: [{entry}]) {{ nodes {{ name }} }} }}")
    assert answer.codes == ["BAD_USER_INPUT"]


async def test_pages_go_on_behind_cursors_of_own_fields(described):
    for name, seats in (("A", 3), ("B", 1), ("C", 2)):
        await described.create(name, seats=seats)
    query = """query ($after: String) { customers(first: 1, after: $after, orderBy: {customField: SEATS}) {
      nodes { name } pageInfo { endCursor hasNextPage } } }"""
    names, after = [], None
    while True:
        page = (await described.ask(query, after=after)).data["customers"]
        names += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == ["B", "C", "A"]


async def test_filters_by_own_fields_hold_in_groups(described):
    for name, region in (("A", "NORTH"), ("B", "NORTH"), ("C", "SOUTH")):
        await described.create(name, sales_region=region)
    counts = [
        (await described.ask(f"{{ customerAggregates(where: {where}) {{ groups {{ count }} }} }}")).data
        for where in (
            "{customFields: {sales_region: {eq: NORTH}}}",
            '{custom: [{key: "sales_region", eq: "NORTH"}]}',
        )
    ]
    assert counts == [{"customerAggregates": {"groups": [{"count": 2}]}}] * 2


async def test_a_colleagues_customer_masks_each_of_them(described, company):
    databases = described.gateway.services.databases
    factory = Factory(databases, company)
    unit = await factory.one("department")
    colleague = await make_member(databases, company, "REPRESENTATIVE", department_id=unit)
    reader = await make_member(databases, company, "REPRESENTATIVE", department_id=unit)
    await factory.one("customer", name="Theirs", owner_id=colleague.id)
    key = await make_key(databases, reader, key=described.gateway.services.identity.key)
    answer = await described.gateway.client(key)(
        "{ customers { nodes { name own: custom { seats n: nickname } customFields } } }"
    )
    assert answer.data["customers"]["nodes"] == [
        {"name": "Theirs", "own": {"seats": None, "n": None}, "customFields": None}
    ]
    assert answer.masked == [
        "customers.nodes.*.own.seats",
        "customers.nodes.*.own.n",
        "customers.nodes.*.customFields",
    ]


async def test_a_value_that_is_no_option_any_more_is_null_in_the_enum_and_told_beside_it(described):
    await described.create("Old", sales_region="NORTH")
    definition = (
        await described.ask('{ customFields(where: {key: {eq: "sales_region"}}) { nodes { id } } }')
    ).data
    changed = await described.ask(
        'mutation ($id: ID!) { updateCustomField(input: {id: $id, options: ["EAST"]}) { userErrors { code } } }',
        id=definition["customFields"]["nodes"][0]["id"],
    )
    assert changed.data["updateCustomField"]["userErrors"] == []
    answer = await described.ask("{ customers { nodes { custom { sales_region } customFields } } }")
    node = answer.data["customers"]["nodes"][0]
    assert node["custom"] == {"sales_region": None}
    assert node["customFields"]["sales_region"] == "NORTH"
