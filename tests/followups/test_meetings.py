"""Meetings: agenda, minutes within two working days, review by somebody else, actions that are chased (F4)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden, NotFound, Refused
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.changing import Change
from kedang_tenants.followups import minutes
from kedang_tenants.followups.meeting_dues import ACTIONS, MINUTES
from kedang_tenants.followups.meeting_rules import minutes_day
from kedang_tenants.followups.minutes import MinutesReviewed, NewAction, NoMinutes, NotHeldYet, OwnMinutes

CHINA = WorkingCalendar(country="CN")
FRIDAY = datetime(2026, 3, 6, 15, 0, tzinfo=UTC)  # ten in the morning in New York
pytestmark = pytest.mark.requirement("F4")


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 4)),
        (date(2026, 3, 6), date(2026, 3, 10)),  # Friday: Monday, Tuesday
        (date(2026, 3, 7), date(2026, 3, 10)),  # Saturday: the same
        (
            date(2025, 1, 24),
            date(2025, 1, 27),
        ),  # Sunday, 26 January 2025 is worked before the Spring Festival
        (date(2025, 1, 27), date(2025, 2, 6)),  # the festival lies between
        (date(2025, 2, 6), date(2025, 2, 8)),  # Saturday, 8 February 2025 is worked
        (date(2025, 9, 26), date(2025, 9, 29)),  # Sunday, 28 September 2025 is worked
        (date(2025, 9, 30), date(2025, 10, 10)),  # the holiday lasts until the 8th
        (date(2025, 10, 10), date(2025, 10, 13)),  # Saturday, 11 October 2025 is worked
    ],
)
def test_minutes_are_due_on_the_second_working_day(ended, due):
    assert minutes_day(CHINA, ended) == due


@given(ended=st.dates(date(2024, 12, 1), date(2026, 3, 31)))
def test_there_are_two_working_days_from_the_end_to_the_due_day(ended):
    due = minutes_day(CHINA, ended)
    days = [ended + timedelta(days=n) for n in range(1, (due - ended).days + 1)]
    assert [day for day in days if CHINA.is_working(day)][1:] == [due]


@pytest.fixture
async def people(shop):
    sales = await shop.create("department", name="Sales")
    steven = await shop.hire("Steven", "DEPARTMENT_MANAGER", department_id=sales)
    nancy = await shop.hire("Nancy", "REPRESENTATIVE", department_id=sales)
    janet = await shop.hire("Janet", "REPRESENTATIVE", department_id=sales)
    return {"Steven": steven, "Nancy": nancy, "Janet": janet, "Andrew": shop.viewer.member_id}


@pytest.fixture
async def meeting(shop, people):
    """Nancy's with her customer on Friday, 6 March 2026; Janet attends, and Maria Anders of the customer."""
    customer = await shop.create("customer", name="Alfreds Futterkiste", owner_id=people["Nancy"])
    contact = await shop.create("contact", customer_id=customer, name="Maria Anders")
    made = await shop.create(
        "meeting", viewer=await shop.as_member(people["Nancy"]), customer_id=customer, subject="Prices",
        aim="A contract", agenda="1 Prices", place="Berlin", starts_at=FRIDAY, ends_at=FRIDAY + timedelta(hours=1),
    )  # fmt: skip
    for who in ({"member_id": people["Nancy"]}, {"member_id": people["Janet"]}, {"contact_id": contact}):
        await shop.create("meeting_attendee", meeting_id=made, **who)
    return made


async def do(shop, verb, meeting, member=None, **said):
    viewer = await shop.as_member(member) if member else shop.viewer
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await verb(write, viewer, meeting_id=meeting, clock=shop.clock, **said)


async def row(shop, meeting):
    (found,) = await shop.fetch("SELECT * FROM meeting WHERE id = $1", meeting)
    return found


async def told(shop, kind):
    return await shop.fetch(
        "SELECT member_id, title->>'en' AS title, body->>'en' AS body FROM notice WHERE kind = $1 ORDER BY id",
        kind,
    )


async def due(shop, source):
    async with shop.databases.tenant_read(shop.company.ref) as read:
        arguments = (shop.clock.now(),) if "$2" in source.select else (shop.clock.now().date(),)
        sql = source.select.replace("$2", "$1")
        return [(found[0], found[3], found[5]) for found in await read.fetch(sql, *arguments)]


async def test_the_agenda_goes_to_the_members_who_attend(shop, people, meeting):
    await do(shop, minutes.send_agenda, meeting, people["Nancy"])
    (notice,) = await told(shop, "MEETING")  # Nancy sent it herself, Maria Anders is no member
    assert notice["member_id"] == people["Janet"]
    assert notice["title"] == "Meeting with Alfreds Futterkiste: Prices"
    assert notice["body"] == "2026-03-06 10:00\nBerlin\nAim: A contract\nAgenda: 1 Prices"
    found = await row(shop, meeting)
    assert (found["agenda_sent_at"], found["organiser_id"]) == (shop.clock.now(), people["Nancy"])
    await do(shop, minutes.send_agenda, meeting, people["Nancy"])
    assert len(await told(shop, "MEETING")) == 1  # nothing has changed
    await shop.update("meeting", meeting, place="Hamburg")
    await do(shop, minutes.send_agenda, meeting, people["Nancy"])
    assert "Hamburg" in (await told(shop, "MEETING"))[1]["body"]
    await shop.update("meeting", meeting, aim=None, agenda=None)
    with pytest.raises(Refused):
        await do(shop, minutes.send_agenda, meeting, people["Nancy"])
    assert len(await told(shop, "MEETING")) == 2


async def test_no_agenda_is_sent_of_a_meeting_that_is_over(shop, people, meeting):
    shop.clock.move(FRIDAY + timedelta(hours=1) - shop.clock.now())
    await do(shop, minutes.send_agenda, meeting, people["Nancy"])  # it has come to its end this very moment
    before = await row(shop, meeting)
    shop.clock.move(timedelta(seconds=1))
    with pytest.raises(minutes.MeetingOver):
        await do(shop, minutes.send_agenda, meeting, people["Nancy"])
    assert dict(await row(shop, meeting)) == dict(before)
    assert len(await told(shop, "MEETING")) == 1


async def test_decisions_that_are_not_said_again_stay(shop, people, meeting):
    shop.clock.move(FRIDAY + timedelta(hours=2) - shop.clock.now())
    for said, kept in (({"decisions": "10 %"}, "10 %"), ({}, "10 %"), ({"decisions": ""}, None)):
        await do(shop, minutes.write_minutes, meeting, people["Nancy"], minutes="Agreed", **said)
        assert (await row(shop, meeting))["decisions"] == kept


async def test_minutes_are_written_returned_mended_and_reviewed_by_somebody_above(shop, people, meeting):
    nancy, steven, janet = people["Nancy"], people["Steven"], people["Janet"]
    before = await row(shop, meeting)
    assert (before["minutes_due_on"], before["minutes_state"]) == (date(2026, 3, 10), "NONE")
    with pytest.raises(NotHeldYet):
        await do(shop, minutes.write_minutes, meeting, nancy, minutes="Agreed")
    with pytest.raises(NoMinutes):
        await do(shop, minutes.review_minutes, meeting, steven)
    assert await row(shop, meeting) == before
    shop.clock.move(timedelta(days=4, hours=2))
    assert await due(shop, MINUTES) == [(nancy, date(2026, 3, 10), None)]
    await shop.update("meeting", meeting, organiser_id=None)
    assert await due(shop, MINUTES) == [(nancy, date(2026, 3, 10), None)]  # the customer is hers
    action = NewAction("Send an offer", janet, date(2026, 3, 20), ("input", "actions", 0))
    await do(
        shop, minutes.write_minutes, meeting, nancy, minutes="Agreed", decisions="10 %", actions=[action]
    )
    (waiting,) = await told(shop, "MINUTES_WAITING")
    assert waiting["member_id"] == steven  # the manager of Nancy's department
    assert await due(shop, MINUTES) == []
    with pytest.raises(Forbidden):  # a colleague is not above her
        await do(shop, minutes.review_minutes, meeting, janet)
    with pytest.raises(Forbidden):  # nor is she herself
        await do(shop, minutes.review_minutes, meeting, nancy)
    with pytest.raises(Refused):
        await do(shop, minutes.return_minutes, meeting, steven, remark=" ")
    assert (await row(shop, meeting))["minutes_state"] == "WRITTEN"
    await do(shop, minutes.return_minutes, meeting, steven, remark="Which price?")
    assert await due(shop, MINUTES) == [(nancy, date(2026, 3, 10), '"Which price?"')]
    back = (await told(shop, "MEETING"))[-1]
    assert (back["member_id"], back["body"]) == (nancy, "Prices: Which price?")
    shop.clock.move(timedelta(hours=1))
    await do(shop, minutes.write_minutes, meeting, nancy, minutes="Agreed on 11", decisions="10 %")
    await do(shop, minutes.review_minutes, meeting, steven)
    found = await row(shop, meeting)
    assert (found["minutes"], found["minutes_state"], found["minutes_by_id"], found["reviewed_by_id"]) == (
        "Agreed on 11", "REVIEWED", nancy, steven,
    )  # fmt: skip
    out = [notice for notice in await told(shop, "MEETING") if notice["title"].startswith("Minutes of")]
    assert {notice["member_id"] for notice in out} == {nancy, janet}
    assert out[0]["body"] == "Agreed on 11\nDecisions: 10 %\nJanet until 2026-03-20: Send an offer"
    with pytest.raises(MinutesReviewed):
        await do(shop, minutes.write_minutes, meeting, nancy, minutes="Rewritten")
    assert await row(shop, meeting) == found


async def test_nobody_reviews_their_own_minutes_even_who_may_everything(shop, people, meeting):
    shop.clock.move(timedelta(days=4, hours=2))
    await do(shop, minutes.write_minutes, meeting, minutes="Agreed")
    for verb, said in ((minutes.review_minutes, {}), (minutes.return_minutes, {"remark": "x"})):
        with pytest.raises(OwnMinutes):
            await do(shop, verb, meeting, **said)
    assert (await row(shop, meeting))["minutes_state"] == "WRITTEN"
    stranger = await shop.hire("Margaret", "REPRESENTATIVE")
    with pytest.raises(NotFound):
        await do(shop, minutes.review_minutes, meeting, stranger)
    await do(shop, minutes.review_minutes, meeting, people["Steven"])


@pytest.mark.requirement("A11")
async def test_only_who_may_review_minutes_is_told_that_they_wait(shop, people, meeting):
    await shop.update("member", people["Nancy"], superior_id=await shop.hire("Margaret", "REPRESENTATIVE"))
    shop.clock.move(timedelta(days=4, hours=2))
    await do(shop, minutes.write_minutes, meeting, people["Nancy"], minutes="Agreed")
    (waiting,) = await told(shop, "MINUTES_WAITING")
    assert waiting["member_id"] == people["Steven"]  # her superior sees no meeting of hers
    customer = await shop.value("SELECT customer_id FROM meeting")
    await shop.change(Change("customer", "update", customer, values={"restricted": True}), internally=True)
    nancys = {"customer_id": customer, "member_id": people["Nancy"], "until": FRIDAY + timedelta(days=36_500)}
    given = nancys | {"state": "GRANTED", "reason": "Hers"}
    await shop.change(Change("archive_grant", "create", values=given), internally=True)
    shop.clock.move(timedelta(hours=1))
    await do(shop, minutes.write_minutes, meeting, people["Nancy"], minutes="Agreed on 11")
    assert [one["member_id"] for one in await told(shop, "MINUTES_WAITING")] == [
        people["Steven"],
        people["Andrew"],
    ]


async def test_actions_are_chased_until_they_are_done(shop, people, meeting):
    janet = people["Janet"]
    action = await shop.create(
        "meeting_action", meeting_id=meeting, task="An offer", owner_id=janet, due_on=date(2026, 3, 9)
    )
    assert await due(shop, ACTIONS) == []
    shop.clock.move(timedelta(days=7))
    assert await due(shop, ACTIONS) == [(janet, date(2026, 3, 9), '"An offer"')]
    async with shop.databases.tenant_write(shop.company.ref) as write:
        with pytest.raises(Refused):
            await minutes.finish_action(
                write, shop.viewer, action_id=action, done_on=date(2026, 3, 10), clock=shop.clock
            )
    viewer = await shop.as_member(janet)
    async with shop.databases.tenant_write(shop.company.ref) as write:
        await minutes.finish_action(write, viewer, action_id=action, result="Sent", clock=shop.clock)
        await minutes.finish_action(write, viewer, action_id=action, result="Again", clock=shop.clock)
    (found,) = await shop.fetch("SELECT done_on, result, version FROM meeting_action")
    assert tuple(found.values()) == (date(2026, 3, 9), "Sent", 2)
    assert await due(shop, ACTIONS) == []


async def test_a_new_calendar_moves_minutes_that_are_not_written(shop, meeting):
    online = await shop.create(
        "meeting", customer_id=(await row(shop, meeting))["customer_id"], subject="Call", way="ONLINE",
        starts_at=FRIDAY, ends_at=FRIDAY,
    )  # fmt: skip
    await shop.create("calendar_day", day=date(2026, 3, 9), kind="HOLIDAY")
    await shop.work()
    assert (await row(shop, meeting))["minutes_due_on"] == date(2026, 3, 11)
    assert (await row(shop, online))["minutes_due_on"] is None


async def test_what_does_not_fit_is_refused_and_nothing_changes(shop, people, meeting):
    other = await shop.create("contact", customer_id=await shop.create("customer", name="Rival"), name="Ann")
    counts = "SELECT (SELECT count(*) FROM meeting), (SELECT count(*) FROM meeting_attendee)"
    before = await shop.fetch(counts)
    for change, code in (
        (("meeting", "update", meeting, {"ends_at": FRIDAY - timedelta(hours=1)}), "ENDS_BEFORE_IT_STARTS"),
        (("meeting_attendee", "create", None, {"meeting_id": meeting}), "REQUIRED"),
        (("meeting_attendee", "create", None, {"meeting_id": meeting, "contact_id": other}), "OF_ANOTHER_CUSTOMER"),
        (
            ("meeting_attendee", "create", None,
             {"meeting_id": meeting, "member_id": people["Steven"], "name": "Steven"}),
            "ONE_PERSON_ONLY",
        ),
        (
            ("meeting_attendee", "create", None, {"meeting_id": meeting, "member_id": people["Janet"]}),
            "ALREADY_EXISTS",
        ),
    ):  # fmt: skip
        record, action, which, values = change
        with pytest.raises(Refused) as refused:
            await shop.change(Change(record, action, which, values=values))
        assert [error.code for error in refused.value.errors] == [code]
    assert await shop.fetch(counts) == before
    assert (await row(shop, meeting))["version"] == 1
