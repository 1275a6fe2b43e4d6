"""What the people of a customer answer to minutes: they confirm them or object, once; objections are settled (F4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import Language, msg
from kedang_platform.secret_links import token_hash
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import InvalidValue, TextKind
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.followups.meetings import REVIEWED
from kedang_tenants.followups.receipt_mails import SEND
from kedang_tenants.followups.receipts import CONFIRMED, OBJECTED, SETTLED, UNDELIVERED, WAITING
from kedang_tenants.people.notices import MINUTES_ANSWERED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer

BY_PAGE: Final = "minutes page"
"""What the trail names as the way by which a customer answered."""
RECORD: Final = "minutes_receipt"
LONGEST_OBJECTION: Final = 5000
EXPIRED: Final = "EXPIRED"
_OBJECTION: Final = TextKind(LONGEST_OBJECTION, multiline=True)

_OPENED: Final = """
SELECT r.id, r.state, r.language, r.content, r.expires_at, r.answered_at, r.objection, m.subject, m.starts_at, m.place
FROM minutes_receipt r JOIN meeting m ON m.id = r.meeting_id AND m.archived_at IS NULL
JOIN contact k ON k.id = r.contact_id AND k.archived_at IS NULL
JOIN customer c ON c.id = m.customer_id AND c.archived_at IS NULL
WHERE r.token_hash = $1 AND r.archived_at IS NULL
"""
_HELD: Final = """
SELECT r.id, r.state, r.expires_at, r.meeting_id, k.name AS contact, c.name AS customer, m.subject, m.organiser_id,
       m.minutes_by_id, m.reviewed_by_id, c.owner_id
FROM minutes_receipt r JOIN meeting m ON m.id = r.meeting_id JOIN customer c ON c.id = m.customer_id
JOIN contact k ON k.id = r.contact_id
WHERE r.id = $1 AND r.archived_at IS NULL FOR UPDATE OF r
"""


class ReceiptUnknown(KedangError):
    """The link leads to no receipt of minutes, whatever the reason."""


class NoObjection(KedangError):
    """There is no objection here that waits to be settled."""


class MinutesNotReviewed(KedangError):
    """Only reviewed minutes go to the customer."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link shows. ``state`` is the receipt's, or EXPIRED where it can be answered no more."""

    id: UUID
    state: str
    language: Language
    subject: str
    starts_at: datetime
    place: str | None
    content: Mapping[str, Any]
    expires_at: datetime
    answered_at: datetime | None
    objection: str | None


async def open_receipt(read: TenantRead, *, token: bytes, now: datetime) -> Opened:
    """The minutes behind a link; looking at them changes nothing. Raises ReceiptUnknown."""
    row = await read.fetchrow(_OPENED, token_hash(token))
    if row is None:
        raise ReceiptUnknown(msg("This link leads nowhere."))
    state = WAITING if row["state"] == UNDELIVERED else row["state"]  # whoever has the link has got it
    over = state == WAITING and row["expires_at"] <= now
    return Opened(
        row["id"],
        EXPIRED if over else state,
        language_of(row["language"]),
        row["subject"],
        row["starts_at"],
        row["place"],
        orjson.loads(row["content"]),
        row["expires_at"],
        row["answered_at"],
        row["objection"],
    )


async def answer_receipt(
    write: TenantWrite, viewer: Viewer, *, receipt_id: UUID, objection: str | None, clock: Clock
) -> bool:
    """Note what somebody answers to minutes: an objection, or None to confirm them. What was answered stays.

    False where there is nothing to answer any more. The people of the meeting are told. Raises Refused for an
    objection that says nothing, or too much.
    """
    said = None if objection is None else _said(objection)
    row = await write.fetchrow(_HELD, receipt_id)
    if row is None or row["state"] not in {WAITING, UNDELIVERED} or row["expires_at"] <= clock.now():
        return False
    values = {
        "state": CONFIRMED if said is None else OBJECTED,
        "answered_at": clock.now(),
        "objection": said,
    }
    await _move(write, viewer, receipt_id, values, None, clock)
    await tell(write, viewer, _letters(dict(row), said), clock=clock)
    return True


def _said(objection: str) -> str:
    """What is kept of an objection as a form sends it, where a line ends with two signs."""
    try:
        said = _OBJECTION.check(objection.replace("\r\n", "\n"))
    except InvalidValue as wrong:
        raise Refused([UserError(wrong.reason, wrong.message, ("objection",), wrong.params)]) from None
    if said is None:
        raise Refused([UserError("REQUIRED", msg("Please say what is missing or wrong."), ("objection",))])
    return str(said)


def _letters(row: Mapping[str, Any], objection: str | None) -> list[Telling]:
    """For whoever held the meeting, wrote the minutes, has the customer, and of an objection whoever reviewed them."""
    people = [row["organiser_id"], row["minutes_by_id"], row["owner_id"]]
    title = msg("{contact} of {customer} has confirmed the minutes of “{subject}”")
    body = msg("Nothing is to be done.")
    if objection is not None:
        people.append(row["reviewed_by_id"])
        title = msg("{contact} of {customer} objects to the minutes of “{subject}”")
        body = msg("{objection}\nMend the minutes, or settle the objection and say how.")
    params = {
        "contact": row["contact"],
        "customer": row["customer"],
        "subject": row["subject"],
        "objection": objection or "",
    }
    return [
        Telling(
            kind=MINUTES_ANSWERED,
            member_id=member,
            occasion=f"minutes-answered:{row['id'].hex}",
            title=title,
            body=body,
            params=params,
            about=("meeting", row["meeting_id"]),
        )
        for member in dict.fromkeys(people)
        if member is not None
    ]


async def settle_objection(
    write: TenantWrite,
    viewer: Viewer,
    *,
    receipt_id: UUID,
    settlement: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Say how an objection was settled without mending the minutes.

    Raises NotFound, Forbidden, Archived, NoObjection, and Refused for a version that is stale.
    """
    if not settlement.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "settlement"))])
    row = await hold_for_change(write, viewer, RECORD, receipt_id)
    if row["state"] != OBJECTED:
        raise NoObjection(msg("There is no objection here that waits to be settled."), path=("input", "id"))
    values = {
        "state": SETTLED,
        "settled_by_id": viewer.member_id,
        "settled_at": clock.now(),
        "settlement": settlement,
    }
    await _move(write, viewer, receipt_id, values, version, clock)


async def send_minutes(write: TenantWrite, viewer: Viewer, *, meeting_id: UUID) -> None:
    """Send reviewed minutes to those who attended and have none yet, or have another address than they went to.

    Raises NotFound, Forbidden, Archived, MinutesNotReviewed.
    """
    row = await hold_for_change(write, viewer, "meeting", meeting_id)
    if row["minutes_state"] != REVIEWED:
        message = msg("Only minutes that were reviewed go to the customer.")
        raise MinutesNotReviewed(message, path=("input", "id"))
    await enqueue(write, NewJob(SEND, {"meeting": str(meeting_id)}))


async def is_objected_to(read: TenantRead, *, meeting_id: UUID) -> bool:
    """Whether an objection to the minutes of a meeting waits: then they may be mended."""
    return bool(
        await read.fetchval(
            "SELECT EXISTS (SELECT FROM minutes_receipt WHERE meeting_id = $1 AND state = 'OBJECTED'"
            " AND archived_at IS NULL)",
            meeting_id,
        )
    )


async def _move(
    write: TenantWrite,
    viewer: Viewer,
    receipt_id: UUID,
    values: Mapping[str, object],
    version: int | None,
    clock: Clock,
) -> None:
    step = Change(RECORD, "update", receipt_id, version, values)
    await change_internally(write, viewer, [step], clock=clock)
