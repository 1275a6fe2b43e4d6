"""Submitting a daily report: it goes to whoever stands above, and what is urgent waits for the company manager (F5)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold_for_change
from kedang_tenants.dailies.making import CARD, REPORT, ReportSubmitted
from kedang_tenants.dailies.models import OPEN, RETURN_VISIT, SUBMITTED
from kedang_tenants.dailies.superiors import line_above
from kedang_tenants.dailies.telling import submitted_letters
from kedang_tenants.people.everybody import load_everybody
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Viewer

_CARDS: Final = "SELECT id, urgent, settlement FROM daily_report_card WHERE report_id = $1 AND archived_at IS NULL ORDER BY id"
_TO_GATHER: Final = """
SELECT id FROM daily_report
WHERE recipient_id = $1 AND state = 'SUBMITTED' AND gathered_in_id IS NULL AND day <= $2 AND archived_at IS NULL
ORDER BY id FOR NO KEY UPDATE
"""


async def submit_report(
    write: TenantWrite, viewer: Viewer, *, report_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Submit the viewer's own draft, or what was returned, to whoever stands above; an account manager's gathers what
    came to them.

    Raises NotFound, Forbidden, Archived, ReportSubmitted, and Refused for one that says nothing or a stale version.
    """
    row = await hold_for_change(write, viewer, REPORT, report_id)
    if row["member_id"] != viewer.member_id:
        raise Forbidden(msg("You may not do this."))
    if row["state"] == SUBMITTED:
        raise ReportSubmitted(msg("This report was submitted already."), path=("input", "id"))
    cards = await write.fetch(_CARDS, row["id"])
    if not cards and not row["summary"]:
        text = msg("This report says nothing yet: write a summary or a card.")
        raise Refused([UserError("EMPTY_REPORT", text, ("input", "id"))])
    urgent = [card["id"] for card in cards if card["urgent"] and card["settlement"] in {None, OPEN}]
    calm = [card["id"] for card in cards if not card["urgent"] and card["settlement"] == OPEN]
    line = line_above(await load_everybody(write, day=viewer.today(clock)), row["member_id"])
    values = {
        "state": SUBMITTED,
        "submitted_at": clock.now(),
        "recipient_id": line.recipient_id,
        "manager_id": line.manager_id,
    }
    changes = [
        Change(REPORT, "update", row["id"], version, values),
        *(Change(CARD, "update", card, values={"settlement": OPEN}) for card in urgent),
        *(Change(CARD, "update", card, values={"settlement": None}) for card in calm),
        *(
            Change(REPORT, "update", found, values={"gathered_in_id": row["id"]})
            for found in await _to_gather(write, row)
        ),
    ]
    await change_internally(write, viewer, changes, clock=clock)
    readers = {line.recipient_id, line.manager_id if urgent else None} - {None}
    recipients = sorted(reader for reader in readers if reader is not None)
    letters = await submitted_letters(
        write, row, recipients=recipients, cards=len(cards), urgent=len(urgent), clock=clock
    )
    await tell(write, viewer, letters, clock=clock)


async def _to_gather(read: TenantRead, row: Row) -> list[UUID]:
    """The reports that came to an account manager up to this day and were not gathered yet."""
    if row["kind"] != RETURN_VISIT:
        return []
    return [found["id"] for found in await read.fetch(_TO_GATHER, row["member_id"], row["day"])]
