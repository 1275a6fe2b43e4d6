"""What is done with a meeting: its agenda goes out, its minutes are written, reviewed or returned (F4).

Every verb raises NotFound, Forbidden, Archived, and Refused for values that do not fit or a version that is stale.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.changing import Change, change, change_internally
from kedang_tenants.changing.holding import Row, hold, hold_for_change
from kedang_tenants.followups.meeting_letters import (
    agenda_letters,
    minutes_letters,
    returned_letter,
    waiting_letters,
)
from kedang_tenants.followups.meetings import RETURNED, REVIEWED, WRITTEN
from kedang_tenants.followups.receipt_mails import SEND, supersede
from kedang_tenants.followups.receiving import is_objected_to
from kedang_tenants.followups.reviewers import reviewers_of
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Viewer

RECORD: Final = "meeting"
ACTION: Final = "meeting_action"

_SUPERIOR: Final = "SELECT superior_id FROM member WHERE id = $1"


class NotHeldYet(KedangError):
    """There are no minutes of a meeting that has not begun."""


class MeetingOver(KedangError):
    """An agenda is sent before a meeting, or while it lasts."""


class MinutesReviewed(KedangError):
    """Minutes that were reviewed stay as they are."""


class NoMinutes(KedangError):
    """There are no minutes that wait for a review."""


class OwnMinutes(KedangError):
    """Nobody reviews minutes that they wrote themselves."""


@dataclass(frozen=True, slots=True)
class NewAction:
    """What is to be done, by whom, until when; ``path`` is where errors are told."""

    task: str
    owner_id: UUID
    due_on: date
    path: tuple[str | int, ...]


async def send_agenda(
    write: TenantWrite, viewer: Viewer, *, meeting_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Tell the members who are to attend when, where and what for; sent anew, only what has changed is told again.

    Raises MeetingOver.
    """
    row = await hold_for_change(write, viewer, RECORD, meeting_id)
    if row["ends_at"] < clock.now():
        raise MeetingOver(msg("This meeting is over: write its minutes."), path=("input", "id"))
    if not row["agenda"] and not row["aim"]:
        raise Refused([UserError("REQUIRED", msg("Say an agenda or an aim first."), ("input", "id"))])
    await tell(write, viewer, await agenda_letters(write, viewer, row), clock=clock)
    await _move(write, viewer, row, {"agenda_sent_at": clock.now()}, version, clock)


async def write_minutes(
    write: TenantWrite,
    viewer: Viewer,
    *,
    meeting_id: UUID,
    minutes: str,
    decisions: str | None = None,
    actions: Sequence[NewAction] = (),
    version: int | None = None,
    clock: Clock,
) -> None:
    """Write the minutes of a meeting, or mend them until they are reviewed; whoever reviews them is told.

    Reviewed minutes are mended once the customer objects to them; they are reviewed and sent anew. ``decisions`` that
    are not said stay as they are, an empty text takes them back. ``actions`` are added to those that the meeting has.
    Raises NotHeldYet, MinutesReviewed.
    """
    row = await hold_for_change(write, viewer, RECORD, meeting_id)
    now = clock.now()
    mended = row["minutes_state"] == REVIEWED
    if mended and not await is_objected_to(write, meeting_id=row["id"]):
        raise MinutesReviewed(msg("These minutes were reviewed already."), path=("input", "id"))
    if now < row["starts_at"]:
        raise NotHeldYet(msg("This meeting has not begun yet."), path=("input", "id"))
    if not minutes.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "minutes"))])
    values = {
        "minutes": minutes,
        "decisions": row["decisions"] if decisions is None else decisions,
        "minutes_state": WRITTEN,
        "minutes_by_id": viewer.member_id,
        "minutes_written_at": now,
        "reviewed_by_id": None,
        "reviewed_at": None,
    }
    await _move(write, viewer, row, values, version, clock)
    if mended:
        await supersede(write, viewer, meeting_id=row["id"], clock=clock)
    new = [
        Change(
            ACTION,
            "create",
            values={
                "meeting_id": row["id"],
                "task": one.task,
                "owner_id": one.owner_id,
                "due_on": one.due_on,
            },
            path=one.path,
        )
        for one in actions
    ]
    # Whoever may write the minutes may say who does what.
    await change_internally(write, viewer, new, clock=clock)
    if viewer.member_id is not None:
        writer = viewer.member_id
        reviewers = await reviewers_of(write, viewer, meeting_id=row["id"], writer_id=writer, clock=clock)
        await tell(write, viewer, await waiting_letters(write, row, reviewers, now), clock=clock)


async def review_minutes(
    write: TenantWrite,
    viewer: Viewer,
    *,
    meeting_id: UUID,
    remark: str | None = None,
    send: bool = True,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Accept minutes that are written; everybody who attended gets them. Raises NoMinutes, OwnMinutes.

    The people of the customer get them by mail, with a link to confirm them by, unless ``send`` is False.
    """
    row = await _to_review(write, viewer, meeting_id)
    values = _reviewed(viewer, clock, REVIEWED, remark)
    await _move(write, viewer, row, values, version, clock)
    await tell(write, viewer, await minutes_letters(write, viewer, row), clock=clock)
    if send:
        await enqueue(write, NewJob(SEND, {"meeting": str(row["id"])}))


async def return_minutes(
    write: TenantWrite,
    viewer: Viewer,
    *,
    meeting_id: UUID,
    remark: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Give minutes back with what is to be mended; whoever wrote them is told. Raises NoMinutes, OwnMinutes."""
    row = await _to_review(write, viewer, meeting_id)
    if not remark.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "remark"))])
    values = _reviewed(viewer, clock, RETURNED, remark)
    await _move(write, viewer, row, values, version, clock)
    await tell(write, viewer, await returned_letter(write, row, remark, clock.now()), clock=clock)


async def _to_review(write: TenantWrite, viewer: Viewer, meeting_id: UUID) -> Row:
    """Minutes that wait for a review, held for somebody who may: above whoever wrote them."""
    row = await hold(write, viewer, RECORD, meeting_id)
    writer = row["minutes_by_id"]
    superior = await write.fetchval(_SUPERIOR, writer) if writer else None
    if not row["may_archive"] and (superior is None or superior != viewer.member_id):
        raise Forbidden(msg("You may not do this."))
    if row["minutes_state"] != WRITTEN:
        raise NoMinutes(msg("There are no minutes here that wait for a review."), path=("input", "id"))
    if writer is not None and writer == viewer.member_id:
        raise OwnMinutes(msg("Nobody reviews their own minutes."), path=("input", "id"))
    return row


def _reviewed(viewer: Viewer, clock: Clock, state: str, remark: str | None) -> dict[str, object]:
    return {
        "minutes_state": state,
        "reviewed_by_id": viewer.member_id,
        "reviewed_at": clock.now(),
        "review_remark": remark,
    }


async def finish_action(
    write: TenantWrite,
    viewer: Viewer,
    *,
    action_id: UUID,
    done_on: date | None = None,
    result: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note that an action is done, today where no day is said; one that is done already stays as it is noted."""
    row = await hold_for_change(write, viewer, ACTION, action_id)
    if row["done_on"] is not None:
        return
    values: dict[str, object] = {"done_on": done_on or viewer.today(clock)}
    if result is not None:
        values["result"] = result
    await change(write, viewer, [Change(ACTION, "update", row["id"], version, values)], clock=clock)


async def _move(
    write: TenantWrite,
    viewer: Viewer,
    row: Row,
    values: Mapping[str, object],
    version: int | None,
    clock: Clock,
) -> None:
    step = Change(RECORD, "update", row["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)
