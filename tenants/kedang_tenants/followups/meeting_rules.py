"""The rules of meetings that hold in every write, and when minutes are due (F4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.working_calendar import WorkingCalendar
from kedang_tenants.changing import Change, Draft, Event, change_internally, prepares, subscribe
from kedang_tenants.followups.meetings import FACE_TO_FACE
from kedang_tenants.people.working_days import load_calendar
from kedang_tenants.reading import Viewer

MINUTES_WITHIN: Final = 2
"""Working days after a meeting face to face until which its minutes are due."""
_MOVED: Final = 1_000
"""Meetings without minutes, the latest, that a new calendar moves."""
_DAY: Final = timedelta(days=1)

_WITHOUT_MINUTES: Final = """
SELECT id, ends_at, minutes_due_on FROM meeting
WHERE minutes_state IN ('NONE', 'RETURNED') AND archived_at IS NULL AND way = $1
ORDER BY minutes_due_on DESC, id LIMIT $2 FOR UPDATE
"""
_CUSTOMERS: Final = """
SELECT m.id, m.customer_id FROM meeting m WHERE m.id = ANY($1::uuid[])
"""


def minutes_day(calendar: WorkingCalendar, ended: date) -> date:
    """The second working day after the day on which a meeting ended; raises NoWorkingDay."""
    day = ended
    for _ in range(MINUTES_WITHIN):
        day = calendar.next_working(day + _DAY)
    return day


@prepares("meeting")
async def guard_meetings(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """A meeting is whoever's enters it, ends after it began, and its minutes are due by the calendar."""
    calendar = await load_calendar(write, country=viewer.country) if drafts else None
    for draft in drafts:
        if draft.action == "create" and draft.now("organiser_id") is None:
            draft.values["organiser_id"] = viewer.member_id
        starts, ends = (cast("datetime", draft.now(name)) for name in ("starts_at", "ends_at"))
        if ends < starts:
            draft.refuse("ends_at", "ENDS_BEFORE_IT_STARTS", msg("This cannot be before the start."))
            continue
        if calendar is not None and {"ends_at", "way"} & draft.values.keys():
            due = _due(calendar, ends, viewer) if draft.now("way") == FACE_TO_FACE else None
            draft.values["minutes_due_on"] = due


def _due(calendar: WorkingCalendar, ends_at: datetime, viewer: Viewer) -> date:
    return minutes_day(calendar, ends_at.astimezone(ZoneInfo(viewer.time_zone)).date())


@prepares("meeting_attendee")
async def guard_attendees(
    write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock
) -> None:
    """Somebody attends: a member, a contact of the meeting's customer (who may be a member, too), or one by name."""
    for draft in drafts:
        known = draft.now("member_id") is not None or draft.now("contact_id") is not None
        if not known and draft.now("name") is None:
            draft.refuse("member_id", "REQUIRED", msg("Say a member, a contact or a name."))
        elif known and draft.now("name") is not None:
            draft.refuse("name", "ONE_PERSON_ONLY", msg("This is one person: a member, a contact or a name."))
    await _same_customer(write, [draft for draft in drafts if draft.values.get("contact_id")])


async def _same_customer(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    meetings = await write.fetch(_CUSTOMERS, [cast("UUID", draft.now("meeting_id")) for draft in drafts])
    customers = {row["id"]: row["customer_id"] for row in meetings}
    contacts = await write.fetch(
        "SELECT id, customer_id FROM contact WHERE id = ANY($1::uuid[])",
        [cast("UUID", draft.values["contact_id"]) for draft in drafts],
    )
    of = {row["id"]: row["customer_id"] for row in contacts}
    for draft in drafts:
        if of.get(draft.values["contact_id"]) != customers.get(draft.now("meeting_id")):
            draft.refuse("contact_id", "OF_ANOTHER_CUSTOMER", msg("This belongs to another customer."))


@prepares("meeting_action")
async def guard_actions(_write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """What is done was done."""
    today = viewer.today(clock)
    for draft in drafts:
        done = cast("date | None", draft.values.get("done_on"))
        if done is not None and done > today:
            draft.refuse("done_on", "IN_THE_FUTURE", msg("This lies in the future."))


@subscribe(
    "working_week.updated",
    "calendar_day.created",
    "calendar_day.updated",
    "calendar_day.archived",
    "calendar_day.restored",
)
async def move_by_calendar(
    write: TenantWrite, viewer: Viewer, _events: Sequence[Event], clock: Clock
) -> None:
    """A new calendar moves what is not yet written."""
    rows = await write.fetch(_WITHOUT_MINUTES, FACE_TO_FACE, _MOVED)
    calendar = await load_calendar(write, country=viewer.country)
    moved = [
        Change("meeting", "update", row["id"], values={"minutes_due_on": due})
        for row in rows
        if (due := _due(calendar, row["ends_at"], viewer)) != row["minutes_due_on"]
    ]
    await change_internally(write, viewer, moved, clock=clock)
