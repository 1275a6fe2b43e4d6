"""What a day begins with: reminders at everybody's own time, and the warning that a calendar is not known."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import orjson
import pytest

from kedang_platform.errors import Refused
from kedang_platform.work import NewJob, enqueue
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.people.calendar_warning import unknown_years
from kedang_workers import handlers
from kedang_workers.doctor.companies import calendars
from tests.support.trading import open_shop

FRIDAY = date(2026, 3, 6)


async def begin(shop, day=FRIDAY):
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await enqueue(write, NewJob("followups.day", {"date": day.isoformat()}))
    await shop.work()


async def planned(shop):
    rows = await shop.fetch(
        "SELECT kind, due_at, payload FROM work.job WHERE kind IN ('followups.remind', 'followups.escalate')"
        " ORDER BY due_at, kind"
    )
    return [(row["kind"], row["due_at"], orjson.loads(row["payload"]).get("until")) for row in rows]


async def member_with(shop, name, *, wants="EMAIL", **times):
    """Somebody with times of their own, or without any, who wants to be told of what is due at once or in the letter of the day."""
    member = await shop.hire(name, "REPRESENTATIVE")
    if times:
        await shop.create("notice_schedule", internally=True, member_id=member, **times)
    await shop.create(
        "notice_preference", internally=True, member_id=member, kind="FOLLOW_UPS_DUE", channel=wants
    )
    return member


def test_a_day_begins_at_midnight_of_the_company_s_zone():
    rule = {rule.name: rule for rule in handlers.load().rules}["followups.remind"]
    zone = ZoneInfo("America/New_York")
    # The clocks go forward at two on 8 March 2026.
    for now, midnight in (
        (datetime(2026, 3, 8, 20, tzinfo=UTC), "2026-03-08T00:00:00-05:00"),
        (datetime(2026, 3, 9, 20, tzinfo=UTC), "2026-03-09T00:00:00-04:00"),
    ):
        assert rule.pattern.latest(now, zone).astimezone(zone).isoformat() == midnight
    assert rule.kind == "followups.day"


@pytest.mark.requirement("T10", "T6")
async def test_everybody_is_told_at_the_company_s_time_or_before_their_own_mail_of_the_day(shop):
    # New York, Friday: the company's time is eight, which is 13:00 in UTC.
    await member_with(shop, "Late", wants="DIGEST", digest_at="18:00")
    await member_with(shop, "Early", wants="DIGEST", digest_at="07:00")
    await member_with(shop, "At Once", digest_at="05:00")
    await member_with(shop, "Angeles", time_zone="America/Los_Angeles")
    await begin(shop)
    half_past_six, eight, angeles = (datetime(2026, 3, 6, hour, tzinfo=UTC) for hour in (11, 13, 16))
    half_past_six += timedelta(minutes=30)
    assert await planned(shop) == [
        ("followups.remind", half_past_six, half_past_six.isoformat()),
        ("followups.escalate", eight, None),
        ("followups.remind", eight, eight.isoformat()),
        ("followups.remind", angeles, None),
    ]


async def test_a_company_that_reminds_late_does_so_before_the_mail_of_the_day_of_who_wants_it_there(shop):
    week = await shop.create("working_week", internally=True, weekend=["SATURDAY", "SUNDAY"])
    await shop.update("working_week", week, digest_at="10:00")
    await member_with(shop, "In the Letter", wants="DIGEST")
    await begin(shop)
    eight, ten = (datetime(2026, 3, 6, hour, tzinfo=UTC) for hour in (13, 15))
    assert await planned(shop) == [
        ("followups.remind", eight, eight.isoformat()),
        ("followups.escalate", ten, None),
        ("followups.remind", ten, None),
    ]


@pytest.mark.requirement("T10", "T6")
async def test_east_of_the_company_a_day_is_told_in_its_own_morning(shop):
    tokyo = await member_with(shop, "Tokyo", digest_at="08:30", time_zone="Asia/Tokyo")
    here = await shop.hire("Here", "REPRESENTATIVE")
    for member in (tokyo, here):
        customer = await shop.create("customer", name=f"Customer {member}", owner_id=member)
        await shop.create("follow_up_plan", customer_id=customer, owner_id=member, due_on=FRIDAY)
    await shop.work()
    told = "SELECT member_id, occasion FROM notice WHERE kind = 'FOLLOW_UPS_DUE' ORDER BY created_at, id"
    # Eight on Friday in Tokyo is six on Thursday in the evening in New York.
    for day, hour, known in (
        (5, 5, []),
        (5, 22, []),
        (5, 23, [tokyo]),
        (6, 5, [tokyo]),
        (6, 13, [tokyo, here]),
    ):
        shop.clock.instant = datetime(2026, 3, day, hour, tzinfo=UTC)
        await (begin(shop, date(2026, 3, day)) if hour == 5 else shop.work())
        rows = await shop.fetch(told)
        assert [row["member_id"] for row in rows] == known, (day, hour)
        assert {row["occasion"] for row in rows} <= {"follow-ups:2026-03-06"}
    # Saturday is a day of rest: nothing of it is asked for on Friday.
    assert datetime(2026, 3, 6, 23, tzinfo=UTC) not in {at for _, at, _ in await planned(shop)}


async def test_the_company_says_when_it_reminds(shop):
    week = await shop.create("working_week", internally=True, weekend=["SATURDAY", "SUNDAY"])
    await shop.update("working_week", week, digest_at="06:15")
    await begin(shop)
    at = datetime(2026, 3, 6, 11, 15, tzinfo=UTC)
    assert await planned(shop) == [("followups.escalate", at, None), ("followups.remind", at, None)]


async def test_on_a_day_of_rest_nothing_is_planned_and_overrides_follow_at_once(shop):
    await begin(shop, date(2026, 3, 7))
    assert await planned(shop) == []
    await shop.create("calendar_day", day=date(2026, 3, 7), kind="WORKING_DAY")
    await begin(shop, date(2026, 3, 7))
    assert len(await planned(shop)) == 2
    # A holiday that is entered in the night is one: what was planned tells nobody.
    customer = await shop.create("customer", name="Ernst Handel", owner_id=shop.viewer.member_id)
    await shop.create("follow_up_plan", customer_id=customer, due_on=FRIDAY)
    await begin(shop)
    await shop.create("calendar_day", day=FRIDAY, kind="HOLIDAY")
    shop.clock.instant = datetime(2026, 3, 6, 14, tzinfo=UTC)
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 0


async def test_a_day_that_is_over_is_told_of_no_more(shop):
    """As where a company was suspended meanwhile, or no worker ran."""
    customer = await shop.create("customer", name="Ernst Handel", owner_id=shop.viewer.member_id)
    late = date(2026, 2, 2)
    await shop.create("follow_up_plan", customer_id=customer, owner_id=shop.viewer.member_id, due_on=late)
    nancy = await shop.hire("Nancy Davolio", "REPRESENTATIVE", superior_id=shop.viewer.member_id)
    await shop.create("follow_up_plan", customer_id=customer, owner_id=nancy, due_on=late)
    await shop.work()
    await begin(shop)
    assert [kind for kind, *_ in await planned(shop)] == ["followups.escalate", "followups.remind"]
    shop.clock.instant = datetime(2026, 3, 10, 13, tzinfo=UTC)
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 0
    assert await shop.value("SELECT count(*) FROM due_escalation") == 0
    await begin(shop, date(2026, 3, 10))
    assert await shop.fetch("SELECT DISTINCT occasion FROM notice ORDER BY 1") == [
        {"occasion": "escalated:2026-03-10"},
        {"occasion": "follow-ups:2026-03-10"},
    ]


async def test_habits_that_cannot_be_are_refused_and_nothing_changes(shop):
    week = await shop.create("working_week", internally=True, weekend=["SUNDAY"])
    wrong = [
        ({"escalate_after": 6}, [("ESCALATES_TOO_SOON", ("input", "escalateFurtherAfter"))]),
        ({"escalate_further_after": 3}, [("ESCALATES_TOO_SOON", ("input", "escalateFurtherAfter"))]),
        ({"digest_at": "24:00"}, [("AFTER_THE_DAY", ("input", "digestAt"))]),
        ({"escalate_after": 0}, [("OUT_OF_RANGE", ("input", "escalateAfter"))]),
    ]
    for values, codes in wrong:
        with pytest.raises(Refused) as refused:
            await shop.update("working_week", week, **values)
        assert [(error.code, error.path) for error in refused.value.errors] == codes
    assert await shop.fetch("SELECT digest_at, escalate_after, escalate_further_after FROM working_week") == [
        {"digest_at": "08:00", "escalate_after": 3, "escalate_further_after": 6}
    ]
    await shop.update("working_week", week, escalate_after=None, escalate_further_after=1)
    await shop.work()
    assert await shop.value("SELECT count(*) FROM work.job WHERE kind = 'followups.replan'") == 0


def test_a_year_is_unknown_from_december_of_the_year_before_until_it_is_announced_or_entered():
    china = WorkingCalendar(country="CN")
    assert unknown_years(china, date(2098, 11, 30)) == [2098]
    assert unknown_years(china, date(2098, 12, 1)) == [2098, 2099]
    assert unknown_years(china, date(2025, 12, 31)) == []
    entered = WorkingCalendar(country="CN", extra_working_days=frozenset({date(2099, 2, 28)}))
    assert unknown_years(entered, date(2098, 12, 1)) == [2098]
    assert unknown_years(WorkingCalendar(country="US"), date(2098, 12, 1)) == []


@pytest.fixture
async def chinese(databases, database_settings, tmp_path):
    return await open_shop(
        databases,
        database_settings.model_copy(update={"var": tmp_path}),
        country="CN",
        time_zone="Asia/Shanghai",
    )


@pytest.mark.requirement("T6", "T10")
async def test_administrators_hear_once_a_month_that_the_next_calendar_is_missing(chinese):
    await chinese.hire("Admin", "ADMIN")
    await chinese.hire("Away", "ADMIN", state="SUSPENDED")
    await chinese.hire("Nancy Davolio", "REPRESENTATIVE")
    told = "SELECT m.name, n.title, n.occasion FROM notice n JOIN member m ON m.id = n.member_id ORDER BY n.created_at, n.id"
    # Until the year is announced in a release that was made long before it, the days are an estimate.
    await chinese.create("calendar_day", day=date(2098, 10, 1), kind="HOLIDAY")
    await begin(chinese, date(2098, 11, 30))
    assert await chinese.fetch(told) == []
    for day in (date(2098, 12, 1), date(2098, 12, 2), date(2098, 12, 31)):
        await begin(chinese, day)
    rows = await chinese.fetch(told)
    assert [row["name"] for row in rows] == ["Andrew Fuller", "Admin"]
    assert {row["occasion"] for row in rows} == {"calendar:2099:2098-12"}
    assert orjson.loads(rows[0]["title"]) == {
        "en": "The working calendar of 2099 is missing",
        "zh": "缺少 2099 年的工作日历",
    }
    await begin(chinese, date(2099, 1, 1))
    assert len(await chinese.fetch(told)) == 4
    await chinese.create("calendar_day", day=date(2099, 2, 1), kind="WORKING_DAY")
    await begin(chinese, date(2099, 2, 1))
    assert len(await chinese.fetch(told)) == 4


async def test_the_doctor_names_the_countries_of_companies_whose_calendar_is_missing(chinese):
    async with chinese.databases.control_read() as read:
        assert [
            (found.code, found.severity, dict(found.params))
            for found in await calendars(read, today=date(2098, 12, 1))
            if found.params["year"] == 2099
        ] == [("CALENDAR_MISSING", "warning", {"country": "CN", "year": 2099})]
        assert await calendars(read, today=date(2026, 11, 22)) == []


async def test_a_plan_in_a_year_that_is_not_known_says_so_until_it_is(chinese):
    await chinese.publish_default_scheme()
    level = await chinese.value("SELECT id FROM grade_level WHERE code = 'E'")
    await chinese.update("grade_level", level, cycle_days=3650)
    chinese.clock.instant = datetime(2090, 3, 2, 1, tzinfo=UTC)
    await chinese.create("customer", name="Ernst Handel", roles=["BUYER"], owner_id=chinese.viewer.member_id)
    await chinese.work()
    rule = "SELECT rule FROM follow_up_plan WHERE state = 'PLANNED'"
    asked = "The first working day at least 3650 days after 2090-03-02, when the customer was assigned, as level E asks."
    assert orjson.loads(await chinese.value(rule))["en"] == (
        f"{asked} The calendar of 2100 is not known yet, so the day is an estimate."
    )
    assert "顺延至下一个工作日。2100 年的工作日历" in orjson.loads(await chinese.value(rule))["zh"]
    await chinese.create("calendar_day", day=date(2100, 10, 1), kind="HOLIDAY")
    await chinese.work()
    assert orjson.loads(await chinese.value(rule))["en"] == asked
