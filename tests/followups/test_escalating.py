"""What stays overdue is told upward after so many working days: each step of each thing once."""

from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from kedang_platform.work import NewJob, enqueue
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.changing import Change
from kedang_tenants.followups.escalating import last_due_days
from kedang_tenants.followups.reminding import Habits
from tests.support.trading import open_shop

FRIDAY = date(2026, 3, 6)
CHINA = WorkingCalendar(country="CN")


@pytest.mark.requirement("F1", "T6")
@pytest.mark.parametrize(
    ("day", "after", "last"),
    [
        # Spring Festival 2026: free from 15 to 23 February; Saturdays 14 and 28 February are worked.
        (date(2026, 2, 14), 1, date(2026, 2, 13)),
        (date(2026, 2, 24), 1, date(2026, 2, 23)),
        (date(2026, 2, 24), 2, date(2026, 2, 13)),
        (date(2026, 2, 24), 3, date(2026, 2, 12)),
        (date(2026, 2, 28), 5, date(2026, 2, 23)),
        (date(2026, 3, 2), 3, date(2026, 2, 26)),
        # National Day: free from 1 to 7 October; Sunday 20 September and Saturday 10 October are worked.
        (date(2026, 10, 8), 2, date(2026, 9, 29)),
        (date(2026, 10, 10), 3, date(2026, 10, 7)),
        (date(2026, 10, 10), 4, date(2026, 9, 29)),
        (date(2026, 9, 21), 2, date(2026, 9, 19)),
        # The turn of the year, and a leap day.
        (date(2026, 1, 4), 2, date(2025, 12, 30)),
        (date(2028, 3, 1), 2, date(2028, 2, 28)),
    ],
)
def test_working_days_are_counted_by_the_calendar(day, after, last):
    assert CHINA.working_days_back(day, after) == last
    assert last_due_days(CHINA, Habits(escalate_after=after, escalate_further_after=None), day) == {1: last}
    passed = [last + timedelta(days=n) for n in range(1, (day - last).days + 1)]
    assert sum(CHINA.is_working(one) for one in passed) == after


def test_a_step_that_is_never_taken_has_no_day():
    assert last_due_days(CHINA, Habits(escalate_after=None, escalate_further_after=None), FRIDAY) == {}


def suspending(member):
    return Change("member", "update", member, values={"state": "SUSPENDED"})


async def escalate(shop, day=FRIDAY):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("followups.escalate", {"date": day.isoformat()}))
    await shop.work()


async def plan(shop, owner, due_on, name):
    customer = await shop.create("customer", name=name, owner_id=owner)
    return await shop.create("follow_up_plan", customer_id=customer, owner_id=owner, due_on=due_on)


async def told(shop):
    """Who was told what, by name, in the order of time."""
    rows = await shop.fetch(
        "SELECT m.name, n.body FROM notice n JOIN member m ON m.id = n.member_id"
        " WHERE n.kind = 'OVERDUE_ESCALATED' ORDER BY n.occasion, m.name"
    )
    return [(row["name"], orjson.loads(row["body"])["en"].splitlines()) for row in rows]


@pytest.fixture
async def firm(shop):
    """Sales below Head office; a manager of each, a general manager, a representative in Sales."""
    shop.units = {"Head office": await shop.create("department", name="Head office")}
    shop.units["Sales"] = await shop.create("department", name="Sales", parent_id=shop.units["Head office"])
    sales, head = shop.units["Sales"], shop.units["Head office"]
    shop.people = {
        "seller": await shop.hire("Nancy Davolio", "REPRESENTATIVE", department_id=sales),
        "manager": await shop.hire("Steven Buchanan", "DEPARTMENT_MANAGER", department_id=sales),
        "above": await shop.hire("Laura Callahan", "DEPARTMENT_MANAGER", department_id=head),
        "general": await shop.hire("Anne Dodsworth", "GENERAL_MANAGER", department_id=head),
    }
    return shop


@pytest.mark.requirement("F1")
async def test_the_manager_hears_after_three_working_days_and_the_general_manager_after_six(firm):
    seller = firm.people["seller"]
    await plan(firm, seller, date(2026, 3, 3), "Ernst Handel")  # a Tuesday
    line = "Nancy Davolio – Ernst Handel: follow-up, due on 2026-03-03, days overdue: {}"
    heard = []
    for day, who in {
        date(2026, 3, 5): None,  # two working days
        date(2026, 3, 6): ("Steven Buchanan", 3),
        date(2026, 3, 7): None,  # a Saturday
        date(2026, 3, 9): None,
        date(2026, 3, 11): ("Anne Dodsworth", 8),
        date(2026, 3, 12): None,
    }.items():
        await escalate(firm, day)
        heard += [(who[0], [line.format(who[1])])] if who else []
        assert await told(firm) == heard, day


@pytest.mark.requirement("T6")
async def test_it_counts_by_the_chinese_calendar_and_the_company_s_own_days(
    databases, database_settings, tmp_path
):
    settings = database_settings.model_copy(update={"var": tmp_path})
    shop = await open_shop(databases, settings, country="CN", time_zone="Asia/Shanghai")
    shop.clock.instant = datetime(2026, 2, 11, 1, tzinfo=UTC)
    seller = await shop.hire("Li Wei", "REPRESENTATIVE", superior_id=shop.viewer.member_id)
    await plan(shop, seller, date(2026, 2, 12), "三木")  # the Thursday before the Spring Festival
    # Friday, the worked Saturday, and Tuesday the 24th: nothing in between counts, and nothing is told on free days.
    for day in (date(2026, 2, 14), date(2026, 2, 17), date(2026, 2, 23)):
        await escalate(shop, day)
        assert await told(shop) == []
    await shop.create("calendar_day", day=date(2026, 2, 24), kind="HOLIDAY")
    await escalate(shop, date(2026, 2, 24))
    assert await told(shop) == []
    await escalate(shop, date(2026, 2, 25))
    assert [name for name, _ in await told(shop)] == ["Andrew Fuller"]


async def test_one_notice_a_day_lists_all_in_rank_and_its_letter_says_so(firm, monkeypatch):
    monkeypatch.setattr("kedang_tenants.followups.escalating.LISTED", 2)
    seller = firm.people["seller"]
    for late, name in ((4, "Around the Horn"), (7, "Berglunds snabbköp"), (5, "Königlich Essen")):
        await plan(firm, seller, FRIDAY - timedelta(days=late), name)
    await escalate(firm)
    assert await firm.value("SELECT count(*) FROM due_escalation") == 3
    (mail,) = firm.mails_to("steven.buchanan@northwind.example")
    assert mail.subject == "Overdue with your people on 2026-03-06: 3"
    assert mail.text == ENGLISH
    # The next day has only what is new.
    await plan(firm, seller, date(2026, 3, 4), "Ernst Handel")
    await escalate(firm, date(2026, 3, 9))
    assert [line for name, lines in await told(firm) if name == "Steven Buchanan" for line in lines][3:] == [
        "Nancy Davolio – Ernst Handel: follow-up, due on 2026-03-04, days overdue: 5"
    ]


ENGLISH = """\
Hello Steven Buchanan, this has been overdue for some working days, the most urgent first:

- Nancy Davolio – Berglunds snabbköp: follow-up, due on 2026-02-27, days overdue: 7
- Nancy Davolio – Königlich Essen: follow-up, due on 2026-03-01, days overdue: 5
- And further things that are due: 1

You hear of each of these once; what is done by now needs nothing.

----------------------------------------

Kedang, customer archives
"""
CHINESE = """\
Li Na，您好！以下事项已逾期数个工作日，最紧急的在前：

- Nancy Davolio – 三木：跟进，应于 2026-03-02 完成，已逾期 4 天

每项只通知您一次；已完成的无需处理。

----------------------------------------

客档 · 客户档案管理
"""


async def test_the_letter_is_in_the_superior_s_language(firm):
    li = await firm.hire("Li Na", "DEPARTMENT_MANAGER", department_id=firm.units["Sales"], language="ZH_CN")
    await firm.update("member", firm.people["seller"], superior_id=li)
    await plan(firm, firm.people["seller"], date(2026, 3, 2), "三木")
    await escalate(firm)
    (mail,) = firm.mails_to("li.na@northwind.example")
    assert mail.subject == "2026-03-06 您下属的逾期事项：1 项"
    assert mail.text == CHINESE


@pytest.mark.requirement("F1")
@pytest.mark.parametrize(
    ("case", "hears"),
    [
        ("as it is", "Steven Buchanan"),
        ("a superior of one's own", "Anne Dodsworth"),
        ("a superior who may not read it", "Steven Buchanan"),
        ("suspended", "Laura Callahan"),
        ("away", "Laura Callahan"),
        ("everybody away", "Andrew Fuller"),
        ("oneself", "Laura Callahan"),
    ],
)
async def test_who_is_not_there_or_may_not_read_it_is_passed_over(firm, case, hears):
    people, seller = firm.people, firm.people["seller"]
    day = {"from_day": FRIDAY, "until_day": FRIDAY}
    if case == "a superior of one's own":
        await firm.update("member", seller, superior_id=people["general"])
    elif case == "a superior who may not read it":
        colleague = await firm.hire("Janet", "REPRESENTATIVE", superior_id=people["manager"])
        await firm.update("member", seller, superior_id=colleague)
    elif case == "suspended":
        await firm.change(suspending(people["manager"]), internally=True)
    elif case == "away":
        await firm.create(
            "approval_deputy", internally=True, member_id=people["manager"], deputy_id=seller, **day
        )
    elif case == "everybody away":
        for name in ("manager", "above", "general"):
            await firm.change(suspending(people[name]), internally=True)
    owner = people["manager"] if case == "oneself" else seller
    await plan(firm, owner, date(2026, 3, 3), "Ernst Handel")
    await escalate(firm)
    assert [name for name, _ in await told(firm)] == [hears]


async def test_what_is_too_much_for_a_day_follows_on_the_next(firm, monkeypatch):
    monkeypatch.setattr("kedang_tenants.followups.escalating.MOST", 2)
    for late in (4, 6, 5):
        await plan(firm, firm.people["seller"], FRIDAY - timedelta(days=late), f"Customer {late}")
    for day in (FRIDAY, FRIDAY, date(2026, 3, 9), date(2026, 3, 10)):
        await escalate(firm, day)
    heard = [[line.partition(":")[0] for line in lines] for name, lines in await told(firm) if name[0] == "S"]
    assert heard == [
        ["Nancy Davolio – Customer 6", "Nancy Davolio – Customer 5"],
        ["Nancy Davolio – Customer 4"],
    ]


async def test_it_stops_when_it_is_done_and_begins_anew_with_a_new_day(firm):
    seller = firm.people["seller"]
    done = await plan(firm, seller, date(2026, 3, 2), "Done")
    moved = await plan(firm, seller, date(2026, 3, 2), "Moved")
    await escalate(firm)
    assert len(await told(firm)) == 1
    await firm.update("follow_up_plan", done, state="DONE")
    await firm.update("follow_up_plan", moved, due_on=date(2026, 3, 9))
    await escalate(firm, date(2026, 3, 11))
    assert len(await told(firm)) == 1
    await escalate(firm, date(2026, 3, 12))
    assert (await told(firm))[1:] == [
        ("Steven Buchanan", ["Nancy Davolio – Moved: follow-up, due on 2026-03-09, days overdue: 3"])
    ]
    await escalate(firm, date(2026, 3, 12))
    assert len(await told(firm)) == 2


async def test_a_company_may_be_more_patient_or_never_tell(firm):
    week = await firm.create("working_week", internally=True, weekend=["SATURDAY", "SUNDAY"])
    await firm.update("working_week", week, escalate_after=None, escalate_further_after=2)
    await plan(firm, firm.people["seller"], date(2026, 3, 4), "Ernst Handel")
    await escalate(firm)
    assert [name for name, _ in await told(firm)] == ["Anne Dodsworth"]
    await firm.update("working_week", week, escalate_further_after=None)
    await plan(firm, firm.people["seller"], date(2026, 1, 2), "Old")
    await escalate(firm, date(2026, 3, 9))
    assert len(await told(firm)) == 1


@pytest.mark.requirement("A11")
async def test_a_restricted_archive_is_told_to_no_superior_it_is_closed_to(firm):
    seller = firm.people["seller"]
    await plan(firm, seller, date(2026, 3, 3), "Closed")
    async with firm.databases.tenant_write(firm.company.ref) as write:
        await write.fetch("UPDATE customer SET restricted = true")
    await escalate(firm)
    assert await told(firm) == []
    assert await firm.value("SELECT count(*) FROM due_escalation") == 0


async def test_requests_and_approvals_have_an_escalation_of_their_own(firm):
    customer = await firm.create("customer", name="Ernst Handel", owner_id=firm.people["seller"])
    at = datetime(2026, 1, 5, 14, tzinfo=UTC)
    await firm.create(
        "service_request",
        internally=True,
        number="1",
        title="Pump",
        customer_id=customer,
        owner_id=firm.people["seller"],
        kind="REPAIR",
        state="NEW",
        opened_at=at,
        solution_due_at=at,
    )
    await escalate(firm)
    assert await told(firm) == []
