"""A member's calendar by a secret address: read by a real client library, with the member's own rights (F8)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden
from kedang_platform.secret_links import read_secret_part
from kedang_tenants.changing import Change
from kedang_tenants.followups import calendar_entries
from kedang_tenants.followups.calendar_entries import calendar_of
from kedang_tenants.followups.calendar_feeds import (
    end_calendar_address,
    make_calendar_address,
    member_by_calendar,
)
from kedang_tenants.followups.icalendar import Entry, calendar_text

pytestmark = pytest.mark.requirement("F8")
NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
CHANGED = datetime(2026, 3, 2, 12, tzinfo=UTC)


def parsed(entries, name="Kedang"):
    text = calendar_text(entries, name=name, refresh=HOUR)
    return text, icalendar.Calendar.from_ical(text)


def entry(**said):
    begins = said.get("begins", date(2026, 3, 5))
    return Entry(
        **{
            "uid": "a@x.example",
            "begins": begins,
            "ends": begins + timedelta(days=1),
            "summary": "S",
            "changed_at": CHANGED,
            "sequence": 0,
        }
        | said
    )


_TEXTS = st.text(
    st.one_of(
        st.sampled_from(list("\\;,:\"'\n =")),
        st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\u2028\u2029\x85"),
    ),
    max_size=200,
)


@settings(max_examples=60)
@given(summary=_TEXTS, description=_TEXTS, location=_TEXTS)
def test_every_text_comes_back_and_no_line_is_longer_than_75_octets(summary, description, location):
    text, calendar = parsed([entry(summary=summary, description=description, location=location)])
    lines = text.encode().split(b"\r\n")
    assert lines[-1] == b""
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()  # no character is cut in two
    (event,) = calendar.walk("VEVENT")
    assert event["SUMMARY"] == summary
    assert event.get("DESCRIPTION", "") == description
    assert event.get("LOCATION", "") == location


def test_lines_end_as_the_standard_says_and_signs_that_no_line_may_hold_are_left_out():
    text, calendar = parsed([entry(summary="a\x00b\x7f\x9bc\r\nd\re\u2028ATTACH:f\u2029g\x85h")])
    assert text.splitlines() == text.removesuffix("\r\n").split("\r\n")  # however a program parts lines
    (event,) = calendar.walk("VEVENT")
    assert event["SUMMARY"] == "abc\nd\ne\nATTACH:f\ng\nh"


@pytest.mark.parametrize(
    ("day", "at", "utc"),
    [
        (date(2026, 3, 6), "10:00", datetime(2026, 3, 6, 15, tzinfo=UTC)),  # winter
        (date(2026, 3, 9), "10:00", datetime(2026, 3, 9, 14, tzinfo=UTC)),  # summer time since the 8th
        (
            date(2026, 3, 8),
            "01:30",
            datetime(2026, 3, 8, 6, 30, tzinfo=UTC),
        ),  # over the hour that is left out
        (
            date(2026, 11, 1),
            "00:30",
            datetime(2026, 11, 1, 4, 30, tzinfo=UTC),
        ),  # over the hour that comes twice
        (date(2026, 11, 2), "10:00", datetime(2026, 11, 2, 15, tzinfo=UTC)),
        (date(2024, 2, 28), "24:00", datetime(2024, 2, 29, 5, tzinfo=UTC)),
        (date(2024, 12, 31), "24:00", datetime(2025, 1, 1, 5, tzinfo=UTC)),
    ],
)
async def test_a_time_of_the_day_is_that_of_the_company(shop, day, at, utc):
    shop.clock.move(datetime(day.year, day.month, day.day, 12, tzinfo=UTC) - shop.clock.now())
    nancy = await shop.hire("Nancy", "REPRESENTATIVE")
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    await shop.create(
        "follow_up_plan", customer_id=customer, owner_id=nancy, due_on=day, at_time=at, duration_minutes=90
    )
    (found,) = await entries(shop, nancy)
    assert (found.begins, found.ends.astimezone(UTC) - found.begins.astimezone(UTC)) == (
        utc, timedelta(minutes=90),
    )  # fmt: skip


async def entries(shop, member):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await calendar_of(read, viewer, host="kedang.example", clock=shop.clock)


@pytest.fixture
async def nancy(shop):
    return await shop.hire("Nancy", "REPRESENTATIVE", language="EN")


@pytest.fixture
async def filled(shop, nancy):
    """A follow-up, a visit on a day out, a meeting and an action of Nancy's; the same of Janet's."""
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    for member, name in ((nancy, "Alfreds"), (janet, "Blauer See")):
        customer = await shop.create(
            "customer", name=name, owner_id=member, address="Obere Str. 57", city="Berlin"
        )
        contact = await shop.create("contact", customer_id=customer, name="Maria Anders")
        await shop.create(
            "follow_up_plan", customer_id=customer, owner_id=member, due_on=date(2026, 3, 4), way="CALL",
            purpose="Prices", contact_id=contact,
        )  # fmt: skip
        form = await shop.create(
            "visit_form", member_id=member, visit_on=date(2026, 3, 6), leaves_at="08:00", returns_at="17:00"
        )
        await shop.create(
            "follow_up_plan", customer_id=customer, owner_id=member, due_on=date(2026, 3, 9),
            visit_form_id=form, at_time="10:00",
        )  # fmt: skip
        begins = datetime(2026, 3, 5, 15, tzinfo=UTC)
        meeting = await shop.create(
            "meeting", customer_id=customer, organiser_id=member, subject="Pumps; pipes, valves",
            starts_at=begins, ends_at=begins + HOUR, place="Room 1", aim="A contract",
        )  # fmt: skip
        await shop.create(
            "meeting_action",
            meeting_id=meeting,
            task="Send an offer",
            owner_id=member,
            due_on=date(2026, 3, 10),
        )
    return nancy


async def test_a_client_library_reads_what_stands_in_a_members_calendar(shop, filled):
    text, calendar = parsed(await entries(shop, filled), name="Kedang · Northwind Traders")
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    assert calendar["X-WR-CALNAME"] == "Kedang · Northwind Traders"
    events = {str(event["SUMMARY"]): event for event in calendar.walk("VEVENT")}
    assert list(events) == [
        "Call: Alfreds",
        "Visit: Alfreds",
        "Out with customers (1 visits)",
        "Pumps; pipes, valves (Alfreds)",
        "Send an offer",
    ]
    call, visit, out, meeting, action = events.values()
    assert (call["DTSTART"].dt, call["DTEND"].dt) == (date(2026, 3, 4), date(2026, 3, 5))
    assert call["DESCRIPTION"] == "Prices\nPerson to be met: Maria Anders"
    assert "LOCATION" not in call
    assert visit["DTSTART"].dt == datetime(2026, 3, 6, 15, tzinfo=UTC)  # on the day out, at ten in New York
    assert visit["LOCATION"] == "Obere Str. 57, Berlin"
    assert (out["DTSTART"].dt, out["DTEND"].dt) == (
        datetime(2026, 3, 6, 13, tzinfo=UTC), datetime(2026, 3, 6, 22, tzinfo=UTC),
    )  # fmt: skip
    assert (out["STATUS"], meeting["STATUS"]) == ("TENTATIVE", "CONFIRMED")
    assert meeting["DTSTART"].dt == datetime(2026, 3, 5, 15, tzinfo=UTC)
    assert (meeting["LOCATION"], meeting["DESCRIPTION"]) == ("Room 1", "Aim: A contract")
    assert action["DTSTART"].dt == date(2026, 3, 10)
    assert len({str(event["UID"]) for event in events.values()}) == 5
    assert (await entries(shop, filled), text) == (
        await entries(shop, filled),
        parsed(await entries(shop, filled), name="Kedang · Northwind Traders")[0],
    )


async def test_what_is_done_stands_on_the_day_on_which_it_was(shop, nancy):
    customer = await shop.create("customer", name="Alfreds", owner_id=nancy)
    for due, at in ((date(2026, 3, 2), "10:00"), (date(2026, 3, 30), "10:00"), (date(2026, 3, 31), None)):
        plan = await shop.create(
            "follow_up_plan", customer_id=customer, owner_id=nancy, due_on=due, at_time=at, way="CALL"
        )
        await shop.create(
            "follow_up_record", customer_id=customer, plan_id=plan, at=shop.clock.now(), way="CALL"
        )
    found = [one.begins for one in await entries(shop, nancy)]
    assert found == [datetime(2026, 3, 2, 15, tzinfo=UTC), date(2026, 3, 2), date(2026, 3, 2)]


async def test_a_past_full_of_calls_hides_nothing_of_what_comes(shop, filled, monkeypatch):
    monkeypatch.setattr(calendar_entries, "MOST", 2)
    alfreds = await shop.value("SELECT id FROM customer WHERE name = 'Alfreds'")
    for back in (20, 10, 1):
        await shop.create(
            "follow_up_plan", customer_id=alfreds, owner_id=filled, due_on=date(2026, 3, 2) - timedelta(days=back),
            purpose=f"{back} days ago",
        )  # fmt: skip
    found = [one for one in await entries(shop, filled) if one.uid.startswith("fpl")]
    assert [(one.begins.day, one.description.partition("\n")[0]) for one in found] == [
        (1, "1 days ago"),
        (4, "Prices"),
    ]


@pytest.mark.parametrize(
    "day", [date(2026, 3, 6), date(2026, 3, 8)]
)  # on the latter the clocks leave out 2:30
async def test_a_day_out_ends_after_it_begins(shop, nancy, day):
    at, back = ("08:00", "08:00") if day.day == 6 else ("02:30", "03:00")
    await shop.create("visit_form", member_id=nancy, visit_on=day, leaves_at=at, returns_at=back)
    (found,) = await entries(shop, nancy)
    assert found.ends - found.begins == timedelta(minutes=1)


async def test_a_calendar_has_what_the_member_may_read_now(shop, filled):
    alfreds = await shop.value("SELECT id FROM customer WHERE name = 'Alfreds'")
    restrict = Change("customer", "update", alfreds, values={"restricted": True})
    await shop.change(restrict, internally=True)
    assert [found.summary for found in await entries(shop, filled)] == ["Out with customers (1 visits)"]
    await shop.update("member", filled, language="ZH_CN")
    assert len(await entries(shop, filled)) == 1


async def make(shop, member):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        path = await make_calendar_address(write, viewer, company=shop.company, clock=shop.clock)
    assert path.startswith("/calendar/")
    assert path.endswith(".ics")
    handle, token = read_secret_part(path.removeprefix("/calendar/").removesuffix(".ics"))
    assert (handle, len(token) * 8) == (shop.company.handle, 160)
    return token


async def whose(shop, token):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        return await member_by_calendar(read, token=token)


async def end(shop, member, whom=None):
    viewer = await shop.as_member(member)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await end_calendar_address(write, viewer, member_id=whom, clock=shop.clock)


async def test_an_address_is_made_anew_ended_and_ends_with_the_access(shop, nancy):
    first = await make(shop, nancy)
    assert await whose(shop, first) == nancy
    assert await shop.value("SELECT calendar_since FROM member WHERE id = $1", nancy) == shop.clock.now()
    assert await shop.value("SELECT count(*) FROM member WHERE calendar_hash = $1", first.hex()) == 0
    second = await make(shop, nancy)
    assert (await whose(shop, first), await whose(shop, second)) == (None, nancy)
    janet = await shop.hire("Janet", "REPRESENTATIVE")
    with pytest.raises(Forbidden):
        await end(shop, janet, nancy)
    assert await whose(shop, second) == nancy
    await end(shop, nancy)
    assert await whose(shop, second) is None
    third = await make(shop, nancy)
    await end(shop, shop.viewer.member_id, nancy)  # whoever changes members ends it, too
    assert await whose(shop, third) is None
    fourth = await make(shop, nancy)
    for state in ("SUSPENDED", "ACTIVE"):  # it does not come back with the access
        await shop.change(Change("member", "update", nancy, values={"state": state}), internally=True)
        assert await whose(shop, fourth) is None
    notes = await shop.fetch(
        "SELECT action FROM audit WHERE action LIKE '%calendar_address%' ORDER BY sequence"
    )
    made, ended = "member.calendar_address_made", "member.calendar_address_ended"
    assert [note["action"] for note in notes] == [made, made, ended, made, ended, made]
