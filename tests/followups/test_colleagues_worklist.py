"""The worklist of a colleague: who may look at it, and what of it they are told."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from kedang_tenants.followups.worklist import count_worklist, may_look_at, read_worklist
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

MONDAY = date(2026, 3, 2)
pytestmark = pytest.mark.requirement("F12", "A11")


@pytest.fixture
async def firm(shop):
    """Nancy is Steven's in Sales; Janet is in no department."""
    sales = await shop.create("department", name="Sales")
    shop.nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE", "SERVICE_AGENT", department_id=sales)
    shop.steven = await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=sales)
    shop.janet = await shop.hire("Janet Leverling", "REPRESENTATIVE")
    return shop


async def queue(shop, looking, of, *, limit=50, after=None):
    """The page of a colleague's queue, and how much it is in all; None where they may not look at it."""
    viewer = await shop.as_member(looking)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        if not await may_look_at(read, viewer, of):
            return None
        page = await read_worklist(
            read, viewer, of=of, limit=limit, after=after, language="en", clock=shop.clock
        )
        return page, await count_worklist(read, viewer, of=of, clock=shop.clock)


async def customer(shop, name, owner):
    return await shop.create("customer", name=name, owner_id=owner)


async def plan(shop, customer_id, owner, days=0):
    return await shop.create(
        "follow_up_plan", customer_id=customer_id, owner_id=owner, due_on=MONDAY - timedelta(days=days)
    )


async def test_a_manager_looks_at_the_queues_of_their_people_and_others_at_none(firm):
    made = await plan(firm, await customer(firm, "Ernst Handel", firm.nancy), firm.nancy)
    await plan(firm, await customer(firm, "Alfreds", firm.janet), firm.janet)
    await firm.update("member", firm.nancy, contacts_per_day=7)
    page, count = await queue(firm, firm.steven, firm.nancy)
    assert ([line.record_id for line in page.lines], page.capacity, count) == ([made], 7, 1)
    general = await firm.hire("Anne Dodsworth", "GENERAL_MANAGER")
    assert len((await queue(firm, general, firm.janet))[0].lines) == 1
    finance = await firm.hire("Paul Ledger", "FINANCE")
    away = await firm.hire("Away", "REPRESENTATIVE", state="SUSPENDED")
    left = await plan(firm, await customer(firm, "Blauer See", away), away)
    page, _ = await queue(firm, general, away)
    assert [line.record_id for line in page.lines] == [left]
    for looking, of in (
        (firm.steven, firm.janet),  # of no department of theirs
        (firm.nancy, firm.steven),
        (firm.janet, firm.nancy),
        (finance, firm.nancy),
        (general, uuid4()),
    ):
        assert await queue(firm, looking, of) is None
    own, count = await queue(firm, firm.nancy, firm.nancy)
    assert ([line.record_id for line in own.lines], count) == ([made], 1)


async def test_a_colleague_is_told_of_no_line_whose_record_they_may_not_read(firm):
    alfreds = await customer(firm, "Alfreds", firm.nancy)
    own = await plan(firm, alfreds, firm.nancy)
    meeting = await firm.create(
        "meeting",
        internally=True,
        subject="Prices",
        customer_id=await customer(firm, "Blauer See", firm.janet),
        organiser_id=firm.janet,
        starts_at=datetime(2026, 2, 20, 9, tzinfo=UTC),
        ends_at=datetime(2026, 2, 20, 10, tzinfo=UTC),
    )
    report = await firm.create(
        "daily_report", internally=True, member_id=firm.nancy, day=MONDAY - timedelta(days=1)
    )
    async with firm.databases.tenant_write(firm.company.ref) as write:
        await write.fetch(
            "UPDATE meeting SET minutes_state = 'RETURNED', minutes_by_id = $2, minutes_due_on = $3 WHERE id = $1",
            meeting,
            firm.nancy,
            MONDAY - timedelta(days=5),
        )
    whole, count = await queue(firm, firm.nancy, firm.nancy)
    assert ({line.record_id for line in whole.lines}, count) == ({own, meeting, report}, 3)
    # The meeting, and the customer, are of somebody in no department of the manager's.
    seen, count = await queue(firm, firm.steven, firm.nancy)
    assert ([line.record_id for line in seen.lines], count) == ([report, own], 2)
    assert [line.place for line in seen.lines] == [1, 2]
    onlooker = await firm.hire("Onlooker", "VIEW_ONLY", seat="VIEW_ONLY")
    seen, count = await queue(firm, onlooker, firm.nancy)  # of daily reports nothing is for their eyes
    assert ({line.record_id for line in seen.lines}, count) == ({meeting, own}, 2)


async def test_what_is_opened_to_the_member_alone_stays_with_them(firm):
    secret, other = [await customer(firm, name, firm.nancy) for name in ("Secret", "Open")]
    hidden, late = await plan(firm, secret, firm.nancy, days=9), await plan(firm, other, firm.nancy, days=2)
    today = await plan(firm, other, firm.nancy)
    async with firm.databases.tenant_write(firm.company.ref) as write:
        await write.fetch("UPDATE customer SET restricted = true WHERE id = $1", secret)
    await firm.create(
        "archive_grant",
        internally=True,
        customer_id=secret,
        member_id=firm.nancy,
        reason="Her customer",
        until=firm.clock.now() + timedelta(days=9999),
        state="GRANTED",
    )
    own, count = await queue(firm, firm.nancy, firm.nancy)
    assert ([line.record_id for line in own.lines], count) == ([hidden, late, today], 3)
    first, count = await queue(firm, firm.steven, firm.nancy, limit=1)
    assert ([line.record_id for line in first.lines], first.has_next, count) == ([late], True, 2)
    rest, _ = await queue(firm, firm.steven, firm.nancy, limit=1, after=first.lines[-1].cursor)
    assert [(line.place, line.record_id) for line in rest.lines] == [(2, today)]
    assert rest.has_next is False


MEMBER_WORKLIST = """
query ($of: ID!) { memberWorklist(memberId: $of) {
  totalCount nodes { place __typename record { id ... on FollowUpPlan { dueOn } } customer { name } }
} }"""


@pytest.mark.requirement("I1")
async def test_the_worklist_of_a_colleague_over_http(gateway, company):
    databases, key = gateway.services.databases, gateway.services.identity.key
    nancy = await make_member(databases, company, "REPRESENTATIVE")
    anne = await make_member(databases, company, "GENERAL_MANAGER")
    factory = Factory(databases, company)
    ernst = await factory.one("customer", name="Ernst Handel", owner_id=nancy.id)
    late = datetime.now(UTC).date() - timedelta(days=30)
    made = await factory.one("follow_up_plan", customer_id=ernst, owner_id=nancy.id, due_on=late)
    manager = gateway.client(await make_key(databases, anne, key=key))
    found = await manager(MEMBER_WORKLIST, {"of": f"mem_{nancy.id.hex}"})
    assert found.data["memberWorklist"] == {
        "totalCount": 1,
        "nodes": [
            {
                "place": 1,
                "__typename": "WorklistLine",
                "record": {"id": f"fpl_{made.hex}", "dueOn": late.isoformat()},
                "customer": {"name": "Ernst Handel"},
            }
        ],
    }
    seller = gateway.client(await make_key(databases, nancy, key=key))
    for client, of in (
        (seller, f"mem_{anne.id.hex}"),
        (manager, f"mem_{uuid4().hex}"),
        (manager, f"cus_{ernst.hex}"),
        (manager, "nobody"),
    ):
        answer = await client(MEMBER_WORKLIST, {"of": of})
        assert (answer.data, answer.codes) == ({"memberWorklist": None}, [])
