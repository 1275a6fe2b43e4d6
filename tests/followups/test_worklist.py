"""The worklist: one ranked queue over everything that is due, page by page."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from kedang_platform.errors import BadUserInput
from kedang_tenants.followups.plan_storing import show_plans
from kedang_tenants.followups.worklist import count_worklist, read_worklist
from kedang_tenants.reading import BadCursor
from tests.support.factories import Factory
from tests.support.members import make_key, make_member

MONDAY = date(2026, 3, 2)
MADE = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def nancy(shop):
    return await shop.as_member(await shop.hire("Nancy Davolio", "REPRESENTATIVE", "SERVICE_AGENT"))


async def page(shop, viewer, *, limit=50, after=None, language="en"):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await read_worklist(
            read, viewer, limit=limit, after=after, language=language, clock=shop.clock
        )


async def whole(shop, viewer, *, by):
    """The queue, read page by page."""
    lines, after = [], None
    while True:
        found = await page(shop, viewer, limit=by, after=after)
        lines += found.lines
        if not found.has_next:
            return lines
        after = found.lines[-1].cursor


async def customer(shop, viewer, name, *, rank=None, hot=False):
    """One of the viewer's, of a rank and hot or not, whatever rules there are."""
    made = await shop.create("customer", name=name, owner_id=viewer.member_id)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            "UPDATE customer SET grade_rank = $2, hot_since = $3 WHERE id = $1",
            made,
            rank,
            MONDAY if hot else None,
        )
    return made


async def plan(shop, viewer, customer_id, due_on, **values):
    given = {"customer_id": customer_id, "owner_id": viewer.member_id, "due_on": due_on} | values
    return await shop.create("follow_up_plan", **given)


@pytest.mark.requirement("F12")
async def test_hot_customers_come_first_then_lateness_times_grade_and_each_line_says_why(shop, nancy):
    ernst = await customer(shop, nancy, "Ernst Handel", rank=1)
    bottom = await customer(shop, nancy, "Bottom-Dollar", rank=4)
    alfreds = await customer(shop, nancy, "Alfreds", hot=True)
    await plan(shop, nancy, bottom, MONDAY - timedelta(days=3), purpose="Ask for the\nsigned contract")
    await plan(shop, nancy, ernst, MONDAY - timedelta(days=2))
    await plan(shop, nancy, alfreds, MONDAY)
    await plan(shop, nancy, ernst, MONDAY + timedelta(days=1))
    request = await shop.create(
        "service_request",
        internally=True,
        title="Pump leaks",
        customer_id=bottom,
        owner_id=nancy.member_id,
        kind="REPAIR",
        opened_at=MADE,
    )
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            "UPDATE service_request SET first_answer_due_at = $2 WHERE id = $1", request, shop.clock.now()
        )
    found = await page(shop, nancy)
    assert (found.day, found.capacity, found.has_next) == (MONDAY, None, False)
    told = [
        (line.place, line.what, line.rule, line.days_overdue, line.hot, line.points) for line in found.lines
    ]
    assert told == [
        (1, "follow-up", "Planned by hand", 0, True, 10),
        (2, "follow-up", "Planned by hand", 2, False, 3 * 10 * 5),
        (3, "follow-up: Ask for the signed contract", "Planned by hand", 3, False, 4 * 10 * 2),
        (
            4,
            "answer service request SR-2026-00001: Pump leaks",
            "Service standard: the first answer is due",
            0,
            False,
            1 * 30 * 2,
        ),
    ]
    assert {line.within for line in found.lines} == {True}
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await count_worklist(read, nancy, clock=shop.clock) == 4
    chinese = await page(shop, nancy, language="zh-CN")
    assert [(line.what, line.rule) for line in chinese.lines] == [
        ("跟进", "手工制定"),
        ("跟进", "手工制定"),
        ("跟进：Ask for the signed contract", "手工制定"),
        ("答复服务请求 SR-2026-00001：Pump leaks", "服务标准：首次答复到期"),
    ]


@pytest.mark.requirement("F12", "A13", "F4", "P4", "S1")
async def test_contacts_requests_actions_arrears_and_the_pool_stand_in_one_queue(shop, nancy):
    own = {name: await customer(shop, nancy, name) for name in ("Alfreds", "Blauer See", "Ernst Handel")}
    hot = await customer(shop, nancy, "Chop-suey", hot=True)
    made = [
        await shop.create(
            "service_request",
            internally=True,
            title="Pump leaks",
            customer_id=hot,
            owner_id=nancy.member_id,
            kind="REPAIR",
            opened_at=MADE,
        ),
        await shop.create(
            "invoice",
            internally=True,
            number="R-7",
            customer_id=own["Alfreds"],
            amount=90_00,
            issued_on=MONDAY - timedelta(days=40),
            due_on=MONDAY - timedelta(days=10),
        ),
    ]
    meeting = await shop.create(
        "meeting",
        internally=True,
        subject="Prices",
        customer_id=own["Alfreds"],
        organiser_id=nancy.member_id,
        starts_at=MADE,
        ends_at=MADE + timedelta(hours=1),
    )
    action = {"meeting_id": meeting, "task": "Send an offer", "owner_id": nancy.member_id}
    made.append(
        await shop.create("meeting_action", internally=True, due_on=MONDAY - timedelta(days=3), **action)
    )
    made += [await plan(shop, nancy, own["Blauer See"], MONDAY - timedelta(days=1)), own["Ernst Handel"]]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch(
            "UPDATE service_request SET first_answered_at = $2, solution_due_at = $3 WHERE id = $1",
            made[0],
            MADE,
            shop.clock.now(),
        )
        await write.fetch("UPDATE meeting SET minutes_state = 'REVIEWED' WHERE id = $1", meeting)
        await write.fetch(
            "UPDATE customer SET pool_return_on = $2, pool_warned_on = $3 WHERE id = $1",
            own["Ernst Handel"],
            MONDAY + timedelta(days=5),
            MONDAY,
        )
    lines = (await page(shop, nancy)).lines
    assert [(line.source, line.record_id) for line in lines] == list(
        zip(
            (
                "service.solution",
                "invoice.overdue",
                "meeting.action",
                "follow_up.plan",
                "customer.pool_return",
            ),
            made,
            strict=True,
        )
    )
    assert [(line.what, line.rule) for line in lines] == [
        ("solve service request SR-2026-00001: Pump leaks", "Service standard: the solution is due"),
        ("overdue invoice R-7", "Arrears are called for from the day after an invoice was due"),
        (
            "agreed at the meeting “Prices”: Send an offer",
            "What was agreed at a meeting is done by its day",
        ),
        ("follow-up", "Planned by hand"),
        (
            "make contact, or the customer returns to the public pool",
            "Rule of the public pool: without contact, contract or deal a customer returns",
        ),
    ]
    assert [line.points for line in lines] == [30, 11 * 20, 4 * 20, 2 * 10, 20]


@pytest.mark.requirement("F12")
@pytest.mark.parametrize("by", [1, 3, 7, 100])
async def test_pages_of_any_length_give_the_queue_as_an_independent_ranking_has_it(shop, nancy, by):
    dice = Random(11)
    rows = []
    for _ in range(24):
        rank, hot = dice.choice((1, 2, 5, 9, None)), dice.random() < 0.2
        name = f"customer {dice.choice('abc')}"
        made = await customer(shop, nancy, name, rank=rank, hot=hot)
        for _again in range(dice.choice((1, 1, 2))):
            due_on = MONDAY - timedelta(days=dice.choice((0, 1, 1, 2, 4, 9, 400)))
            found = await plan(shop, nancy, made, due_on)
            rows.append((name, due_on, rank, hot, found))
    others = await shop.hire("Andrew Peacock", "REPRESENTATIVE")
    await shop.create("follow_up_plan", customer_id=made, owner_id=others, due_on=MONDAY)

    def rank_of(row):
        name, due_on, rank, hot, record = row
        points = ((MONDAY - due_on).days + 1) * 10 * max(1, 6 - (rank or 5))
        return not hot, -points, due_on, name, record

    lines = await whole(shop, nancy, by=by)
    assert [line.record_id for line in lines] == [row[-1] for row in sorted(rows, key=rank_of)]
    assert [line.place for line in lines] == list(range(1, len(rows) + 1))


@pytest.mark.requirement("F12")
async def test_what_can_be_done_in_a_day_is_marked(shop, nancy):
    alfreds = await customer(shop, nancy, "Alfreds")
    for days in range(4):
        await plan(shop, nancy, alfreds, MONDAY - timedelta(days=days))
    await shop.update("member", nancy.member_id, contacts_per_day=3)
    found = await page(shop, nancy, limit=2)
    assert (found.capacity, [line.within for line in found.lines]) == (3, [True, True])
    rest = await page(shop, nancy, after=found.lines[-1].cursor)
    assert [(line.place, line.within) for line in rest.lines] == [(3, True), (4, False)]


async def test_a_page_behind_a_cursor_is_of_its_day(shop, nancy):
    alfreds = await customer(shop, nancy, "Alfreds")
    first = await plan(shop, nancy, alfreds, MONDAY - timedelta(days=1))
    second = await plan(shop, nancy, alfreds, MONDAY)
    await plan(shop, nancy, alfreds, MONDAY + timedelta(days=1))
    found = await page(shop, nancy, limit=1)
    assert [line.record_id for line in found.lines] == [first]
    shop.clock.move(timedelta(days=1))
    rest = await page(shop, nancy, after=found.lines[0].cursor)
    assert (rest.day, [line.record_id for line in rest.lines]) == (MONDAY, [second])
    assert len((await page(shop, nancy)).lines) == 3


@pytest.mark.requirement("A11")
async def test_nothing_of_closed_or_archived_archives_nor_of_records_out_of_reach(shop, nancy):
    closed, gone, other = [await customer(shop, nancy, name) for name in ("Closed", "Gone", "Open")]
    for each in (closed, gone, other):
        await plan(shop, nancy, each, MONDAY)
    await plan(shop, nancy, closed, MONDAY - timedelta(days=9))
    await shop.archive("customer", gone)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE customer SET restricted = true WHERE id = $1", closed)
    nancy = await shop.as_member(nancy.member_id)
    assert [line.customer_id for line in (await page(shop, nancy)).lines] == [other]
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await count_worklist(read, nancy, clock=shop.clock) == 1
    late = await plan(shop, nancy, other, MONDAY - timedelta(days=1))
    found = await page(shop, nancy, limit=1)  # the first ones in rank are of customers that are out of reach
    assert ([line.record_id for line in found.lines], found.has_next) == ([late], True)
    looking = await shop.hire("Paul Ledger", "FINANCE")
    await shop.create("follow_up_plan", customer_id=other, owner_id=looking, due_on=MONDAY)
    ledger = await shop.as_member(looking)
    assert (await page(shop, ledger)).lines == ()
    async with shop.databases.tenant_read(shop.company.ref) as read:
        assert await count_worklist(read, ledger, clock=shop.clock) == 0


@pytest.mark.parametrize("cursor", ["", "abc", "WzEsMl0", "é", "WyJ3b3JrbGlzdCIsW11d"])
async def test_a_cursor_of_something_else_is_refused(shop, nancy, cursor):
    with pytest.raises(BadCursor):
        await page(shop, nancy, after=cursor)
    with pytest.raises(BadUserInput):
        await page(shop, nancy, limit=101)


async def test_an_open_plan_is_as_urgent_as_its_customer_is_now(shop, nancy):
    alfreds = await customer(shop, nancy, "Alfreds", rank=2, hot=True)
    made = await plan(shop, nancy, alfreds, MONDAY)
    urgency = "SELECT urgency FROM follow_up_plan WHERE id = $1"
    assert await shop.value(urgency, made) == 14
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await write.fetch("UPDATE customer SET hot_since = NULL, grade_rank = 7 WHERE id = $1", alfreds)
        await show_plans(write, [alfreds])
    assert await shop.value(urgency, made) == 1


WORKLIST = """
query ($first: Int, $after: String) { worklist(first: $first, after: $after) {
  day capacity totalCount pageInfo { hasNextPage hasPreviousPage endCursor }
  nodes {
    place source recordId record { id } customer { name } what rule dueOn daysOverdue hot weight points withinCapacity
  }
} }"""


@pytest.mark.requirement("F12", "I1")
async def test_the_worklist_over_http_with_records_and_in_the_readers_language(gateway, company):
    databases = gateway.services.databases
    nancy = await make_member(databases, company, "REPRESENTATIVE")
    client = gateway.client(
        await make_key(databases, nancy, key=gateway.services.identity.key), language="zh-CN"
    )
    factory = Factory(databases, company)
    today = datetime.now(UTC).date()
    late = today - timedelta(days=30)
    customers = [
        await factory.one("customer", name=name, owner_id=nancy.id) for name in ("Ernst Handel", "Alfreds")
    ]
    plans = [
        await factory.one("follow_up_plan", customer_id=one, owner_id=nancy.id, due_on=day)
        for one, day in zip(customers, (late, late + timedelta(days=1)), strict=True)
    ]
    found = (await client(WORKLIST, {"first": 1})).data["worklist"]
    assert (found["capacity"], found["totalCount"]) == (None, 2)
    assert (found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == (True, False)
    (line,) = found["nodes"]
    overdue = (date.fromisoformat(found["day"]) - late).days
    assert line == {
        "place": 1,
        "source": "follow_up.plan",
        "recordId": f"fpl_{plans[0].hex}",
        "record": {"id": f"fpl_{plans[0].hex}"},
        "customer": {"name": "Ernst Handel"},
        "what": line["what"],
        "rule": line["rule"],
        "dueOn": late.isoformat(),
        "daysOverdue": overdue,
        "hot": False,
        "weight": 10,
        "points": (overdue + 1) * 10,
        "withinCapacity": True,
    }
    assert "follow" not in line["what"]
    rest = (await client(WORKLIST, {"first": 5, "after": found["pageInfo"]["endCursor"]})).data["worklist"]
    assert [(n["place"], n["customer"]["name"]) for n in rest["nodes"]] == [(2, "Alfreds")]
    assert rest["pageInfo"]["hasPreviousPage"] is True
    assert (await client(WORKLIST, {"after": "nonsense"})).codes == ["BAD_CURSOR"]
    assert (await client(WORKLIST, {"first": 101})).codes == ["BAD_USER_INPUT"]


MIXED = """
query ($deep: Boolean!) {
  first: worklist(first: 1) { ...Page }
  me { member { name } }
  all: worklist { ...Page nodes @include(if: $deep) { customer { name } } pageInfo { startCursor } }
}
fragment Page on Worklist { __typename nodes { whose: customer { id } record { ... on Demand { id } } } }"""


@pytest.mark.requirement("I1")
async def test_worklists_stand_beside_other_fields_with_aliases_fragments_and_directives(gateway, company):
    databases = gateway.services.databases
    nancy = await make_member(databases, company, "REPRESENTATIVE")
    client = gateway.client(await make_key(databases, nancy, key=gateway.services.identity.key))
    factory = Factory(databases, company)
    day = datetime.now(UTC).date() - timedelta(days=9)
    made = [await factory.one("customer", name=name, owner_id=nancy.id) for name in ("Alfreds", "Blauer See")]
    for one in made:
        await factory.one("follow_up_plan", customer_id=one, owner_id=nancy.id, due_on=day)
    lines = [{"whose": {"id": f"cus_{one.hex}"}, "record": {}} for one in made]
    plain, deep = [(await client(MIXED, {"deep": deep})).data for deep in (False, True)]
    assert plain["first"] == {"__typename": "Worklist", "nodes": lines[:1]}
    assert plain["all"]["nodes"] == lines
    assert [line["customer"] for line in deep["all"]["nodes"]] == [
        {"name": "Alfreds"},
        {"name": "Blauer See"},
    ]
    assert deep["first"] == plain["first"]
    assert deep["me"] == plain["me"] == {"member": {"name": "Nancy Davolio"}}


@pytest.mark.requirement("F12", "P2")
async def test_a_demand_waits_for_its_own_person_else_for_the_customers(shop, nancy):
    janet = await shop.as_member(await shop.hire("Janet Leverling", "REPRESENTATIVE"))
    hers = await customer(shop, janet, "Blauer See")
    own = await customer(shop, nancy, "Alfreds")
    for title, at, person in (("Pumps", hers, nancy), ("Valves", own, None), ("Pipes", own, janet)):
        owner = person.member_id if person else None
        said = {"customer_id": at, "owner_id": owner, "expected_on": MONDAY - timedelta(days=1)}
        await shop.create("demand", internally=True, title=title, **said)
    found = {
        name: [line.what for line in (await page(shop, viewer)).lines if line.source == "demand.expected"]
        for name, viewer in (("nancy", nancy), ("janet", janet))
    }
    decide = "the customer was to decide: "
    assert found == {"nancy": [f"{decide}Valves", f"{decide}Pumps"], "janet": [f"{decide}Pipes"]}
