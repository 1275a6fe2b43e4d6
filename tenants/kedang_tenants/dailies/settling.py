"""What becomes of something urgent: the company manager settles it alone, saying how, or reports it upward (F5)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold
from kedang_tenants.dailies.making import CARD
from kedang_tenants.dailies.models import OPEN, SETTLED
from kedang_tenants.dailies.superiors import GENERAL_MANAGER
from kedang_tenants.dailies.telling import settled_letters
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Scope, Viewer

_REPORT: Final = """
SELECT id, member_id, recipient_id, manager_id FROM daily_report WHERE id = $1
"""


class NothingUrgent(KedangError):
    """There is nothing urgent that waits for a manager."""


async def settle_card(
    write: TenantWrite,
    viewer: Viewer,
    *,
    card_id: UUID,
    settled_how: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note how something urgent was settled; whoever wrote of it is told.

    Raises NotFound, Forbidden, Archived, NothingUrgent, and Refused without a word on how or for a stale version.
    """
    card, report = await hold_urgent(write, viewer, card_id)
    if not settled_how.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "settledHow"))])
    values = {
        "settlement": SETTLED,
        "settled_how": settled_how,
        "settled_by_id": viewer.member_id,
        "settled_at": clock.now(),
    }
    step = Change(CARD, "update", card["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)
    readers = sorted({report["member_id"], report["recipient_id"]} - {None, viewer.member_id})
    await tell(write, viewer, await settled_letters(write, card, settled_how, readers, clock), clock=clock)


async def hold_urgent(
    write: TenantWrite, viewer: Viewer, card_id: UUID, *, path: tuple[str, ...] = ("input", "id")
) -> tuple[Row, Row]:
    """An urgent card that waits, held, and its report, for whoever may decide on it.

    That is the manager whom the report names, who manages its writer's department, and general managers; nobody decides
    on what they wrote themselves but who stands under nobody.
    """
    card = await hold(write, viewer, CARD, card_id, path=path)
    (report,) = [dict(row) for row in await write.fetch(_REPORT, card["report_id"])]
    if not may_decide(viewer, report):
        raise Forbidden(msg("You may not do this."))
    if card["settlement"] != OPEN:
        raise NothingUrgent(msg("There is nothing urgent here that waits for a decision."), path=path)
    return card, report


def may_decide(viewer: Viewer, report: Row) -> bool:
    """Whether the viewer stands above whoever wrote the report as a manager does."""
    if viewer.member_id == report["manager_id"]:
        return True
    scope = viewer.on(CARD).update
    reaches = scope > Scope.OWN and viewer.reaches(scope, report["member_id"])
    return (reaches or GENERAL_MANAGER in viewer.roles) and viewer.member_id != report["member_id"]
