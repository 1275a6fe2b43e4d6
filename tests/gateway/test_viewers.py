"""Rights are those of this moment: a change made here is obeyed by the very next request."""

import pytest

from kedang_graphql.engine import viewers
from kedang_graphql.engine.viewers import Viewers
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

LIST = "{ customers { nodes { name } } }"
pytestmark = pytest.mark.requirement("A11", "T2")


async def names(ask) -> list[str]:
    return [node["name"] for node in (await ask(LIST)).data["customers"]["nodes"]]


async def test_whoever_moves_to_another_department_sees_that_department_at_once(gateway, company):
    databases = gateway.services.databases
    factory = Factory(databases, company)
    here, there = await factory.many("department", [{"name": "Here"}, {"name": "There"}])
    boss = await make_member(databases, company, "OWNER")
    manager = await make_member(databases, company, "DEPARTMENT_MANAGER", department_id=here)
    for unit, name in ((here, "A"), (there, "B")):
        owner = await make_member(databases, company, department_id=unit)
        await factory.one("customer", name=name, owner_id=owner.id)
    key = gateway.services.identity.key
    asks = gateway.client(await make_key(databases, manager, key=key))
    office = gateway.client(await make_key(databases, boss, key=key))
    assert await names(asks) == ["A"]
    move = "mutation ($i: UpdateMemberInput!) { updateMember(input: $i) { userErrors { code } } }"
    given = {"id": f"mem_{manager.id.hex}", "departmentId": f"dep_{there.hex}"}
    assert (await office(move, {"i": given})).data["updateMember"]["userErrors"] == []
    assert await names(asks) == ["B"]
    below = "mutation ($i: UpdateDepartmentInput!) { updateDepartment(input: $i) { userErrors { code } } }"
    given = {"id": f"dep_{here.hex}", "parentId": f"dep_{there.hex}"}
    assert (await office(below, {"i": given})).data["updateDepartment"]["userErrors"] == []
    assert await names(asks) == ["A", "B"]


async def test_whoever_leaves_is_let_in_no_more(gateway, company):
    databases = gateway.services.databases
    member = await make_member(databases, company, "OWNER")
    ask = gateway.client(await make_key(databases, member, key=gateway.services.identity.key))
    assert await names(ask) == []
    factory = Factory(databases, company)
    await factory.update("member", member.id, state="SUSPENDED")
    gateway.services.viewers.forget()
    answer = await ask(LIST)
    assert (answer.http.status_code, answer.codes) == (401, ["UNAUTHENTICATED"])


async def test_whoever_asks_no_more_is_not_held_in_memory(gateway, company, monkeypatch):
    databases = gateway.services.databases
    credentials = gateway.services.identity.credentials
    people = [await make_member(databases, company, "OWNER") for _ in range(4)]
    keys = [await make_key(databases, member, key=gateway.services.identity.key) for member in people]
    first, second, third, fourth = [await credentials.identify(bearer=key, cookie=None) for key in keys]
    now = 1000.0
    monkeypatch.setattr(viewers.time, "monotonic", lambda: now)
    known = Viewers(databases)
    again = await known.of(first)
    await known.of(second)
    now += 3
    await known.of(third)
    assert await known.of(first) is again
    assert known.remembered == 3
    now += 3
    await known.of(fourth)
    assert known.remembered == 2, "the first two had their time"
    monkeypatch.setattr(viewers, "_MOST", 2)
    await known.of(first)
    assert known.remembered == 2, "there are never more than the most"
