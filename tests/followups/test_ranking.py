"""The digest ranks over all sources, totally, and tells nobody of what they may not see."""

from datetime import UTC, date, datetime, timedelta
from random import Random

import orjson
import pytest

from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.followups.reminders import remind_part
from kedang_tenants.people.dues import COLUMNS, DueSource, due_source, due_sources
from kedang_tenants.people.viewers import system_viewer

FRIDAY = date(2026, 3, 6)


async def remind(shop, day=FRIDAY):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("followups.remind", {"date": day.isoformat()}))
    await shop.work()


async def digest_of(shop, member):
    details = await shop.value(
        "SELECT details FROM notice WHERE member_id = $1 AND kind = 'FOLLOW_UPS_DUE' ORDER BY id DESC LIMIT 1",
        member,
    )
    return orjson.loads(details)["items"] if details else []


async def lines_to(shop, member):
    body = await shop.value(
        "SELECT body FROM notice WHERE member_id = $1 AND kind = 'FOLLOW_UPS_DUE' ORDER BY id DESC LIMIT 1",
        member,
    )
    return orjson.loads(body)["en"].splitlines()


def rank(plan):
    """What the module's words say, in Python."""
    name, due_on, level, number = plan
    points = (max((FRIDAY - due_on).days, 0) + 1) * 10 * {"A": 5, "C": 3, "E": 1, None: 1}[level]
    return -points, due_on, name, number


@pytest.mark.parametrize("seed", range(4))
async def test_the_order_is_that_of_the_rule_however_the_rows_lie(shop, seed):
    await shop.publish_default_scheme()
    levels = {row["code"]: row for row in await shop.fetch("SELECT id, code, position FROM grade_level")}
    davolio = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    # Few days and names, so that many are alike but in their ids.
    dice = Random(7)
    wanted = [
        (
            f"customer {dice.choice('abc')}",
            FRIDAY - timedelta(days=dice.choice((0, 0, 1, 2, 4, 9))),
            dice.choice(("A", "C", "E", None)),
            number,
        )
        for number in range(40)
    ]
    plan_ids = sorted((new_id() for _ in wanted), key=lambda one: one.hex)
    customers = await shop.create_many(
        "customer", [{"name": name, "owner_id": davolio} for name, *_ in wanted]
    )
    rows = list(zip(wanted, customers, plan_ids, strict=True))
    Random(seed).shuffle(rows)
    await shop.work()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        for (_, due_on, level, _number), customer, plan in rows:
            grade = levels[level] if level else None
            await write.fetch(
                "UPDATE customer SET grade_level_id = $2, grade_rank = $3 WHERE id = $1",
                customer,
                grade["id"] if grade else None,
                grade["position"] if grade else None,
            )
            await write.fetch(
                "INSERT INTO follow_up_plan (id, version, created_at, updated_at, custom, customer_id, owner_id,"
                " due_on, state, origin) VALUES ($1, 1, $2, $2, '{}', $3, $4, $5, 'PLANNED', 'MANUAL')",
                plan,
                datetime(2026, 3, 1, tzinfo=UTC),
                customer,
                davolio,
                due_on,
            )
    await remind(shop)
    told = [item["record"] for item in await digest_of(shop, davolio)]
    by_number = {plan[3]: plan_id for plan, _, plan_id in rows}
    assert told == [f"fpl_{by_number[plan[3]].hex}" for plan in sorted(wanted, key=rank)]


@pytest.mark.requirement("T10", "S1")
async def test_requests_and_follow_ups_stand_in_one_list(shop):
    nancy = await shop.hire("Nancy Davolio", "SERVICE_AGENT", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Ernst Handel", owner_id=nancy)
    await shop.create(
        "follow_up_plan", customer_id=customer, owner_id=nancy, due_on=FRIDAY - timedelta(days=4), way="CALL"
    )
    at = datetime(2026, 3, 2, 14, tzinfo=UTC)
    common = {"customer_id": customer, "owner_id": nancy, "kind": "REPAIR", "opened_at": at}
    clocks = {
        # Overdue since yesterday; answered, to be solved today; waits for the customer; due tomorrow only.
        "SR-2026-00001": {
            "state": "NEW",
            "first_answer_due_at": at + timedelta(days=3),
            "solution_due_at": at,
        },
        "SR-2026-00002": {
            "state": "IN_PROGRESS",
            "first_answered_at": at,
            "solution_due_at": at + timedelta(days=4),
        },
        "SR-2026-00003": {"state": "WAITING", "first_answered_at": at, "solution_due_at": at},
        "SR-2026-00004": {"state": "NEW", "first_answer_due_at": datetime(2026, 3, 7, 5, 1, tzinfo=UTC)},
        # Half past eleven at night in New York is the next day in UTC.
        "SR-2026-00005": {"state": "NEW", "first_answer_due_at": datetime(2026, 3, 7, 4, 30, tzinfo=UTC)},
    }
    for number, values in clocks.items():
        await shop.create("service_request", internally=True, title=f"Pump {number[-1]}", **common)
        unset = {
            "state": "NEW",
            "first_answer_due_at": None,
            "first_answered_at": None,
            "solution_due_at": None,
        }
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await write.fetch(
                "UPDATE service_request SET state = $2, first_answer_due_at = $3, first_answered_at = $4,"
                " solution_due_at = $5 WHERE number = $1",
                number,
                *(unset | values).values(),
            )
    asked = {
        "kind": "rule.version",
        "summary": {"en": "New rule", "zh": "新办法"},
        "asked_by_id": shop.viewer.member_id,
    }
    request = await shop.create("approval_request", internally=True, **asked)
    await shop.create("approval_turn", internally=True, request_id=request, member_id=nancy, stage=1)
    await remind(shop)
    # An approval reminds by itself, as its flow says: nobody is told of it twice a morning.
    assert await lines_to(shop, nancy) == [
        "Ernst Handel: answer service request SR-2026-00001, due on 2026-03-05, days overdue: 1 – Pump 1",
        "Ernst Handel: follow-up, due on 2026-03-02, days overdue: 4",
        "Ernst Handel: answer service request SR-2026-00005, due today – Pump 5",
        "Ernst Handel: solve service request SR-2026-00002, due today – Pump 2",
    ]


async def test_what_is_told_earlier_says_in_how_many_days(shop):
    """A meeting is over: its minutes are due in two working days."""
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Ernst Handel", owner_id=nancy)
    ended = datetime(2026, 3, 5, 15, tzinfo=UTC)
    shop.clock.instant = ended + timedelta(hours=22)
    meeting = {
        "subject": "Autumn prices",
        "customer_id": customer,
        "organiser_id": nancy,
        "way": "FACE_TO_FACE",
    }
    times = {"starts_at": ended - timedelta(hours=1), "ends_at": ended}
    await shop.create("meeting", internally=True, **meeting, **times)
    await remind(shop)
    assert await lines_to(shop, nancy) == [
        "Ernst Handel: minutes of the meeting “Autumn prices”, due on 2026-03-09, in days: 3"
    ]


@pytest.mark.requirement("A11")
async def test_names_out_of_reach_are_masked_and_kinds_that_may_not_be_read_are_left_out(shop):
    head = await shop.create("department", name="Sales")
    other = await shop.create("department", name="Purchasing")
    seller = await shop.hire("Seller", "REPRESENTATIVE", department_id=head)
    mate = await shop.hire("Mate", "REPRESENTATIVE", department_id=head)
    buyer = await shop.hire("Buyer", "REPRESENTATIVE", department_id=other)
    clerk = await shop.hire("Clerk", "FINANCE")
    for owner, number in ((seller, "S"), (mate, "M"), (buyer, "B")):
        customer = await shop.create("customer", name=f"Customer {number}", number=number, owner_id=owner)
        for planned_for in (seller, clerk):
            await shop.create("follow_up_plan", customer_id=customer, owner_id=planned_for, due_on=FRIDAY)
    lent = await shop.create("customer", name="Customer L", number="L", owner_id=buyer)
    until = datetime(2027, 1, 1, tzinfo=UTC)
    await shop.create(
        "customer_collaborator", internally=True, customer_id=lent, member_id=seller, role="READ", until=until
    )
    await shop.create("follow_up_plan", customer_id=lent, owner_id=seller, due_on=FRIDAY)
    await remind(shop)
    # Names of the department's customers are seen, their numbers only of one's own and of what is shared.
    seen = {(item["customer"], item["number"]) for item in await digest_of(shop, seller)}
    assert seen == {("Customer S", "S"), ("Customer M", None), (None, None), ("Customer L", "L")}
    assert "A customer out of your reach: follow-up, due today" in await lines_to(shop, seller)
    assert await digest_of(shop, clerk) == []


@pytest.mark.requirement("A11")
async def test_a_restricted_archive_is_left_out_of_lines_and_of_the_count(shop, monkeypatch):
    monkeypatch.setattr("kedang_tenants.followups.reminders.LISTED", 1)
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE")
    for name in ("Open", "Closed", "Also open"):
        customer = await shop.create("customer", name=name, owner_id=nancy)
        await shop.create("follow_up_plan", customer_id=customer, owner_id=nancy, due_on=FRIDAY)
        if name == "Closed":
            async with shop.databases.tenant_write(shop.company.ref) as write:
                await write.fetch("UPDATE customer SET restricted = true WHERE id = $1", customer)
    await remind(shop)
    assert await lines_to(shop, nancy) == [
        "Also open: follow-up, due today",
        "And further things that are due: 1",
    ]


async def test_one_statement_ranks_however_many_members_there_are(shop, monkeypatch):
    members = [await shop.hire(f"Member {n}", "REPRESENTATIVE") for n in range(8)]
    for member in members:
        customer = await shop.create("customer", name=f"Customer of {member}", owner_id=member)
        await shop.create("follow_up_plan", customer_id=customer, owner_id=member, due_on=FRIDAY)

    async def statements(after):
        async with shop.databases.tenant_write(shop.company.ref) as write:
            asked = []
            fetch = type(write).fetch

            async def counted(self, sql, *args):
                asked.append(sql)
                return await fetch(self, sql, *args)

            monkeypatch.setattr(type(write), "fetch", counted)
            viewer = await system_viewer(write, company=shop.company)
            begin = len(asked)
            part = await remind_part(write, viewer, day=FRIDAY, after=after, clock=shop.clock)
            monkeypatch.undo()
            return part.changed, len(asked) - begin

    one, few = await statements(sorted(members)[6])
    all_others, many = await statements(None)
    assert (one, all_others) == (1, 7)
    assert many == few


def test_every_source_gives_the_columns_and_only_once_a_name():
    names = [source.name for source in due_sources()]
    assert names == sorted(set(names))
    assert COLUMNS == ("member_id", "record_id", "customer_id", "due_on", "subject", "why", "weight")
    assert max(map(len, names)) <= 40
    with pytest.raises(ValueError, match=r"two sources are called follow_up\.plan"):
        due_source(DueSource(name="follow_up.plan", record="customer", reason="", rule="", select=""))
