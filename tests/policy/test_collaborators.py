"""A customer shared with somebody until an instant counts as their own till then, and not a moment longer (A11)."""

from datetime import UTC, datetime, timedelta

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.changing import Change, change
from kedang_tenants.customers.collaborating import (
    AlreadyOwner,
    EndOutOfRange,
    add_collaborator,
    remove_collaborator,
)
from kedang_tenants.reading import Lookup, Select, read_lookup

MOMENT = timedelta(microseconds=1)


async def note_of(firm, name, customer):
    """What a member reads of a customer beyond its name: its note, None where it is not seen or masked."""
    async with firm.databases.tenant_read(firm.company.ref) as read:
        found = await read_lookup(
            read, await firm.viewer(name), Lookup("customer", (customer,), Select(("note",)))
        )
    return [row[found.layout.fields["note"]] for row in found.page.rows]


async def rename(firm, name, customer):
    viewer = await firm.viewer(name)
    async with firm.databases.tenant_write(firm.company.ref) as write:
        renamed = Change("customer", "update", customer, values={"note": "changed"})
        await change(write, viewer, [renamed], clock=firm.clock)


@pytest.fixture
async def customer(firm):
    return await firm.factory.one(
        "customer", name="Alfreds", note="secret", owner_id=firm.people["seller"].id
    )


async def share(firm, customer, role="READ", by="seller", to="colleague", **until):
    return await firm.do(
        add_collaborator,
        by,
        customer_id=customer,
        member_id=firm.people[to].id,
        role=role,
        until=firm.later(**(until or {"days": 1})),
    )


@pytest.mark.requirement("A11")
async def test_a_shared_customer_is_read_until_its_end_at_the_instant(firm, customer):
    assert await note_of(firm, "colleague", customer) == []
    await share(firm, customer)
    assert await note_of(firm, "colleague", customer) == ["secret"]
    with pytest.raises(Refused) as refused:
        await rename(firm, "colleague", customer)
    assert [e.code for e in refused.value.errors] == ["FORBIDDEN"]
    firm.clock.move(timedelta(days=1) - MOMENT)
    assert await note_of(firm, "colleague", customer) == ["secret"]
    firm.clock.move(MOMENT)
    assert await note_of(firm, "colleague", customer) == []
    assert await firm.value("SELECT note FROM customer WHERE id = $1", customer) == "secret"


async def test_who_may_write_changes_the_customer_and_what_lies_below(firm, customer):
    await share(firm, customer, "WRITE")
    await rename(firm, "colleague", customer)
    assert await firm.value("SELECT note FROM customer WHERE id = $1", customer) == "changed"
    viewer = await firm.viewer("colleague")
    async with firm.databases.tenant_write(firm.company.ref) as write:
        below = Change("contact", "create", values={"customer_id": customer, "name": "Maria Anders"})
        await change(write, viewer, [below], clock=firm.clock)
    firm.clock.move(timedelta(days=1))
    with pytest.raises(Refused):
        await rename(firm, "colleague", customer)


async def test_asking_again_changes_role_and_end_and_removing_ends_it_at_once(firm, customer):
    first = await share(firm, customer)
    assert await share(firm, customer, "WRITE", days=2) == first
    await rename(firm, "colleague", customer)
    firm.clock.move(timedelta(days=1, hours=1))
    assert await note_of(firm, "colleague", customer) == ["changed"]
    await firm.do(remove_collaborator, "seller", collaborator_id=first)
    assert await note_of(firm, "colleague", customer) == []
    actions = await firm.value(
        "SELECT array_agg(action ORDER BY sequence) FROM audit WHERE record_id = $1", first
    )
    assert actions == [
        "customer_collaborator.created",
        "customer_collaborator.updated",
        "customer_collaborator.archived",
    ]


@pytest.mark.requirement("A11")
async def test_nobody_passes_on_what_they_were_lent(firm, customer):
    await firm.hire("third", "REPRESENTATIVE", unit="south")
    made = await share(firm, customer, "WRITE")
    with pytest.raises(Forbidden):
        await share(firm, customer, "READ", by="colleague", to="third", days=30)
    with pytest.raises(Forbidden):
        await share(firm, customer, "WRITE", by="colleague", to="colleague", days=30)
    assert await firm.value("SELECT count(*) FROM customer_collaborator") == 1
    # A collaborator may leave.
    await firm.do(remove_collaborator, "colleague", collaborator_id=made)
    assert await note_of(firm, "colleague", customer) == []


async def test_what_cannot_be_shared_is_refused_and_nothing_is_written(firm, customer):
    with pytest.raises(NotFound):  # not theirs to see
        await share(firm, customer, by="colleague", to="seller")
    with pytest.raises(AlreadyOwner):
        await share(firm, customer, to="seller", by="owner")
    with pytest.raises(EndOutOfRange):
        await share(firm, customer, days=0)
    with pytest.raises(EndOutOfRange):
        await share(firm, customer, days=1099)
    gone = await firm.hire("gone", "REPRESENTATIVE")
    async with firm.databases.tenant_write(firm.company.ref) as write:
        await write.fetch("UPDATE member SET state = 'SUSPENDED' WHERE id = $1", gone.id)
    with pytest.raises(NotFound):
        await share(firm, customer, to="gone")
    with pytest.raises(Forbidden):  # may only look
        await share(firm, customer, by="looker")
    assert await firm.value("SELECT count(*) FROM customer_collaborator") == 0


ADD = """mutation ($customer: ID!, $member: ID!, $until: DateTime!) {
  addCollaborator(input: {customerId: $customer, memberId: $member, role: READ, until: $until}) {
    record { id role member { name } customer { name collaborators { nodes { role } } } } userErrors { code path }
  }
}"""
SEEN = "query ($id: ID!) { customer(id: $id) { name note } }"


@pytest.mark.requirement("A11")
async def test_over_http_it_holds_with_the_next_request(firm, customer):
    public = f"cus_{customer.hex}"
    seller, colleague = await firm.client("seller"), await firm.client("colleague")
    assert (await colleague(SEEN, {"id": public})).data["customer"] is None
    given = {
        "customer": public,
        "member": f"mem_{firm.people['colleague'].id.hex}",
        "until": "2099-01-01T00:00:00Z",
    }
    answer = await seller(ADD, given)
    assert answer.data["addCollaborator"] == {
        "record": None,
        "userErrors": [{"code": "END_OUT_OF_RANGE", "path": ["input", "until"]}],
    }

    given["until"] = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    answer = await seller(ADD, given)
    assert answer.data["addCollaborator"]["userErrors"] == []
    record = answer.data["addCollaborator"]["record"]
    assert (record["role"], record["member"]["name"]) == ("READ", "colleague")
    assert record["customer"] == {"name": "Alfreds", "collaborators": {"nodes": [{"role": "READ"}]}}
    assert (await colleague(SEEN, {"id": public})).data["customer"] == {"name": "Alfreds", "note": "secret"}
    remove = "mutation ($id: ID!) { removeCollaborator(input: {id: $id}) { userErrors { code } } }"
    assert (await seller(remove, {"id": record["id"]})).data["removeCollaborator"]["userErrors"] == []
    assert (await colleague(SEEN, {"id": public})).data["customer"] is None
