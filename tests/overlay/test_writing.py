"""Own fields written in types of their own: what is wrong is told at the key it stands under."""

import pytest

from tests.overlay.conftest import VALUES

CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id custom { seats sales_region } customFields } userErrors { path code } }
}"""
UPDATE = """
mutation ($id: ID!, $own: CustomerCustomInput) {
  updateCustomer(input: {id: $id, custom: $own}) { record { customFields } userErrors { path code } }
}"""


@pytest.mark.requirement("A4", "I2")
async def test_a_record_is_created_with_typed_fields(described):
    made = (await described.ask(CREATE, input={"name": "A", "custom": VALUES})).data["createCustomer"]
    assert made["userErrors"] == []
    assert made["record"]["customFields"] == VALUES
    assert made["record"]["custom"] == {"seats": 3_000_000_000, "sales_region": "NORTH"}


async def test_what_is_left_out_stays_and_null_empties(described):
    customer = await described.create("A", **VALUES)
    done = await described.ask(UPDATE, id=customer, own={"seats": 8, "share": None})
    assert done.data["updateCustomer"] == {
        "record": {"customFields": {**VALUES, "seats": 8, "share": None}},
        "userErrors": [],
    }
    same = await described.ask(UPDATE, id=customer, own=None)
    assert same.data["updateCustomer"]["record"]["customFields"]["seats"] == 8


async def test_a_document_without_their_names_takes_them_in_variables(described):
    create = (
        "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { userErrors { code } } }"
    )
    made = await described.ask(create, input={"name": "A", "custom": {"seats": 1}})
    assert made.data["createCustomer"]["userErrors"] == []
    listed = "query ($where: CustomerWhere) { customers(where: $where) { nodes { customFields } } }"
    found = await described.ask(listed, where={"customFields": {"seats": {"eq": 1}}})
    assert found.data["customers"]["nodes"][0]["customFields"]["seats"] == 1
    refused = await described.ask(listed, where={"customFields": {"seat": {"eq": 1}}})
    assert "Did you mean 'seats'?" in refused.errors[0]["message"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"seats": 1.5}, "WholeNumber is a whole number"),
        ({"seats": 10**15 + 1}, "WholeNumber is a whole number"),
        ({"sales_region": "EAST"}, "does not exist in 'CustomerCustomSalesRegionChoice'"),
        ({"founded": "2019-02-29"}, "Date"),
        ({"share": "much"}, "Decimal"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_of_another_type_is_refused_before_anything_is_done(described, own, message):
    refused = await described.ask(CREATE, input={"name": "A", "custom": own})
    assert refused.codes == ["GRAPHQL_VALIDATION_FAILED"]
    assert message in refused.errors[0]["message"]
    assert (await described.ask("{ customers { totalCount } }")).data == {"customers": {"totalCount": 0}}


async def test_refusals_are_told_where_the_value_stands(described):
    await described.define("customer", "needed", "TEXT", required=True)
    typed = {"name": "A", "custom": {"share": "0.1234567", "mood": "grim"}}
    refused = (await described.ask(CREATE, input=typed)).data["createCustomer"]
    assert refused["record"] is None
    assert sorted((tuple(error["path"]), error["code"]) for error in refused["userErrors"]) == [
        (("input", "custom", "mood"), "UNKNOWN_VALUE"),
        (("input", "custom", "needed"), "REQUIRED"),
        (("input", "custom", "share"), "TOO_PRECISE"),
    ]
    plain = {"name": "A", "customFields": {"mood": "grim", "needed": "x"}}
    refused = (await described.ask(CREATE, input=plain)).data["createCustomer"]
    assert refused["userErrors"] == [{"path": ["input", "customFields", "mood"], "code": "UNKNOWN_VALUE"}]


@pytest.mark.parametrize("typed", [{"seats": 1}, {}], ids=["some", "none"])
async def test_an_input_says_them_in_one_way(described, typed):
    both = {"name": "A", "custom": typed, "customFields": {"nickname": "x"}}
    refused = (await described.ask(CREATE, input=both)).data["createCustomer"]
    assert refused == {
        "record": None,
        "userErrors": [{"path": ["input", "custom"], "code": "BAD_USER_INPUT"}],
    }
    assert (await described.ask("{ customers { totalCount } }")).data == {"customers": {"totalCount": 0}}


async def test_batches_and_what_inputs_bring_along_take_them(described):
    await described.define("contact", "nickname", "TEXT")
    made = await described.ask(
        """mutation ($inputs: [CreateCustomerInput!]!) { createCustomers(inputs: $inputs, partial: true) {
          records { name custom { seats } contacts { nodes { custom { nickname } } } } userErrors { path code } } }""",
        inputs=[
            {
                "name": "A",
                "custom": {"seats": 1},
                "contacts": [{"name": "Ann", "custom": {"nickname": "Annie"}}],
            },
            {"name": "B", "custom": {"mood": "grim"}},
        ],
    )
    assert made.data["createCustomers"] == {
        "records": [
            {"name": "A", "custom": {"seats": 1}, "contacts": {"nodes": [{"custom": {"nickname": "Annie"}}]}},
            None,
        ],
        "userErrors": [{"path": ["inputs", "1", "custom", "mood"], "code": "UNKNOWN_VALUE"}],
    }


async def test_a_key_repeats_the_answer_with_its_types(described):
    given = {"name": "A", "custom": {"seats": 1, "founded": "2019-02-28"}, "idempotencyKey": "once"}
    first, second = [(await described.ask(CREATE, input=given)).data for _ in range(2)]
    assert first == second
    assert first["createCustomer"]["record"]["custom"]["seats"] == 1
    other = await described.ask(CREATE, input={**given, "custom": {"seats": 2}})
    assert other.codes == ["IDEMPOTENCY_KEY_REUSED"]


async def test_an_order_placed_with_its_lines_takes_them(office):
    await office.define("order", "channel", "CHOICE", options=["FAIR", "WEB"], required=True)
    customer = await office.create("A")
    made = await office.ask(
        """mutation { createProduct(input: {name: "Chai", number: "P1"}) {
          record { id } userErrors { path code } } }"""
    )
    assert made.data["createProduct"]["userErrors"] == []
    order = {
        "customerId": customer,
        "orderedOn": "2026-03-02",
        "currency": "USD",
        "custom": {"channel": "FAIR"},
        "number": "1",
    }
    lines = [{"productId": made.data["createProduct"]["record"]["id"], "quantity": "2", "unitPrice": "18"}]
    place = """mutation ($order: CreateOrderInput!, $lines: [PlaceOrderLineInput!]!) {
      placeOrder(input: {order: $order, lines: $lines}) {
        record { custom { channel } lines { totalCount } } userErrors { path code } } }"""

    placed = (await office.ask(place, order=order, lines=lines)).data["placeOrder"]
    assert placed == {"record": {"custom": {"channel": "FAIR"}, "lines": {"totalCount": 1}}, "userErrors": []}
    refused = (await office.ask(place, order={**order, "custom": {"channel": None}}, lines=lines)).data[
        "placeOrder"
    ]
    assert refused["record"] is None
    assert [(error["path"][-2:], error["code"]) for error in refused["userErrors"]] == [
        (["custom", "channel"], "REQUIRED")
    ]
