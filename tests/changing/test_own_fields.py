"""The company's own fields: what may be defined, and what becomes of values and viewers when it changes (A4)."""

import pytest

from kedang_platform.errors import Refused
from kedang_tenants.changing import Change
from kedang_tenants.people.custom_fields import MOST_PER_RECORD
from tests.changing.world import World
from tests.support.digests import digests
from tests.support.members import make_key

pytestmark = pytest.mark.requirement("A4")
FIELD = {
    "record": "customer",
    "key": "size",
    "kind": "CHOICE",
    "label": {"en": "Size"},
    "options": ["S", "L"],
}
DEFINE = """
mutation ($input: CreateCustomFieldInput!) {
  createCustomField(input: $input) { record { id } userErrors { path code } }
}"""
CREATE = """
mutation ($input: CreateCustomerInput!) {
  createCustomer(input: $input) { record { id customFields } userErrors { path code } }
}"""


def define(**differences: object) -> Change:
    return Change("custom_field", "create", values={**FIELD, **differences})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ([define(record="nothing")], [("UNKNOWN_VALUE", "record")]),
        ([define(key="Size")], [("INVALID_KEY", "key")]),
        ([define(key="1size")], [("INVALID_KEY", "key")]),
        ([define(key="si ze")], [("INVALID_KEY", "key")]),
        ([define(key="grösse")], [("INVALID_KEY", "key")]),
        ([define(key="x" * 41)], [("TOO_LONG", "key")]),
        ([define(options=None)], [("REQUIRED", "options")]),
        ([define(options=[])], [("REQUIRED", "options")]),
        ([define(kind="MONEY")], [("UNKNOWN_VALUE", "kind")]),
        ([define(), define()], [("ALREADY_EXISTS", "key")]),
        ([define(label={})], [("REQUIRED", "label")]),
    ],
)
async def test_definitions_that_are_refused(world: World, changes, told):
    before = await digests(world.databases, world.factory.company.ref)
    with pytest.raises(Refused) as refused:
        await world.change("owner", *changes)
    assert [(error.code, error.path[-1]) for error in refused.value.errors] == told
    assert await digests(world.databases, world.factory.company.ref) == before


async def test_the_kind_of_a_field_never_changes(world: World):
    (made,) = await world.change("owner", define())
    for values in ({"kind": "TEXT"}, {"key": "other"}, {"record": "contact"}):
        with pytest.raises(Refused) as refused:
            await world.change("owner", Change("custom_field", "update", made.id, values=values))
        assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]


async def test_a_record_has_at_most_a_hundred_fields_of_its_own(world: World):
    several = [define(key=f"f{n}") for n in range(MOST_PER_RECORD)]
    made = await world.change("owner", *several)
    with pytest.raises(Refused) as refused:
        await world.change("owner", define())
    assert [error.code for error in refused.value.errors] == ["TOO_MANY"]
    await world.change("owner", define(record="contact"))
    await world.change("owner", Change("custom_field", "archive", made[0].id))
    await world.change("owner", define())
    with pytest.raises(Refused) as refused:
        await world.change("owner", Change("custom_field", "restore", made[0].id))
    assert [error.code for error in refused.value.errors] == ["TOO_MANY"]


async def test_a_field_works_from_its_definition_on_and_is_hidden_when_it_is_put_away(gateway, world):
    key = await make_key(world.databases, world.people["owner"], key=gateway.services.identity.key)
    ask = gateway.client(key)
    unknown = (await ask(CREATE, {"input": {"name": "A", "customFields": {"size": "S"}}})).data
    assert unknown["createCustomer"]["userErrors"] == [
        {"path": ["input", "customFields", "size"], "code": "UNKNOWN_FIELD"}
    ]
    made = (await ask(DEFINE, {"input": FIELD})).data["createCustomField"]
    customer = (await ask(CREATE, {"input": {"name": "A", "customFields": {"size": "S"}}})).data
    assert customer["createCustomer"]["record"]["customFields"] == {"size": "S"}
    wrong = (await ask(CREATE, {"input": {"name": "A", "customFields": {"size": "XL"}}})).data
    assert wrong["createCustomer"]["userErrors"] == [
        {"path": ["input", "customFields", "size"], "code": "UNKNOWN_VALUE"}
    ]
    found = (
        '{ customers(where: {custom: [{key: "size", eq: "S"}]}, orderBy: [{custom: "size"}]) { totalCount } }'
    )
    assert (await ask(found)).data["customers"]["totalCount"] == 1

    put_away = "mutation ($id: ID!) { archiveCustomField(input: {id: $id}) { userErrors { code } } }"
    await ask(put_away, {"id": made["record"]["id"]})
    shown = await ask("query ($id: ID!) { customer(id: $id) { customFields } }", {"id": id_of(customer)})
    assert shown.data["customer"]["customFields"] == {}
    assert (await ask(found)).codes == ["BAD_USER_INPUT"]
    back = "mutation ($id: ID!) { restoreCustomField(input: {id: $id}) { userErrors { code } } }"
    await ask(back, {"id": made["record"]["id"]})
    shown = await ask("query ($id: ID!) { customer(id: $id) { customFields } }", {"id": id_of(customer)})
    assert shown.data["customer"]["customFields"] == {"size": "S"}, "what it held was kept"


def id_of(made) -> str:
    return made["createCustomer"]["record"]["id"]


async def test_a_renamed_field_keeps_its_values(gateway, world):
    key = await make_key(world.databases, world.people["owner"], key=gateway.services.identity.key)
    ask = gateway.client(key)
    made = (await ask(DEFINE, {"input": FIELD})).data["createCustomField"]["record"]["id"]
    await ask(CREATE, {"input": {"name": "A", "customFields": {"size": "S"}}})
    rename = "mutation ($i: UpdateCustomFieldInput!) { updateCustomField(input: $i) { userErrors { code } } }"
    changed = await ask(rename, {"i": {"id": made, "label": {"en": "Format"}, "options": ["S", "M", "L"]}})
    assert changed.data["updateCustomField"]["userErrors"] == []
    where = '{ customers(where: {custom: [{key: "size", eq: "S"}]}) { nodes { customFields } } }'
    assert (await ask(where)).data["customers"]["nodes"] == [{"customFields": {"size": "S"}}]


@pytest.mark.requirement("F3")
async def test_a_contact_and_what_comes_of_it_have_own_fields_too(gateway, world):
    key = await make_key(world.databases, world.people["owner"], key=gateway.services.identity.key)
    ask = gateway.client(key)
    made = (await ask(CREATE, {"input": {"name": "A"}})).data
    for record in ("follow_up_record", "demand", "service_request"):
        answer = await ask(DEFINE, {"input": {**FIELD, "record": record, "required": True}})
        assert answer.data["createCustomField"]["userErrors"] == []
    given = {"way": "CALL", "customerId": id_of(made), "needs": "Pumps", "problems": "Leaks"}

    async def do(verb, **said):
        kind = verb[0].upper() + verb[1:]
        document = f"""
mutation ($input: {kind}Input!) {{
  {verb}(input: $input) {{ record {{ id customFields }} userErrors {{ path code }} }}
}}"""
        refused = (await ask(document, {"input": said})).data[verb]
        assert refused["record"] is None
        assert refused["userErrors"] == [{"path": ["input", "customFields", "size"], "code": "REQUIRED"}]
        wrong = (await ask(document, {"input": {**said, "customFields": ["S"]}})).data[verb]
        assert wrong["userErrors"] == [{"path": ["input", "customFields"], "code": "BAD_USER_INPUT"}]
        done = (await ask(document, {"input": {**said, "customFields": {"size": "S"}}})).data[verb]
        assert (done["record"]["customFields"], done["userErrors"]) == ({"size": "S"}, [])
        return done["record"]["id"]

    contact = await do("recordFollowUp", **given)
    await do("raiseDemand", id=contact)
    await do("reportProblems", id=contact, kind="COMPLAINT")
