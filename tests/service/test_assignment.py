"""Who answers a request: by rule, by turn, and somebody who can."""

import pytest

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_tenants.changing import Change


async def owners(desk, count, **values):
    return [await desk.owner_name(await desk.open(**values)) for _ in range(count)]


@pytest.mark.requirement("S1")
async def test_requests_are_shared_out_by_turn_in_the_department_of_their_kind(desk):
    await desk.shop.create("service_assignment", kind="COMPLAINT", department_id=desk.service)
    names = []
    for _ in range(4):
        desk.later(minutes=1)
        names += await owners(desk, 1)
    assert names == ["Laura", "Michael", "Laura", "Michael"]
    assert {row["department_id"] for row in await desk.shop.fetch("SELECT * FROM service_request")} == {
        desk.service
    }
    assert await owners(desk, 1, kind="REPAIR") == ["Nancy"]  # no rule for repairs: the customer's owner


@pytest.mark.requirement("S1")
async def test_whoever_has_fewest_open_requests_is_next(desk):
    await desk.shop.create("service_assignment", department_id=desk.service)
    first = await desk.open()
    await desk.open(owner_id=desk.people["Michael"])
    await desk.open(owner_id=desk.people["Michael"])
    assert await desk.owner_name(first) == "Laura"
    assert await owners(desk, 1) == ["Laura"]
    await desk.do("close", first, result="Done.")
    assert await owners(desk, 2) == ["Laura", "Laura"]


@pytest.mark.requirement("S1")
async def test_many_at_once_are_shared_out_as_one_by_one(desk):
    await desk.shop.create("service_assignment", department_id=desk.service)
    rows = [{"customer_id": desk.customer, "kind": "WISH", "title": f"{n}"} for n in range(5)]
    made = await desk.shop.create_many("service_request", rows)
    assert [await desk.owner_name(request) for request in made] == [
        "Laura", "Michael", "Laura", "Michael", "Laura",
    ]  # fmt: skip
    numbers = [(await desk.row(request))["number"] for request in made]
    assert numbers == [f"SR-2026-{n:05d}" for n in range(1, 6)]


async def test_a_rule_of_its_own_goes_before_the_rule_for_every_kind(desk):
    await desk.shop.create("service_assignment", department_id=desk.service)
    await desk.shop.create(
        "service_assignment", kind="REPAIR", department_id=desk.service, member_id=desk.people["Michael"]
    )
    assert await owners(desk, 3, kind="REPAIR") == ["Michael"] * 3
    assert await owners(desk, 1, kind="WISH") == ["Laura"]


async def test_whoever_has_no_department_answers_for_that_of_the_rule(desk):
    """The colleague who is named belongs to no department yet: the head of the rule's sees the request all the same."""
    nancy = desk.people["Nancy"]
    await desk.shop.update("member", nancy, department_id=None)
    await desk.shop.create("service_assignment", kind="REPAIR", department_id=desk.service, member_id=nancy)
    row = await desk.row(await desk.open(kind="REPAIR"))
    assert (row["owner_id"], row["department_id"]) == (nancy, desk.service)


async def test_who_cannot_answer_is_passed_over_and_the_head_takes_what_is_left(desk):
    await desk.shop.create("service_assignment", department_id=desk.service)
    for name, values in (("Laura", {"state": "SUSPENDED"}), ("Michael", {"seat": "VIEW_ONLY"})):
        await desk.shop.change(change_of(desk.people[name], values), internally=True)
    assert await owners(desk, 2) == ["Steven", "Steven"]
    await desk.shop.change(change_of(desk.people["Steven"], {"state": "SUSPENDED"}), internally=True)
    request = await desk.open()
    assert await desk.owner_name(request) == "Nancy"
    assert (await desk.row(request))["department_id"] == desk.service


def change_of(member, values):
    return Change("member", "update", member, values=values)


async def test_nobody_at_all_leaves_a_request_without_an_owner(desk):
    alone = await desk.shop.create("customer", name="Nobody's")
    row = await desk.row(await desk.open(customer_id=alone))
    assert (row["owner_id"], row["department_id"], row["assigned_at"]) == (None, None, None)


@pytest.mark.requirement("S1", "T10")
async def test_the_new_owner_is_told_but_not_of_what_they_took_themselves(desk):
    request = await desk.open()
    laura = await desk.viewer("Laura")
    own = await desk.open(laura, owner_id=desk.people["Laura"])
    told = "SELECT member_id, about FROM notice WHERE kind = 'REQUEST_ASSIGNED' ORDER BY created_at"
    assert await desk.shop.fetch(told) == [{"member_id": desk.people["Nancy"], "about": f"srq_{request.hex}"}]
    await desk.do("assign", request, owner_id=desk.people["Laura"])
    await desk.do("assign", own, department_id=desk.service)
    assert [row["member_id"] for row in await desk.shop.fetch(told)] == [
        desk.people["Nancy"], desk.people["Laura"], desk.people["Michael"],
    ]  # fmt: skip
    row = await desk.row(request)
    assert (row["department_id"], row["state"]) == (desk.service, "NEW")


@pytest.mark.requirement("S1", "T3")
@pytest.mark.parametrize(
    ("roles", "values"),
    [
        (("SERVICE_AGENT",), {"seat": "VIEW_ONLY"}),
        (("SERVICE_AGENT",), {"state": "INVITED"}),
        (("FINANCE",), {}),
        (("GENERAL_MANAGER",), {}),
        ((), {}),
    ],
)
async def test_only_somebody_who_can_answer_is_made_responsible(desk, roles, values):
    request = await desk.open()
    before = await desk.row(request)
    helpless = await desk.shop.hire("Helpless", *roles, **values)
    with pytest.raises(Refused) as refused:
        await desk.do("assign", request, owner_id=helpless, department_id=desk.service)
    assert [(e.code, e.path) for e in refused.value.errors] == [
        ("CANNOT_BE_RESPONSIBLE", ("input", "ownerId"))
    ]
    with pytest.raises(Refused) as refused:
        await desk.open(owner_id=helpless)
    assert [e.code for e in refused.value.errors] == ["CANNOT_BE_RESPONSIBLE"]
    assert await desk.row(request) == before
    assert await desk.shop.value("SELECT count(*) FROM service_request") == 1


async def test_what_the_product_opens_goes_by_the_rules_where_its_owner_cannot_answer(desk):
    helpless = await desk.shop.hire("Helpless", "FINANCE")
    request = await desk.open(await desk.shop.product(), internally=True, owner_id=helpless)
    assert await desk.owner_name(request) == "Nancy"


@pytest.mark.requirement("A11")
async def test_who_may_not_change_a_request_does_not_assign_it(desk):
    request = await desk.open(owner_id=desk.people["Laura"])
    nancy = await desk.viewer("Nancy")
    margaret = await desk.shop.as_member(await desk.shop.hire("Margaret", "REPRESENTATIVE"))
    with pytest.raises(Forbidden):
        await desk.do("assign", request, nancy, owner_id=desk.people["Nancy"])
    with pytest.raises(NotFound):
        await desk.do("assign", request, margaret, owner_id=desk.people["Nancy"])
    assert await desk.owner_name(request) == "Laura"


async def test_owner_and_department_are_not_changed_as_plain_fields(desk):
    request = await desk.open()
    before = await desk.row(request)
    for values in (
        {"owner_id": desk.people["Laura"]},
        {"department_id": desk.service},
        {"state": "CLOSED"},
        {"number": "SR-1"},
        {"solution_due_at": desk.later(hours=1)},
        {"result": "x"},
    ):
        with pytest.raises(Refused) as refused:
            await desk.shop.update("service_request", request, **values)
        assert [error.code for error in refused.value.errors] == ["FORBIDDEN"]
    assert await desk.row(request) == before
