"""Emergency reports (走访应急报告): written upward by who cannot settle something alone, acknowledged by who leads (F5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally, visible_record
from kedang_tenants.changing.holding import hold
from kedang_tenants.dailies.making import CARD, seeing_all
from kedang_tenants.dailies.models import ACKNOWLEDGED, REPORTED
from kedang_tenants.dailies.rule import load_habits
from kedang_tenants.dailies.settling import hold_urgent
from kedang_tenants.dailies.superiors import GENERAL_MANAGER, heads
from kedang_tenants.dailies.telling import acknowledged_letters, emergency_letters
from kedang_tenants.people.everybody import load_everybody
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Scope, Viewer

EMERGENCY: Final = "emergency_report"

_CONCERNED: Final = """
SELECT r.member_id FROM daily_report_card c JOIN daily_report r ON r.id = c.report_id WHERE c.id = $1
"""


class ReportAcknowledged(KedangError):
    """An emergency report is acknowledged once."""


@dataclass(frozen=True, slots=True)
class NewEmergency:
    """What is reported; of an urgent card, where ``card_id`` names one, or of a customer, or of none."""

    kind: str
    subject: str
    content: str
    proposal: str | None = None
    card_id: UUID | None = None
    customer_id: UUID | None = None


async def report_emergency(write: TenantWrite, viewer: Viewer, new: NewEmergency, *, clock: Clock) -> UUID:
    """Write an emergency report upward; those who lead the company are told. Returns its id.

    With a card, that is reported upward and waits no more: for whoever may settle it. Raises Forbidden, NotFound,
    Archived, NothingUrgent, and Refused for a kind that the company does not have and for texts that do not fit.
    """
    if viewer.member_id is None or viewer.on(EMERGENCY).create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    kind = (await load_habits(write)).kind(new.kind)
    if kind is None:
        text = msg("There is no kind of emergency “{kind}”.")
        raise Refused([UserError("UNKNOWN_EMERGENCY_KIND", text, ("input", "kind"), {"kind": new.kind[:50]})])
    customer = await _customer(write, viewer, new)
    values: dict[str, object] = {
        "reporter_id": viewer.member_id,
        "customer_id": customer,
        "card_id": new.card_id,
        "kind": kind.code,
        "kind_name": dict(kind.name),
        "subject": new.subject,
        "content": new.content,
        "proposal": new.proposal,
        "reported_at": clock.now(),
    }
    report = new_id()
    changes = [Change(EMERGENCY, "create", report, values=values)]
    if new.card_id is not None:
        decided = {
            "settlement": REPORTED,
            "settled_by_id": viewer.member_id,
            "settled_at": clock.now(),
        }
        changes.append(Change(CARD, "update", new.card_id, values=decided))
    await change_internally(write, seeing_all(viewer), changes, clock=clock)
    everybody = await load_everybody(write, day=viewer.today(clock))
    told = await emergency_letters(write, report, values, heads(everybody, viewer.member_id))
    await tell(write, viewer, told, clock=clock)
    return report


async def _customer(write: TenantWrite, viewer: Viewer, new: NewEmergency) -> UUID | None:
    """The customer that it concerns: the card's, where there is one; another is only named to who sees it."""
    if new.card_id is not None:
        card, _ = await hold_urgent(write, viewer, new.card_id, path=("input", "cardId"))
        found: UUID = card["customer_id"]
        if new.customer_id in {None, found}:
            return found
    if new.customer_id is None:
        return None
    if not await visible_record(write, viewer, catalogue().record("customer"), new.customer_id):
        raise NotFound(msg("There is no such record."), path=("input", "customerId"))
    if new.card_id is not None:
        text = msg("This belongs to another customer.")
        raise Refused([UserError("OF_ANOTHER_CUSTOMER", text, ("input", "customerId"))])
    return new.customer_id


async def acknowledge(
    write: TenantWrite,
    viewer: Viewer,
    *,
    report_id: UUID,
    instruction: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Acknowledge an emergency report, with what is to be done: for general managers, where none is there for owners.

    Never for the reporter. Whoever reported and whose card it came from are told. Raises NotFound, Forbidden, Archived, ReportAcknowledged, and
    Refused for a stale version.
    """
    row = await hold(write, viewer, EMERGENCY, report_id)
    if row["reporter_id"] == viewer.member_id or not await _leads(write, viewer, row["reporter_id"], clock):
        raise Forbidden(msg("You may not do this."))
    if row["state"] != REPORTED:
        raise ReportAcknowledged(msg("This report was acknowledged already."), path=("input", "id"))
    values = {
        "state": ACKNOWLEDGED,
        "acknowledged_by_id": viewer.member_id,
        "acknowledged_at": clock.now(),
        "instruction": instruction,
    }
    step = Change(EMERGENCY, "update", row["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)
    writer = await write.fetchval(_CONCERNED, row["card_id"]) if row["card_id"] else None
    readers = sorted({row["reporter_id"], writer} - {None, viewer.member_id})
    await tell(write, viewer, acknowledged_letters(row, instruction, readers), clock=clock)


async def _leads(read: TenantRead, viewer: Viewer, reporter: UUID, clock: Clock) -> bool:
    """Whether it is for the viewer to acknowledge what this member reported."""
    if GENERAL_MANAGER in viewer.roles:
        return True
    return viewer.member_id in heads(await load_everybody(read, day=viewer.today(clock)), reporter)
