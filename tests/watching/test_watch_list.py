"""The watch list at both ends: who is on it and why, checks, who is told, anomalies at once (A18)."""

import asyncio
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, Refused
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.changing import Change, audit
from kedang_tenants.watching.checks import check_day
from kedang_tenants.watching.events import look_again
from kedang_tenants.watching.listing import watch_part
from kedang_tenants.watching.measuring import reasons_of
from kedang_tenants.watching.models import BEST, RISK
from kedang_tenants.watching.rule import Thresholds
from kedang_tenants.watching.telling import tell_untold
from tests.support.factories import Factory
from tests.watching.support import DAY, MONDAY, bought, checks, entries, night, reported, rule, told

pytestmark = pytest.mark.requirement("A18")


async def test_sales_that_fall_by_as_much_as_the_company_says_put_a_customer_at_risk(shop, people):
    nancy = people["Nancy"]
    names = {"Falls": (100, 70), "Almost": (100, 71), "Rises": (100, 150), "New": (0, 100)}
    for name, (before, now) in names.items():
        customer = await shop.create("customer", name=name, owner_id=nancy)
        await bought(shop, customer, *((120, before),) * (before > 0), (30, now))
    await rule(shop, best={"reasons": 1, "top": None})
    await night(shop)
    assert await entries(shop) == [
        ("Rises", "BEST", {"SALES_RISE": {"value": "50", "threshold": 20}}, None),
        ("Falls", "RISK", {"SALES_FALL": {"value": "30", "threshold": 30}}, None),
    ]
    (plan,) = await checks(shop)
    assert (plan["owner_id"], plan["due_on"], plan["state"]) == (nancy, date(2026, 3, 5), "PLANNED")
    assert plan["why"] == "Sales of 3 months fell by 30 %."
    both = (
        "Customers at risk: Falls – Sales of 3 months fell by 30 %.\n"
        "Best customers: Rises – Sales of 3 months rose by 50 %."
    )
    assert await told(shop) == [
        {"member_id": who, "title": "Watch list: 2 customers", "body": both}
        for who in (nancy, people["Steven"])
    ]


async def test_arrears_and_silence(shop, people):
    owed = await shop.create("customer", name="Owes", owner_id=people["Nancy"])
    for number, due in (("1", 40), ("2", 10)):
        await shop.create(
            "invoice", number=number, customer_id=owed, amount=100_00, issued_on=MONDAY - 60 * DAY,
            due_on=MONDAY - due * DAY, internally=True,
        )  # fmt: skip
    silent = await shop.create("customer", name="Silent", owner_id=people["Nancy"])
    met = await shop.create("customer", name="Met", owner_id=people["Nancy"])
    await shop.create("customer", name="Never bought", owner_id=people["Nancy"])
    for customer in (silent, met):
        await bought(shop, customer, (200, 50))
    await shop.create(
        "follow_up_record", customer_id=met, way="CALL", at=shop.clock.now() - 20 * DAY, content="Spoke"
    )
    await night(shop)
    assert await entries(shop) == [
        ("Owes", "RISK", {"ARREARS": {"value": 40, "threshold": 30, "amount": 20000}}, None),
        ("Silent", "RISK", {"SILENCE": {"value": 200, "threshold": 90}}, None),
    ]
    assert [plan["why"] for plan in await checks(shop)] == [
        "See the watch list.",  # more people read plans than what customers owe
        "Neither a purchase nor a contact for 200 days.",
    ]


@pytest.mark.requirement("A11")
async def test_a_check_says_nothing_that_not_everybody_may_read_who_reads_plans(shop, people):
    customer = await shop.create("customer", name="Ill", owner_id=people["Nancy"], credit_rating="AA")
    await bought(shop, customer, (200, 50))
    await shop.update("customer", customer, insolvency="BANKRUPTCY", credit_rating="D")
    await night(shop)
    assert (await entries(shop))[0][2].keys() == {"INSOLVENCY", "CREDIT_DROP", "SILENCE"}
    (plan,) = await checks(shop)
    assert plan["why"] == "Neither a purchase nor a contact for 200 days. See the watch list."


async def test_whoever_recovers_leaves_the_list_and_is_checked_no_more(shop, people):
    customer = await shop.create("customer", name="Silent", owner_id=people["Nancy"])
    await bought(shop, customer, (200, 50))
    await night(shop)
    before = await shop.fetch("SELECT id, version FROM watch_entry")
    await night(shop)
    assert (
        await shop.fetch("SELECT id, version FROM watch_entry") == before
    )  # the same figures change nothing
    assert len(await told(shop)) == 2
    await shop.order(customer, MONDAY - DAY, ("1", "50"))
    shop.clock.move(DAY)
    await night(shop)
    ((_, _, _, ended),) = await entries(shop)
    assert ended == MONDAY + DAY
    assert [plan["state"] for plan in await checks(shop)] == ["CANCELLED"]
    await shop.archive("customer", customer)
    shop.clock.move(200 * DAY)
    await night(shop)
    assert len(await entries(shop)) == 1


async def test_another_reason_is_told_and_figures_are_renewed_every_week(shop, people):
    customer = await shop.create("customer", name="Silent", owner_id=people["Nancy"])
    await bought(shop, customer, (200, 50))
    await night(shop)
    shop.clock.move(3 * DAY)
    await night(shop)
    assert (await entries(shop))[0][2]["SILENCE"]["value"] == 200
    shop.clock.move(4 * DAY)
    await night(shop)
    assert (await entries(shop))[0][2]["SILENCE"]["value"] == 207
    assert len(await told(shop)) == 2
    await shop.update("customer", customer, insolvency="BANKRUPTCY")
    await shop.work()
    assert (await entries(shop))[0][2].keys() == {"INSOLVENCY", "SILENCE"}
    assert (await told(shop))[-1]["body"] == (
        "Customers at risk: Silent – Insolvency: Bankruptcy ahead."
        " Neither a purchase nor a contact for 207 days."
    )
    assert len(await told(shop)) == 4
    assert len(await checks(shop)) == 1


async def test_a_coming_insolvency_and_a_credit_drop_are_told_at_once(shop, people):
    await rule(shop, risk={"reasons": 2})
    nancy = people["Nancy"]
    ill = await shop.create("customer", name="Ill", owner_id=nancy)
    rated = await shop.create("customer", name="Rated", owner_id=nancy, credit_rating="AA")
    await shop.work()
    assert await entries(shop) == []
    await shop.update("customer", ill, insolvency="RESTRUCTURING")
    await shop.update("customer", rated, credit_rating="B")
    await shop.work()
    # An insolvency is enough by itself; the drop is one reason of the two that this company wants.
    assert await entries(shop) == [("Ill", "RISK", {"INSOLVENCY": {"value": "RESTRUCTURING"}}, None)]
    assert {one["member_id"] for one in await told(shop)} == {nancy, people["Steven"]}
    assert [one["title"] for one in await told(shop)] == ["Watch list: Ill"] * 2
    assert [plan["name"] for plan in await checks(shop)] == ["Ill"]
    await rule(shop, risk={"reasons": 1})
    await shop.update("customer", rated, credit_rating="CCC")
    await shop.work()
    assert (await entries(shop))[1] == (
        "Rated", "RISK", {"CREDIT_DROP": {"value": "CCC", "threshold": "AA"}}, None
    )  # fmt: skip
    await shop.update("customer", rated, credit_rating="AA")
    await shop.work()
    assert (await entries(shop))[1][3] == MONDAY
    (row,) = await shop.fetch("SELECT credit_before, credit_dropped_on FROM customer WHERE id = $1", rated)
    assert (row["credit_before"], row["credit_dropped_on"]) == (None, None)


async def test_what_gets_worse_for_the_same_reason_is_told_at_once_and_checked_again(shop, people):
    customer = await shop.create("customer", name="Ill", owner_id=people["Nancy"], credit_rating="AA")
    for values, why in (
        ({"insolvency": "RESTRUCTURING"}, "Insolvency: Restructuring ahead."),
        ({"insolvency": "BANKRUPTCY"}, "Insolvency: Bankruptcy ahead."),
        ({"insolvency": None, "credit_rating": "B"}, "Credit rating dropped from AA to B."),
        ({"credit_rating": "D"}, "Credit rating dropped from AA to D."),
    ):
        before = len(await told(shop))
        await shop.update("customer", customer, **values)
        await shop.work()
        new = (await told(shop))[before:]
        assert [(one["member_id"], one["body"]) for one in new] == [
            (who, f"Customers at risk: Ill – {why}") for who in (people["Nancy"], people["Steven"])
        ]
    assert len(await checks(shop)) == 1  # the one that is still open is enough
    done = await shop.value("SELECT id FROM follow_up_plan WHERE origin = 'CHECK'")
    await shop.update("follow_up_plan", done, state="DONE")
    before = len(await told(shop))
    await shop.update("customer", customer, credit_rating="CCC")  # better than it was
    await shop.work()
    assert (await entries(shop))[0][2] == {"CREDIT_DROP": {"value": "CCC", "threshold": "AA"}}
    assert (len(await told(shop)), len(await checks(shop))) == (before, 1)
    await shop.update("customer", customer, credit_rating="C")
    await shop.work()
    assert len(await told(shop)) == before + 2
    assert sorted(plan["state"] for plan in await checks(shop)) == ["DONE", "PLANNED"]


async def test_the_night_and_an_event_do_not_look_at_the_same_time(shop, people):
    customer = await shop.create("customer", name="Silent", owner_id=people["Nancy"])
    await bought(shop, customer, (200, 50))
    viewer = await shop.product()

    async def look():
        async with shop.databases.tenant_write(shop.company.ref) as write:
            await look_again(write, viewer, [customer], clock=shop.clock)

    async with shop.databases.tenant_write(shop.company.ref) as write:
        await watch_part(write, viewer, after=None, clock=shop.clock)
        await tell_untold(write, viewer, clock=shop.clock)
        looking = asyncio.create_task(look())
        done, _ = await asyncio.wait({looking}, timeout=0.5)
        assert not done
    await looking
    assert (len(await entries(shop)), len(await told(shop))) == (1, 2)


async def test_a_customer_who_is_not_satisfied_is_watched_from_the_next_night_on(shop, people):
    customer = await shop.create("customer", name="Unhappy", owner_id=people["Nancy"])
    answer = {"satisfaction": Decimal("1.5"), "state": "SUBMITTED", "submitted_at": shop.clock.now()}
    await answered(shop, customer, **answer)
    await shop.work()
    assert await entries(shop) == []  # the survey itself has told of it
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await watch_part(write, await shop.product(), after=None, clock=shop.clock)
    assert await entries(shop) == [
        ("Unhappy", "RISK", {"DISSATISFIED": {"value": "1.5", "threshold": 2.5}}, None)
    ]


async def answered(shop, customer, **values):
    """An answer that was handed in, with the event that says so."""
    factory = Factory(shop.databases, shop.company, shop.clock)
    made = await factory.one("survey_answer", customer_id=customer, **values)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await audit(write, await shop.product(), [("survey_answer", "submitted", made, {})], clock=shop.clock)


async def test_a_member_has_so_many_checks_open_and_the_riskiest_come_first(shop, people):
    await rule(shop, checks_each=2)
    for name, rating in (("A", None), ("B", None), ("C", "AA")):
        customer = await shop.create("customer", name=name, owner_id=people["Nancy"], credit_rating=rating)
        await bought(shop, customer, (200, 50))
        if rating:
            await shop.update("customer", customer, credit_rating="D")
    await night(shop)
    found = [plan["name"] for plan in await checks(shop)]
    assert (len(found), "C" in found) == (2, True)
    done = await shop.value(
        "SELECT id FROM follow_up_plan WHERE origin = 'CHECK' ORDER BY due_on, id LIMIT 1"
    )
    await shop.update("follow_up_plan", done, state="DONE")
    shop.clock.move(DAY)
    await night(shop)
    assert [plan["name"] for plan in await checks(shop)] == ["A", "B", "C"]


async def test_nobody_s_customers_are_told_to_who_leads_and_closed_archives_to_nobody_else(shop, people):
    free = await shop.create("customer", name="Free")
    closed = await shop.create("customer", name="Closed", owner_id=people["Nancy"])
    await shop.change(Change("customer", "update", closed, values={"restricted": True}), internally=True)
    for customer in (free, closed):
        await bought(shop, customer, (200, 50))
    await night(shop)
    assert {name for name, *_ in await entries(shop)} == {"Free", "Closed"}
    assert [(one["member_id"], one["title"]) for one in await told(shop)] == [
        (people["Margaret"], "Watch list: Free")
    ]


@pytest.mark.requirement("A11")
async def test_an_owner_who_may_not_read_the_list_is_not_told_of_it(shop, people):
    anne = await shop.hire("Anne", "MARKETER")
    customer = await shop.create("customer", name="Theirs", owner_id=anne)
    await shop.update("customer", customer, insolvency="BANKRUPTCY")
    await shop.work()
    assert [one["member_id"] for one in await told(shop)] == [people["Margaret"]]


async def test_people_cannot_write_the_list_themselves(shop, people):
    customer = await shop.create("customer", name="Mine", owner_id=people["Nancy"])
    nancy = await shop.as_member(people["Nancy"])
    with pytest.raises((Forbidden, Refused)):
        await shop.create("watch_entry", viewer=nancy, customer_id=customer, side="BEST")
    with pytest.raises(Refused):
        await shop.update("customer", customer, viewer=nancy, credit_before="AA")
    assert await entries(shop) == []


async def test_the_management_gets_a_report_of_both_ends(shop, people):
    robert = await shop.hire("Robert", "REPRESENTATIVE")
    for name, owner, orders in (
        ("Silent", people["Nancy"], [(200, 50)]),
        ("Rises", robert, [(120, 100), (30, 200)]),
        ("Steady", robert, [(120, 100), (30, 100)]),
    ):
        await bought(shop, await shop.create("customer", number=name, name=name, owner_id=owner), *orders)
    await rule(shop, best={"top": 1})
    await night(shop)
    sheets = await reported(shop, people["Margaret"])
    assert sheets["Both ends"] == [["Customers at risk", 1, 1, 0], ["Best customers", 1, 1, 0]]
    assert sheets["By reason"] == [
        ["Customers at risk", "Silence", 1],
        ["Best customers", "Among the largest", 1],
        ["Best customers", "Sales rise", 1],
    ]
    (silent,), (rises,) = sheets["Customers at risk"], sheets["Best customers"]
    assert silent[:3] == ["Silent", "Silent", "Nancy"]
    assert silent[4:] == ["2026-03-02", 0, 1, "Neither a purchase nor a contact for 200 days."]
    assert rises[-1] == "Among the 1 largest: USD 300.00 in twelve months. Sales of 3 months rose by 100 %."
    of_steven = await reported(shop, people["Steven"])  # Robert is in nobody's department
    assert (len(of_steven["Customers at risk"]), of_steven["Best customers"]) == (1, [])
    finance = await shop.hire("Laura", "FINANCE")
    with pytest.raises(Forbidden):
        await reported(shop, finance)


@pytest.mark.parametrize(
    ("content", "code", "path"),
    [
        ({}, "INVALID_CONTENT", ()),
        ({"months": 0}, "OUT_OF_RANGE", ("months",)),
        ({"months": None}, "INVALID_NUMBER", ("months",)),
        ({"risk": {"sales_fall": 101}}, "OUT_OF_RANGE", ("risk", "sales_fall")),
        ({"risk": {"satisfaction": "low"}}, "INVALID_NUMBER", ("risk", "satisfaction")),
        ({"best": {"silent_days": 3}}, "UNKNOWN_THRESHOLD", ("best", "silent_days")),
        ({"risk": 3}, "INVALID_CONTENT", ("risk",)),
    ],
)
async def test_thresholds_that_make_no_sense_are_refused(shop, content, code, path):
    with pytest.raises(Refused) as refused:
        await rule(shop, **content)
    (error,) = refused.value.errors
    assert (error.code, error.path[-len(path) or len(error.path) :]) == (code, path)
    assert await shop.value("SELECT count(*) FROM rule_version WHERE kind = 'watching'") == 0


CALENDAR = WorkingCalendar(country="CN")
LIMITS = Thresholds(
    months=3,
    least_sales=0,
    check_within=3,
    checks_each=10,
    risk={
        "reasons": 1, "sales_fall": 30, "arrears_days": 30, "credit_drop_days": 90, "grade_fall_days": 90,
        "satisfaction": 2.5, "silent_days": 90,
    },
    best={"reasons": 2, "top": 20, "sales_rise": 20, "satisfaction": 4.5},
)  # fmt: skip
UNKNOWN = {
    "trend": None, "oldest_days": None, "overdue": None, "satisfaction": None, "silent_days": None,
    "dropped_days": None, "credit_before": None, "grade_before": None, "credit_rating": None, "insolvency": None, "top": False, "year": None,
}  # fmt: skip


@given(today=st.dates(date(2024, 12, 1), date(2026, 3, 31)), within=st.integers(1, 10))
def test_a_check_is_never_due_on_a_day_off(today, within):
    due = check_day(CALENDAR, today, within)
    days = [today + n * DAY for n in range(1, (due - today).days + 1)]
    assert len([day for day in days if CALENDAR.is_working(day)]) == within
    assert CALENDAR.is_working(due)


@given(
    trend=st.none() | st.decimals(-100, 1000, places=1),
    oldest_days=st.none() | st.integers(0, 400),
    satisfaction=st.none() | st.decimals(1, 5, places=2),
    silent_days=st.none() | st.integers(0, 400),
)
def test_unknown_figures_are_no_reasons_and_worse_ones_never_take_a_reason_away(
    trend, oldest_days, satisfaction, silent_days
):
    row = UNKNOWN | {
        "trend": trend, "oldest_days": oldest_days, "satisfaction": satisfaction, "silent_days": silent_days,
        "overdue": 1,
    }  # fmt: skip
    found = reasons_of(row, LIMITS, RISK)
    for name, column in (
        ("SALES_FALL", "trend"), ("ARREARS", "oldest_days"), ("DISSATISFIED", "satisfaction"),
        ("SILENCE", "silent_days"),
    ):  # fmt: skip
        if row[column] is None:
            assert name not in found
    worse = {"trend": -1, "oldest_days": 1, "satisfaction": -1, "silent_days": 1}
    later = {name: row[name] + step for name, step in worse.items() if row[name] is not None}
    assert found.keys() <= reasons_of(row | later, LIMITS, RISK).keys()
    assert reasons_of(UNKNOWN, LIMITS, RISK) == reasons_of(UNKNOWN, LIMITS, BEST) == {}
