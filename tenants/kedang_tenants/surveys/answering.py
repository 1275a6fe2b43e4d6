"""Answering on the public page: opened by the link alone, saved as one goes, handed in once (V4).

The invitation's row is held through every write, so that of answers sent side by side the second finds
what the first one stored: one invitation has one answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.reading import Viewer
from kedang_tenants.surveys.entries import Answers, Entry, Verdict, checked, verdict
from kedang_tenants.surveys.models import ANSWERED, MEMBER, OPENED, PAGE, STARTED, SUBMITTED
from kedang_tenants.surveys.sheets import NOTHING, Sheet, find_sheet, held_sheet

BY_PAGE = "survey_page"
"""How the audit trail tells that the customer wrote it: ``via`` of everything that comes from the page."""
HANDED_IN = "submitted"
_ROWS = """
SELECT id, item_id FROM survey_item_answer WHERE answer_id = $1 AND archived_at IS NULL
"""


class InvitationUnknown(NotFound):
    """No invitation is opened by this link."""


class InvitationExpired(KedangError):
    """The invitation takes no answers any more: it has expired or was withdrawn."""


class InvitationUsed(KedangError):
    """The invitation was answered, and the time for changes is over."""


async def open_invitation(read: TenantRead, *, token: bytes, now: datetime) -> Sheet:
    """What the page shows, its ``standing`` telling whether it still takes answers; raises InvitationUnknown.

    Opening changes nothing: mail scanners open links, too.
    """
    sheet = await find_sheet(read, token=token, now=now)
    if sheet is None:
        raise InvitationUnknown(msg("This link leads nowhere."))
    return sheet


async def save_answers(
    write: TenantWrite, viewer: Viewer, *, invitation_id: UUID, entries: Sequence[Entry], clock: Clock
) -> None:
    """Keep what has been filled in so far; the answer stays begun.

    Raises AnswersRefused, InvitationExpired, or InvitationUsed (also while changes are still possible:
    what was handed in changes only as a whole), and writes nothing then.
    """
    sheet = await _held(write, invitation_id, clock.now())
    if sheet.standing != "OPEN":
        raise closed(sheet)
    answers = checked(sheet.items, entries, given=sheet.given)
    if answers != sheet.given:
        await _keep(write, viewer, sheet, answers, clock=clock)


async def submit_answer(
    write: TenantWrite, viewer: Viewer, *, invitation_id: UUID, entries: Sequence[Entry], clock: Clock
) -> UUID:
    """Hand the answer in, or change what was handed in while that is possible; the answer's id.

    Sent twice alike, the second one changes nothing and tells nobody. Raises AnswersRefused,
    InvitationExpired or InvitationUsed and writes nothing then.
    """
    sheet = await _held(write, invitation_id, clock.now())
    if sheet.standing not in {"OPEN", "EDITABLE"}:
        raise closed(sheet)
    answers = checked(sheet.items, entries, given=sheet.given, complete=True)
    if sheet.standing == "EDITABLE" and answers == sheet.given:
        assert sheet.answer_id is not None
        return sheet.answer_id
    answer_id = await _keep(write, viewer, sheet, answers, clock=clock)
    await hand_in(write, viewer, sheet, answer_id, answers, clock=clock)
    return answer_id


def closed(sheet: Sheet) -> KedangError:
    """Why a sheet takes no answers."""
    if sheet.standing == "EXPIRED":
        return InvitationExpired(msg("This survey is closed."))
    return InvitationUsed(msg("This survey has been answered already."))


async def hand_in(
    write: TenantWrite, viewer: Viewer, sheet: Sheet, answer_id: UUID, answers: Answers, *, clock: Clock
) -> None:
    """Mark the answer as handed in, with what it says in all, and tell the others of it."""
    found = verdict(sheet.items, answers, sheet.rule)
    now = clock.now()
    values: dict[str, object] = {
        "satisfaction": found.satisfaction,
        "nps": found.nps,
        "unhappy": found.unhappy,
    }
    if sheet.submitted_at is None:
        values |= {"state": SUBMITTED, "submitted_at": now}
        invitation = {"state": ANSWERED, "answered_at": now, "opened_at": sheet.opened_at or now}
        await _set(write, viewer, "survey_invitation", sheet.invitation_id, invitation, clock=clock)
    await _set(write, viewer, "survey_answer", answer_id, values, clock=clock)
    told = _told(found, sheet)
    await audit(write, viewer, [("survey_answer", HANDED_IN, answer_id, told)], clock=clock)


def _told(found: Verdict, sheet: Sheet) -> Mapping[str, object]:
    satisfaction = None if found.satisfaction is None else format(found.satisfaction, "f")
    return {
        "satisfaction": [None, satisfaction],
        "nps": [None, found.nps],
        "unhappy": [None, found.unhappy],
        "invitation_id": [None, sheet.invitation_id.hex],
    }


async def _held(write: TenantWrite, invitation_id: UUID, now: datetime) -> Sheet:
    sheet = await held_sheet(write, invitation_id=invitation_id, now=now)
    if sheet is None:
        raise InvitationUnknown(msg("This link leads nowhere."))
    return sheet


async def _keep(write: TenantWrite, viewer: Viewer, sheet: Sheet, answers: Answers, *, clock: Clock) -> UUID:
    """Store what differs from what was given, in an answer that is begun where there is none yet."""
    answer_id = sheet.answer_id
    if answer_id is None:
        answer_id = await begin(write, viewer, sheet, clock=clock)
        opened = {"state": OPENED, "opened_at": sheet.opened_at or clock.now()}
        await _set(write, viewer, "survey_invitation", sheet.invitation_id, opened, clock=clock)
    await keep_items(write, viewer, sheet, answer_id, answers, clock=clock)
    return answer_id


async def begin(
    write: TenantWrite, viewer: Viewer, sheet: Sheet, *, clock: Clock, entered_by: UUID | None = None
) -> UUID:
    """The row of an answer that is being given, by the customer or written down by a member."""
    values = {
        "invitation_id": sheet.invitation_id,
        "questionnaire_id": sheet.questionnaire_id,
        "version_id": sheet.version_id,
        "customer_id": sheet.customer_id,
        "contact_id": sheet.contact_id,
        "state": STARTED,
        "started_at": clock.now(),
        "source": PAGE if entered_by is None else MEMBER,
        "entered_by_id": entered_by,
    }
    answer_id = new_id()
    await change_internally(
        write, viewer, [Change("survey_answer", "create", answer_id, values=values)], clock=clock
    )
    return answer_id


async def keep_items(
    write: TenantWrite, viewer: Viewer, sheet: Sheet, answer_id: UUID, answers: Answers, *, clock: Clock
) -> None:
    """Store the answers to single questions: new ones, and those that read otherwise now."""
    stored = {row["item_id"]: row["id"] for row in await write.fetch(_ROWS, answer_id)}
    creating: list[Change] = []
    updating: list[Change] = []
    for item_id in {**sheet.given, **answers}:
        values = answers.get(item_id, NOTHING)
        if values == sheet.given.get(item_id, NOTHING):
            continue
        if item_id in stored:
            updating.append(Change("survey_item_answer", "update", stored[item_id], values=values))
        else:
            new = {"answer_id": answer_id, "item_id": item_id, **values}
            creating.append(Change("survey_item_answer", "create", values=new))
    await change_internally(write, viewer, [*creating, *updating], clock=clock)


async def _set(
    write: TenantWrite,
    viewer: Viewer,
    record: str,
    record_id: UUID,
    values: Mapping[str, object],
    *,
    clock: Clock,
) -> None:
    await change_internally(write, viewer, [Change(record, "update", record_id, values=values)], clock=clock)
