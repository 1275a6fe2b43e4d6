"""What somebody inside of the company tries, to have more than they were given (A11, T2, T8)."""

from typing import Any
from uuid import UUID

import pytest

from kedang_platform.errors import Forbidden, Refused
from kedang_tenants.approvals.rule_versions import submit_rule
from kedang_tenants.changing import Change, change
from kedang_tenants.people.access_rules import ACTIONS, CLASSES
from kedang_tenants.people.giving_roles import roles_to_give
from kedang_tenants.people.policy import DEFAULT_POLICY, INBOX
from kedang_tenants.rules.drafting import draft_rule
from tests.policy.conftest import Firm
from tests.policy.test_collaborators import share
from tests.policy.test_restricted import grant, judge, restrict
from tests.policy.test_rules import enforce, said


async def set_owner(firm: Firm, by: str, customer: UUID, to: str | None) -> None:
    viewer = await firm.viewer(by)
    owner = firm.people[to].id if to else None
    async with firm.databases.tenant_write(firm.company.ref) as write:
        given = Change("customer", "update", customer, values={"owner_id": owner, "note": "mine"})
        await change(write, viewer, [given], clock=firm.clock)


@pytest.mark.requirement("A11")
async def test_who_was_lent_a_customer_gives_it_to_nobody_not_even_to_themselves(firm):
    seller = firm.people["seller"].id
    customer = await firm.factory.one("customer", name="Alfreds", note="as it was", owner_id=seller)
    await share(firm, customer, role="WRITE")
    for taker in ("colleague", "keeper", None):
        with pytest.raises(Refused) as refused:
            await set_owner(firm, "colleague", customer, taker)
        assert [(e.code, e.path) for e in refused.value.errors] == [("FORBIDDEN", ("input", "ownerId"))]
    held = await firm.value("SELECT (owner_id, note)::text FROM customer WHERE id = $1", customer)
    assert held == f'({seller},"as it was")'
    await set_owner(firm, "colleague", customer, "seller")  # whose it is already: the rest is changed
    assert await firm.value("SELECT note FROM customer WHERE id = $1", customer) == "mine"
    await set_owner(firm, "seller", customer, "colleague")  # whose it is gives it away
    await set_owner(firm, "colleague", customer, "seller")


NOTHING = {**dict.fromkeys(ACTIONS, "NONE"), "sensitive": dict.fromkeys(CLASSES, "NONE")}


def narrowed(base: str, *, keeping: str | None = None) -> dict[str, Any]:
    """A role of the company that has nothing of its base in any table, but for one kind of record."""
    records = set(DEFAULT_POLICY[base]) - {*INBOX, keeping}
    return {"base": base, "label": {"en": base}, **said(**dict.fromkeys(sorted(records), NOTHING))}


@pytest.mark.requirement("A11", "T2")
async def test_who_has_a_narrowed_role_gives_nobody_the_role_that_it_was_made_of(firm):
    await enforce(firm, {"PEOPLE": narrowed("ADMIN", keeping="member")})
    await firm.hire("clerk", "PEOPLE")
    clerk = await firm.viewer("clerk")
    assert clerk.roles == {"ADMIN", "PEOPLE"}
    for roles, member in ((["ADMIN"], "clerk"), (["ADMIN"], "seller"), (["FINANCE"], "seller")):
        with pytest.raises(Forbidden):
            await roles_to_give(
                firm.databases, clerk, roles=roles, own_roles=None, member_id=firm.people[member].id
            )
    given = await roles_to_give(firm.databases, clerk, roles=None, own_roles=["PEOPLE"])
    assert (given.default, given.own) == ((), ("PEOPLE",))


@pytest.mark.requirement("A11", "T2")
async def test_a_role_with_rights_by_its_name_is_not_given_by_who_has_none_of_them(firm):
    people = dict.fromkeys(ACTIONS, "ALL")
    clerk = {"base": "REPRESENTATIVE", "label": {"en": "People"}, **said(member=people)}
    await enforce(firm, {"CLERK": clerk, "SHELL": narrowed("FINANCE")})
    await firm.hire("clerk", "CLERK")
    await firm.hire("admin", "ADMIN")
    with pytest.raises(Forbidden):
        await roles_to_give(firm.databases, await firm.viewer("clerk"), roles=[], own_roles=["SHELL"])
    for giver in ("owner", "admin"):
        given = await roles_to_give(firm.databases, await firm.viewer(giver), roles=[], own_roles=["SHELL"])
        assert given.own == ("SHELL",)


@pytest.mark.requirement("T8", "T11")
async def test_the_general_manager_approves_what_reaches_further_than_they_do(firm):
    await firm.hire("manager", "GENERAL_MANAGER")
    content = {"roles": {"FINANCE": said(order={"update": "ALL"})}}
    with pytest.raises(Forbidden):
        await firm.do(draft_rule, "manager", kind="access", content=content)
    draft = await firm.do(draft_rule, "owner", kind="access", content=content)
    await firm.do(submit_rule, "owner", version_id=draft)
    await judge(firm, "APPROVE", by="manager")
    row = await firm.value(
        "SELECT state || (approved_by_id = $2)::text FROM rule_version WHERE id = $1",
        draft,
        firm.people["manager"].id,
    )
    assert row == "IN_FORCEtrue"


@pytest.mark.requirement("A11", "T8")
async def test_nobody_bases_a_role_that_others_have_on_one_that_can_do_more_by_its_name(firm):
    """Its table stays as it was, so that no preview would show it; yet administrators make keys and buy seats."""
    await firm.hire("manager", "DEPARTMENT_MANAGER", unit="north")
    key = {"base": "REPRESENTATIVE", "label": {"en": "Key"}}
    made = {"KEY": key, "BARE": narrowed("VIEW_ONLY")}
    await enforce(firm, made)
    await firm.hire("key", "KEY")
    for content in (
        {**made, "KEY": {**narrowed("ADMIN", keeping="tag")}},
        {**made, "BARE": narrowed("ADMIN")},
        {**made, "OTHER": narrowed("FINANCE")},
    ):
        with pytest.raises(Refused) as refused:
            await firm.do(draft_rule, "manager", kind="access", content={"roles": content})
        told = {(e.code, e.path[-2:]) for e in refused.value.errors if e.path[-1] == "base"}
        changed = next(code for code in content if content[code] != made.get(code))
        assert told == {("BEYOND_YOUR_OWN", (changed, "base"))}
    assert (await firm.viewer("key")).roles == {"KEY", "REPRESENTATIVE"}
    assert await firm.value("SELECT count(*) FROM rule_version WHERE state = 'DRAFT'") == 0
    own = {**made, "OTHER": narrowed("DEPARTMENT_MANAGER")}
    assert await firm.do(draft_rule, "manager", kind="access", content={"roles": own})


@pytest.mark.requirement("A11")
async def test_what_stays_open_does_not_name_what_was_closed(firm):
    """Neither as a value, nor as a key of groups, nor by filters: a subsidiary seems to have no parent."""
    seller = firm.people["seller"].id
    parent = await firm.factory.one("customer", name="Alfreds", owner_id=seller)
    for name, above in (("Child", parent), ("Other", None)):
        await firm.factory.one("customer", name=name, owner_id=seller, parent_id=above)
    public = f"cus_{parent.hex}"
    looks = (
        "{ customers { nodes { name parentId parent { name } } } }",
        "{ customerAggregates(groupBy: [PARENT_ID]) { groups { count key { parentId } } } }",
        f'{{ customers(where: {{parentId: {{eq: "{public}"}}}}) {{ totalCount }} }}',
        "{ customers(where: {parentId: {isNull: false}}) { totalCount } }",
    )
    client, keeper = await firm.client("seller"), await firm.client("keeper")
    before = [(await keeper(look)).data for look in looks]
    assert [(await client(look)).data for look in looks] == before
    assert public in str(before[0])
    await restrict(firm, parent)
    firm.gateway.services.viewers.forget()
    assert [(await client(look)).data for look in looks] == [
        {"customers": {"nodes": [{"name": n, "parentId": None, "parent": None} for n in ("Child", "Other")]}},
        {"customerAggregates": {"groups": [{"count": 2, "key": {"parentId": None}}]}},
        {"customers": {"totalCount": 0}},
        {"customers": {"totalCount": 0}},
    ]
    assert [(await keeper(look)).data for look in looks] == before
    await grant(firm, parent, days=1)
    viewer = await firm.viewer("seller")
    assert (viewer.closed, viewer.opened) == (True, (parent,))
