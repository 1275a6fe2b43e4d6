"""Quiet hours and the time of the mail of the day, as each member has chosen them (T10)."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kedang_platform.errors import Forbidden, Refused
from kedang_platform.time_zones import TimeZoneUnknown
from kedang_tenants.people.inbox import inbox_of
from kedang_tenants.people.notice_schedules import (
    DigestInQuietHours,
    QuietHoursEndless,
    QuietHoursIncomplete,
    ask_for_own_digests,
    set_times,
)
from tests.people.test_notice_mails import day_comes, wish
from tests.people.test_telling import NANCY, say, telling
from tests.support.digests import digests

NIGHT = ("21:30", "07:00")


def new_york(hour, minute=0, day=2):
    """An instant of the first days of March 2026, in winter time."""
    return datetime(2026, 3, day, 5, minute, tzinfo=UTC) + timedelta(hours=hour)


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy Davolio", "SERVICE_AGENT")


async def choose(shop, member, *, quiet=(None, None), digest_at=None, time_zone=None):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        return await set_times(
            write, viewer, quiet=quiet, digest_at=digest_at, time_zone=time_zone, clock=shop.clock
        )


async def times(shop, member):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        found = (await inbox_of(read, await shop.as_member(member))).times
    quiet = found.quiet and (f"{found.quiet.begin:%H:%M}", f"{found.quiet.end:%H:%M}")
    return quiet, f"{found.digest_at:%H:%M}", found.zone.key, found.chosen


async def a_day_passes(shop):
    """What the scheduler asks for at midnight, and everything that falls due in the 24 hours from now on."""
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await ask_for_own_digests(write, start=shop.clock.now(), zone=shop.company.time_zone)
    await shop.work()
    for _ in range(24):
        shop.clock.move(timedelta(hours=1))
        await shop.work()


@pytest.mark.requirement("T10")
async def test_in_quiet_hours_a_mail_waits_and_the_inbox_does_not(shop, nancy):
    other = await shop.hire("Janet Leverling", "SERVICE_AGENT")
    await choose(shop, nancy, quiet=NIGHT)
    shop.clock.instant = new_york(22)
    assert await say(shop, telling(nancy), telling(other)) == 2
    await shop.work()
    assert await shop.value("SELECT count(*) FROM notice") == 2
    assert shop.mails_to(NANCY) == []
    assert len(shop.mails_to("janet.leverling@northwind.example")) == 1
    shop.clock.instant = new_york(6, 59, day=3)
    await shop.work()
    assert shop.mails_to(NANCY) == []
    shop.clock.instant = new_york(7, day=3)
    await shop.work()
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Request SR-2026-1 is yours"


async def test_what_comes_late_into_quiet_hours_waits_for_their_end(shop, nancy):
    """As where the company was suspended, or no worker ran."""
    await choose(shop, nancy, quiet=NIGHT)
    other = await shop.hire("Janet Leverling", "SERVICE_AGENT")
    shop.clock.instant = new_york(21)
    await say(shop, telling(nancy), telling(other))
    shop.clock.instant = new_york(22)
    await shop.work()
    assert shop.mails_to(NANCY) == []
    assert len(shop.mails_to("janet.leverling@northwind.example")) == 1
    shop.clock.instant = new_york(7, day=3)
    await shop.work()
    assert len(shop.mails_to(NANCY)) == 1
    shop.clock.move(timedelta(hours=2))
    await shop.work()
    assert await shop.fetch("SELECT DISTINCT mail_state FROM notice") == [{"mail_state": "SENT"}]


async def test_quiet_hours_hold_where_the_member_is(shop, nancy):
    await choose(shop, nancy, quiet=NIGHT, time_zone="Asia/Shanghai")
    assert await times(shop, nancy) == (NIGHT, "08:30", "Asia/Shanghai", True)
    await say(shop, telling(nancy))  # nine in the morning in New York, ten in the evening in Shanghai
    await shop.work()
    assert shop.mails_to(NANCY) == []
    shop.clock.instant = datetime(2026, 3, 2, 23, tzinfo=UTC)
    await shop.work()
    assert len(shop.mails_to(NANCY)) == 1


@pytest.mark.requirement("T10")
async def test_the_letter_of_the_day_comes_at_the_chosen_time_once(shop, nancy):
    late, usual = await shop.hire("Late", "SERVICE_AGENT"), await shop.hire("Usual", "SERVICE_AGENT")
    for member in (nancy, late, usual):
        await wish(shop, member, "DIGEST")
    shop.clock.instant = new_york(0, day=3)
    await choose(shop, nancy, digest_at="08:30", time_zone="Asia/Shanghai")
    await choose(shop, late, digest_at="17:00")
    await say(shop, telling(nancy), telling(late), telling(usual))
    await day_comes(shop, shop.clock.now().date())  # half past eight, for those who have chosen nothing
    assert [len(shop.mails_to(f"{name}@northwind.example")) for name in ("usual", "late")] == [1, 0]
    sent = {}
    async with shop.databases.tenant_write(shop.company.ref) as write:
        for _ in range(2):  # asked for again it is the same letter
            await ask_for_own_digests(write, start=shop.clock.now(), zone=shop.company.time_zone)
    for hour in range(24):
        shop.clock.instant = new_york(0, day=3) + timedelta(hours=hour, minutes=30)
        await shop.work()
        for address in (NANCY, "late@northwind.example"):
            if shop.mails_to(address):
                sent.setdefault(address, shop.clock.now().isoformat())
    # Half past eight in Shanghai of the 4th, five in the afternoon in New York of the 3rd.
    assert sent == {NANCY: "2026-03-04T00:30:00+00:00", "late@northwind.example": "2026-03-03T22:30:00+00:00"}
    (mail,) = shop.mails_to(NANCY)
    assert mail.subject == "Notices of 2026-03-04: 1"
    await a_day_passes(shop)
    assert len(shop.mails_to(NANCY)) == len(shop.mails_to("late@northwind.example")) == 1


async def test_a_time_chosen_today_holds_today(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await choose(shop, nancy, digest_at="18:00")  # at nine in the morning
    await say(shop, telling(nancy))
    await day_comes(shop, shop.clock.now().date())
    assert shop.mails_to(NANCY) == []
    shop.clock.instant = new_york(18)
    await shop.work()
    assert len(shop.mails_to(NANCY)) == 1


async def test_who_names_the_company_s_zone_and_who_names_none_both_get_their_letter(shop, nancy):
    janet = await shop.hire("Janet Leverling", "SERVICE_AGENT")
    for member, zone in ((nancy, "America/New_York"), (janet, None)):
        await wish(shop, member, "DIGEST")
        await choose(shop, member, digest_at="18:00", time_zone=zone)
    await say(shop, telling(nancy), telling(janet))
    await a_day_passes(shop)
    assert len(shop.mails_to(NANCY)) == len(shop.mails_to("janet.leverling@northwind.example")) == 1


async def test_the_last_hour_of_a_day_of_25_has_its_letters(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await shop.create("calendar_day", day=date(2026, 11, 1), kind="WORKING_DAY")
    shop.clock.instant = datetime(2026, 10, 31, 12, tzinfo=UTC)
    await choose(shop, nancy, digest_at="23:30")
    shop.clock.instant = datetime(2026, 11, 1, 4, tzinfo=UTC)  # midnight in New York, of a day of 25 hours
    await shop.work()
    await say(shop, telling(nancy))
    await a_day_passes(shop)
    assert shop.mails_to(NANCY) == []
    shop.clock.instant = datetime(2026, 11, 2, 4, 30, tzinfo=UTC)
    await shop.work()
    assert [mail.subject for mail in shop.mails_to(NANCY)] == ["Notices of 2026-11-01: 1"]


async def test_a_time_that_was_given_up_is_void(shop, nancy):
    await wish(shop, nancy, "DIGEST")
    await choose(shop, nancy, digest_at="10:00")
    await choose(shop, nancy, digest_at="12:00")
    await say(shop, telling(nancy))
    shop.clock.instant = new_york(11)
    await shop.work()
    assert shop.mails_to(NANCY) == []
    shop.clock.instant = new_york(12)
    await shop.work()
    assert len(shop.mails_to(NANCY)) == 1


@pytest.mark.parametrize(
    ("wrong", "error", "path"),
    [
        ({"quiet": ("22:00", None)}, QuietHoursIncomplete, ("input", "quietUntil")),
        ({"quiet": (None, "07:00")}, QuietHoursIncomplete, ("input", "quietFrom")),
        ({"quiet": ("07:00", "07:00")}, QuietHoursEndless, ("input", "quietUntil")),
        ({"quiet": ("00:00", "24:00")}, QuietHoursEndless, ("input", "quietUntil")),
        ({"quiet": ("22:00", "09:00")}, DigestInQuietHours, ("input", "digestAt")),
        ({"quiet": NIGHT, "digest_at": "21:30"}, DigestInQuietHours, ("input", "digestAt")),
        ({"time_zone": "Mars/Olympus"}, TimeZoneUnknown, ("input", "timeZone")),
    ],
)
async def test_times_that_cannot_be_are_refused(shop, nancy, wrong, error, path):
    before = await digests(shop.databases, shop.company.ref)
    with pytest.raises(error) as refused:
        await choose(shop, nancy, **wrong)
    assert refused.value.path == path
    assert await digests(shop.databases, shop.company.ref) == before
    assert await times(shop, nancy) == (None, "08:30", "America/New_York", False)


async def test_what_is_no_time_is_refused(shop, nancy):
    with pytest.raises(Refused) as refused:
        await choose(shop, nancy, digest_at="25:00")
    assert [(error.code, error.path) for error in refused.value.errors] == [
        ("INVALID_TIME", ("input", "digestAt"))
    ]
    assert await shop.value("SELECT count(*) FROM notice_schedule") == 0


async def test_times_are_one_s_own(shop, nancy):
    await choose(shop, nancy, quiet=NIGHT)
    await choose(shop, nancy, digest_at="09:15")
    assert await times(shop, nancy) == (None, "09:15", "America/New_York", True)
    assert await times(shop, shop.viewer.member_id) == (None, "08:30", "America/New_York", False)
    product = await shop.product()
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Forbidden):
            await set_times(write, product, quiet=NIGHT, digest_at=None, time_zone=None, clock=shop.clock)
