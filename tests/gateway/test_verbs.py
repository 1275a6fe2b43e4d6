"""The generic mutations over HTTP: update, archive and restore by version; times beyond the calendar."""

import pytest

from kedang_graphql.engine.verbs import batch_name
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.policy import DEFAULT_POLICY
from kedang_tenants.reading import Scope
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

CREATE = "mutation ($input: CreateCustomerInput!) { createCustomer(input: $input) { record { id version } } }"
UPDATE = """
mutation ($input: UpdateCustomerInput!) {
  updateCustomer(input: $input) { record { name city version } userErrors { path code } }
}"""
PUT_AWAY = """
mutation ($input: RecordInput!) {
  archiveCustomer(input: $input) { record { version archivedAt } userErrors { path code } }
}"""
BRING_BACK = """
mutation ($input: RecordInput!) {
  restoreCustomer(input: $input) { record { version archivedAt } userErrors { path code } }
}"""
RECORD = """
mutation ($input: CreateFollowUpRecordInput!) {
  createFollowUpRecord(input: $input) { record { at } userErrors { path code } }
}"""
READ = "query ($id: ID!) { customer(id: $id) { name city version } }"


async def _asking(gateway, company, role):
    member = await make_member(gateway.services.databases, company, role)
    key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    return gateway.client(key)


@pytest.mark.parametrize("role", ["OWNER", "REPRESENTATIVE"])
async def test_a_record_is_updated_at_the_version_that_was_read(gateway, company, role):
    ask = await _asking(gateway, company, role)
    made = (await ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]["record"]

    input_ = {"id": made["id"], "version": made["version"], "city": "Berlin"}
    answer = await ask(UPDATE, {"input": input_})
    assert answer.data["updateCustomer"] == {
        "record": {"name": "Alfreds", "city": "Berlin", "version": 2},
        "userErrors": [],
    }

    late = await ask(UPDATE, {"input": {**input_, "city": "Bonn"}})
    assert late.data["updateCustomer"] == {
        "record": None,
        "userErrors": [{"path": ["input", "version"], "code": "VERSION_CONFLICT"}],
    }
    assert (await ask(READ, {"id": made["id"]})).data["customer"] == {
        "name": "Alfreds",
        "city": "Berlin",
        "version": 2,
    }


async def test_a_record_is_put_away_and_brought_back_by_its_version(gateway, company):
    ask = await _asking(gateway, company, "OWNER")
    made = (await ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]["record"]

    away = (await ask(PUT_AWAY, {"input": made})).data["archiveCustomer"]
    assert (away["record"]["version"], away["userErrors"]) == (2, [])
    assert away["record"]["archivedAt"] is not None
    late = (await ask(BRING_BACK, {"input": made})).data["restoreCustomer"]
    assert late["userErrors"] == [{"path": ["input", "version"], "code": "VERSION_CONFLICT"}]
    back = (await ask(BRING_BACK, {"input": {"id": made["id"], "version": 2}})).data["restoreCustomer"]
    assert back == {"record": {"version": 3, "archivedAt": None}, "userErrors": []}


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-12:00"])
async def test_a_time_that_no_zone_can_hold_is_refused(gateway, company, at):
    ask = await _asking(gateway, company, "OWNER")
    made = (await ask(CREATE, {"input": {"name": "Alfreds"}})).data["createCustomer"]["record"]

    record = {"customerId": made["id"], "way": "CALL", "at": at}
    assert (await ask(RECORD, {"input": record})).data["createFollowUpRecord"] == {
        "record": None,
        "userErrors": [{"path": ["input", "at"], "code": "INVALID_INSTANT"}],
    }


# What is taken off a list is put on it anew (said where the record is described).
PUT_ON_ANEW = {
    "contact_consent",
    "classified_customer",
    "customer_tag",
    "mail_suppression",
    "mail_template",
    "report_recipient",
}
# What the owner of a company reads and others write (policy): finance its books, sellers their reports of the day.
OF_OTHERS = {"daily_report_card", "invoice", "payment"}


@pytest.mark.requirement("I1")
async def test_every_record_that_can_be_put_away_can_be_brought_back(gateway, company):
    ask = await _asking(gateway, company, "OWNER")
    factory = Factory(gateway.services.databases, company)
    verbs = build_gateway().core.mutation_type.fields
    brought_back, of_others = set(), set()
    for record in catalogue():
        for action in record.actions:
            assert {f"{action}{record.api_name}", batch_name(action, record)} <= verbs.keys()
        if "archive" not in record.actions:
            continue
        assert ("restore" in record.actions) is (record.name not in PUT_ON_ANEW), record.name
        if DEFAULT_POLICY["OWNER"][record.name].archive is Scope.NONE:
            of_others.add(record.name)
            continue
        which = f"{record.prefix}_{(await factory.one(record.name)).hex}"
        assert await _done(ask, f"archive{record.api_name}", which) is not None
        if "restore" in record.actions:
            assert await _done(ask, f"restore{record.api_name}", which) is None
            brought_back.add(record.name)
    assert len(brought_back) >= 20
    assert of_others == OF_OTHERS


async def _done(ask, verb: str, which: str) -> str | None:
    """When the record was put away, as its payload tells."""
    query = f"mutation ($id: ID!) {{ it: {verb}(input: {{id: $id}}) {{ record {{ archivedAt }} userErrors {{ path code }} }} }}"
    told = (await ask(query, {"id": which})).data["it"]
    assert told["userErrors"] == [], verb
    return told["record"]["archivedAt"]
