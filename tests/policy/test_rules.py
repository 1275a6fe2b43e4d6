"""Access rules in force decide what is seen; roles of the company; the matrix, the preview, and why not (A11, T8)."""

from dataclasses import replace
from uuid import UUID

import pytest

from kedang_platform.errors import Forbidden, Refused
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.access_matrix import access_matrix, preview_access_rules
from kedang_tenants.people.giving_roles import RoleUnknown, roles_to_give
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Listing, Page, Scope, Select
from kedang_tenants.reading.planner import plan_listing
from kedang_tenants.rules.drafting import draft_rule
from kedang_tenants.rules.life import establish, repeal
from tests.policy.conftest import Firm

KEY = {"base": "REPRESENTATIVE", "label": {"en": "Key accounts", "zh": "大客户经理"}}


async def enforce(firm: Firm, roles: dict) -> UUID:
    """Put rules in force; whoever is asked next sees by them."""
    async with firm.databases.tenant_write(firm.company.ref) as write:
        viewer = await system_viewer(write, company=firm.company)
        made = await establish(write, viewer, kind="access", content={"roles": roles}, clock=firm.clock)
    firm.gateway.services.viewers.forget()
    return made


def said(**records) -> dict:
    return {"records": records}


COUNT = "{ customers { totalCount nodes { name note } } }"


@pytest.mark.requirement("A11", "T8")
async def test_rules_in_force_decide_with_the_next_request(firm):
    await firm.factory.one("customer", name="Alfreds", note="x", owner_id=firm.people["seller"].id)
    colleague = await firm.client("colleague")
    assert (await colleague(COUNT)).data["customers"] == {"totalCount": 0, "nodes": []}
    await enforce(firm, {"REPRESENTATIVE": said(customer={"names": "ALL"})})
    answer = await colleague(COUNT)
    assert answer.data["customers"] == {"totalCount": 1, "nodes": [{"name": "Alfreds", "note": None}]}
    assert "customers.nodes.*.note" in answer.masked
    second = await enforce(firm, {"REPRESENTATIVE": said(customer={"names": "ALL", "read": "ALL"})})
    answer = await colleague(COUNT)
    assert (answer.data["customers"]["nodes"], answer.masked) == ([{"name": "Alfreds", "note": "x"}], [])
    async with firm.databases.tenant_write(firm.company.ref) as write:
        viewer = await system_viewer(write, company=firm.company)
        await repeal(write, viewer, version_id=second, remark=None, clock=firm.clock)
    firm.gateway.services.viewers.forget()
    assert (await colleague(COUNT)).data["customers"] == {"totalCount": 0, "nodes": []}


@pytest.mark.requirement("A11")
async def test_scopes_between_ones_own_and_everything(firm):
    people = {"here": ("mate", "north"), "below": ("junior", "north east"), "there": ("colleague", "south")}
    for name, unit in people.values():
        if name not in firm.people:
            await firm.hire(name, "REPRESENTATIVE", unit=unit)
        await firm.factory.one("customer", name=name, owner_id=firm.people[name].id)
    await firm.factory.one("customer", name="seller", owner_id=firm.people["seller"].id)
    seller = await firm.client("seller")
    south = f"dep_{firm.units['south'].hex}"
    reached = {
        "OWN": ["seller"],
        "DEPARTMENT_ONLY": ["mate", "seller"],
        "DEPARTMENT": ["junior", "mate", "seller"],
        "CHOSEN": ["colleague", "junior", "mate", "seller"],
    }
    for scope, names in reached.items():
        rights = {"names": scope, "read": scope}
        role = {**said(customer=rights), "departments": [south] if scope == "CHOSEN" else []}
        await enforce(firm, {"REPRESENTATIVE": role})
        nodes = (await seller(COUNT)).data["customers"]["nodes"]
        assert sorted(node["name"] for node in nodes) == names, scope


async def test_roles_of_the_company_are_given_and_kept_while_somebody_has_them(firm):
    made = await enforce(firm, {"KEY": {**KEY, **said(customer={"names": "ALL", "read": "ALL"})}})
    owner = await firm.viewer("owner")
    given = await roles_to_give(firm.databases, owner, roles=["FINANCE"], own_roles=["KEY"])
    assert (given.default, given.own) == (("FINANCE",), ("KEY",))
    with pytest.raises(RoleUnknown):
        await roles_to_give(firm.databases, owner, roles=[], own_roles=["OTHER"])
    with pytest.raises(RoleUnknown):
        await roles_to_give(firm.databases, owner, roles=[], own_roles=[])
    await firm.hire("key", "KEY", unit="south")
    viewer = await firm.viewer("key")
    assert viewer.roles == {"KEY", "REPRESENTATIVE"}
    assert viewer.on("customer").read is Scope.ALL
    # Nobody gives more than they have: who lost what the role may do cannot give it.
    poorer = replace(owner, roles=frozenset({"ADMIN"}), access=(await firm.viewer("seller")).access)
    with pytest.raises(Forbidden):
        await roles_to_give(firm.databases, poorer, roles=None, own_roles=["KEY"])
    async with firm.databases.tenant_write(firm.company.ref) as write:
        product = await system_viewer(write, company=firm.company)
        with pytest.raises(Refused) as refused:
            await repeal(write, product, version_id=made, remark=None, clock=firm.clock)
    assert [e.code for e in refused.value.errors] == ["ROLE_IN_USE"]
    assert (await firm.viewer("key")).on("customer").read is Scope.ALL
    with pytest.raises(Refused) as refused:
        await firm.do(draft_rule, "owner", kind="access", content={"roles": {}})
    assert [(e.code, e.path) for e in refused.value.errors] == [
        ("ROLE_IN_USE", ("input", "content", "roles", "KEY"))
    ]


async def test_who_drafts_gives_no_more_than_they_have(firm):
    await firm.hire("manager", "DEPARTMENT_MANAGER", unit="north")
    content = {"roles": {"REPRESENTATIVE": said(customer={"read": "ALL", "names": "ALL"})}}
    with pytest.raises(Refused) as refused:
        await firm.do(draft_rule, "manager", kind="access", content=content)
    assert {(e.code, e.path[-1]) for e in refused.value.errors} == {
        ("BEYOND_YOUR_OWN", "read"),
        ("BEYOND_YOUR_OWN", "names"),
    }
    assert await firm.value("SELECT count(*) FROM rule_version") == 0
    await firm.do(draft_rule, "owner", kind="access", content=content)
    with pytest.raises(Forbidden):
        await firm.do(draft_rule, "seller", kind="access", content=content)


MATRIX = """query ($roles: [String!]) { accessMatrix(roles: $roles, records: ["customer"]) {
  version roles { code label base cells { record recordLabel right scope default changed } }
} }"""


@pytest.mark.requirement("A11")
async def test_the_matrix_tells_every_right_and_what_was_changed(firm):
    seller = await firm.client("seller", "zh-CN")
    async with firm.databases.tenant_read(firm.company.ref) as read:
        matrix = await access_matrix(read, await firm.viewer("looker"))
    assert (matrix.version, len(matrix.roles)) == (None, 11)
    assert not any(cell.scope is not cell.default for role in matrix.roles for cell in role.cells)
    await enforce(firm, {"KEY": {**KEY, **said(customer={"read": "DEPARTMENT"})}})
    told = (await seller(MATRIX, {"roles": ["KEY"]})).data["accessMatrix"]
    assert told["version"] == 1
    (role,) = told["roles"]
    assert (role["code"], role["label"], role["base"]) == ("KEY", "大客户经理", "REPRESENTATIVE")
    changed = [cell for cell in role["cells"] if cell["changed"]]
    assert [(c["right"], c["scope"], c["default"]) for c in changed] == [("READ", "DEPARTMENT", "OWN")]


async def test_the_preview_tells_who_would_gain_and_lose_what(firm):
    content = {"roles": {"REPRESENTATIVE": said(customer={"read": "NONE", "create": "ALL"})}}
    async with firm.databases.tenant_read(firm.company.ref) as read:
        found = await preview_access_rules(read, await firm.viewer("owner"), content)
        told = {
            each.member_id: {(c.record, c.cell, c.before, c.after) for c in each.changes} for each in found
        }
        wanted = {
            ("customer", "read", Scope.OWN, Scope.NONE),
            ("customer", "create", Scope.OWN, Scope.ALL),
        }
        assert told == {firm.people[name].id: wanted for name in ("seller", "colleague")}
        with pytest.raises(Forbidden):
            await preview_access_rules(read, await firm.viewer("looker"), content)
        bad = {"roles": {"OWNER": said(customer={"read": "NONE"})}}
        with pytest.raises(Refused):
            await preview_access_rules(read, await firm.viewer("owner"), bad)
    assert await firm.value("SELECT count(*) FROM rule_version") == 0


# Why not

WHY = """query ($id: ID!, $action: AccessAction!, $field: String, $member: ID) {
  whyNot(id: $id, action: $action, field: $field, memberId: $member) {
    allowed version reasons { code role scope field text }
  }
}"""


async def why(client, record: str, found: UUID, action: str, **more: str):
    public = f"{catalogue().record(record).prefix}_{found.hex}"
    answer = await client(WHY, {"id": public, "action": action, **more})
    assert not answer.errors, answer.body
    told = answer.data["whyNot"]
    return told["allowed"], [(r["code"], r["role"], r["scope"]) for r in told["reasons"]], told


@pytest.mark.requirement("A11")
async def test_why_somebody_can_or_cannot_is_named(firm):
    own = await firm.factory.one("customer", name="Own", owner_id=firm.people["seller"].id)
    seller, owner = await firm.client("seller"), await firm.client("owner")
    role = ("ROLE", "REPRESENTATIVE")
    assert (await why(seller, "customer", own, "UPDATE"))[:2] == (True, [(*role, "OWN")])
    assert (await why(seller, "customer", own, "EXPORT"))[:2] == (
        False,
        [("NO_RIGHT", None, None), (*role, "NONE")],
    )
    allowed, reasons, told = await why(seller, "customer", own, "READ", field="phone")
    assert (allowed, reasons) == (True, [(*role, "OWN")])
    assert told["reasons"][0]["text"] == (
        "The role “Sales representative” has this right on Customers for what is one's own or shared, by the default rules."
    )
    assert (await why(seller, "customer", own, "UPDATE", field="restricted"))[1][0] == (
        "READ_ONLY",
        None,
        None,
    )
    # For somebody else: their scope, the missing seat, the restriction.
    await firm.hire("seatless", "REPRESENTATIVE", unit="south", seat="VIEW_ONLY")
    theirs = await firm.factory.one("customer", name="Theirs", owner_id=firm.people["seatless"].id)
    member = f"mem_{firm.people['seatless'].id.hex}"
    assert (await why(owner, "customer", theirs, "UPDATE", member=member))[1][0] == (
        "SEAT_MISSING",
        None,
        None,
    )
    assert (await why(owner, "customer", own, "SEE", member=member))[1][0] == (
        "OUT_OF_SCOPE",
        None,
        "DEPARTMENT",
    )
    async with firm.databases.tenant_write(firm.company.ref) as write:
        product = await system_viewer(write, company=firm.company)
        closed = Change("customer", "update", theirs, values={"restricted": True})
        await change_internally(write, product, [closed], clock=firm.clock)
    assert (await why(owner, "customer", theirs, "SEE", member=member))[1][0] == ("RESTRICTED", None, None)
    # The version of the rules is named, in the asker's language.
    await enforce(firm, {"REPRESENTATIVE": said(customer={"export": "OWN"})})
    allowed, reasons, told = await why(seller, "customer", own, "EXPORT")
    assert (allowed, reasons, told["version"]) == (True, [(*role, "OWN")], 1)
    assert told["reasons"][0]["text"].endswith("by version 1 of the access rules.")


@pytest.mark.requirement("A11")
async def test_of_what_is_not_seen_it_says_what_it_says_of_nothing(firm):
    theirs = await firm.factory.one("customer", name="Theirs", owner_id=firm.people["colleague"].id)
    closed = await firm.factory.one(
        "customer", name="Closed", owner_id=firm.people["seller"].id, restricted=True
    )
    seller = await firm.client("seller")
    for action in ("SEE", "READ", "UPDATE", "ARCHIVE", "EXPORT"):
        nothing = await why(seller, "customer", UUID(int=5), action)
        assert nothing[0] is False
        assert nothing[1][0] == ("NOT_VISIBLE", None, None)
        assert await why(seller, "customer", theirs, action) == nothing
        assert await why(seller, "customer", closed, action) == nothing
    answer = await seller(
        WHY, {"id": f"cus_{theirs.hex}", "action": "SEE", "member": f"mem_{firm.people['owner'].id.hex}"}
    )
    assert answer.codes == ["FORBIDDEN"]


# What costs nothing where nobody uses it

_LIST = Listing("customer", Select(("name",)), Page(100))
_BELOW = Listing("contact", Select(("name",)), Page(10), relation="customer_id")


async def test_statements_of_who_shares_nothing_are_those_of_before(firm):
    """Word for word as they were: neither shares nor restrictions leave a trace in the statement of who has none."""
    viewer = await firm.viewer("seller")
    text = plan_listing(viewer, _LIST).sql
    assert text == (
        'SELECT t1.id AS c0, t1."name" AS c1 FROM "customer" t1  WHERE t1."owner_id" = ANY($1::uuid[]) AND t1.archived_at IS NULL'
        ' ORDER BY t1."name_sort" ASC, t1.id ASC LIMIT $2'
    )
    below = plan_listing(viewer, _BELOW, [UUID(int=1)]).sql
    assert ("EXISTS" in below, "restricted" in below) == (False, False)  # the parent is the proof
    shared = plan_listing(replace(viewer, shared=(UUID(int=2),), known_masks={}), _LIST).sql
    ours = 't1."owner_id" = ANY($1::uuid[])'
    assert shared == text.replace("$2", "$3").replace(ours, f"({ours} OR t1.id = ANY($2::uuid[]))")
    closed = plan_listing(replace(viewer, closed=True, known_masks={}), _LIST).sql
    assert closed == text.replace(
        " AND t1.archived_at", ' AND NOT (t1."restricted" IS TRUE) AND t1.archived_at'
    )
