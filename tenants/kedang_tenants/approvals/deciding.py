"""Deciding: by whoever may at this moment, once a stage, never on one's own."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.approvals.asking import Place, ensure_seen, go_to, next_place
from kedang_tenants.approvals.deciders import Staff, load_staff, who_may_decide
from kedang_tenants.approvals.kinds import ApprovalKind, approval_kind
from kedang_tenants.approvals.models import APPROVED, OPEN, REFUSED, RETURNED
from kedang_tenants.approvals.requests import Happening, Held, hold, note, update
from kedang_tenants.approvals.turns import set_turns, tell_asker
from kedang_tenants.reading import Viewer

Decision: TypeAlias = Literal["APPROVE", "REFUSE", "RETURN"]
DECISIONS: Final[tuple[Decision, ...]] = ("APPROVE", "REFUSE", "RETURN")
_STATES: Final = {"APPROVE": APPROVED, "REFUSE": REFUSED, "RETURN": RETURNED}
MOST_REMARK: Final = 2000

# Whoever is suspended, demoted or moved meanwhile is so before this decision or after it.
_HOLD_MEMBER = "SELECT id FROM member WHERE id = $1 FOR SHARE"


class AlreadyDecided(BadUserInput):
    """The request has moved on since whoever decides looked at it."""


class NotYoursToDecide(Forbidden):
    """The step is for others to decide."""


class OwnRequest(Forbidden):
    """Nobody decides on what they have asked for or prepared themselves, in whatever role."""


class RemarkRequired(BadUserInput):
    """A refusal or a return says why."""


async def decide(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    stage: int,
    decision: Decision,
    remark: str | None = None,
    clock: Clock,
) -> UUID:
    """Decide the open step of a request as it was at ``stage``; of several who decide at once one counts.

    The viewer decides in their own right, or as a deputy, which the history says. Raises NotFound,
    AlreadyDecided, OwnRequest, NotYoursToDecide, RemarkRequired, and what the kind's feature raises.
    """
    held = await hold(write, request_id)
    await write.fetch(_HOLD_MEMBER, viewer.member_id)
    staff = await load_staff(write, today=viewer.today(clock))
    in_place_of = await _right(write, viewer, held, staff, stage)
    remark = (remark or "").strip()[:MOST_REMARK] or None
    if decision != "APPROVE" and remark is None:
        raise RemarkRequired(msg("Say why."), path=("input", "remark"))
    happened = Happening(
        kind=_STATES[decision],
        step=held.step,
        member_id=viewer.member_id,
        for_member_id=in_place_of,
        remark=remark,
    )
    await note(write, viewer, held, [happened], clock=clock)
    kind = approval_kind(held.kind)
    if decision == "APPROVE":
        await _approve(write, viewer, held, kind, staff, in_place_of, remark, clock)
    else:
        await _turn_down(write, viewer, held, kind, _STATES[decision], in_place_of, remark, clock)
    return held.id


async def _right(write: TenantWrite, viewer: Viewer, held: Held, staff: Staff, stage: int) -> UUID | None:
    """In whose place the viewer decides, None for their own."""
    member = viewer.member_id
    may = who_may_decide(staff, held.question()) if held.state == OPEN else {}
    if member not in may:
        await ensure_seen(write, viewer, held.id)
    if held.state != OPEN or held.stage != stage:
        raise AlreadyDecided(
            msg("This request has moved on in the meantime; look at it again."), path=("input", "stage")
        )
    if member is None or member in held.barred:
        raise OwnRequest(msg("Nobody decides on their own request."), path=("input", "id"))
    if member not in may:
        raise NotYoursToDecide(msg("It is for others to decide on this."), path=("input", "id"))
    return may[member]


async def _approve(
    write: TenantWrite,
    viewer: Viewer,
    held: Held,
    kind: ApprovalKind,
    staff: Staff,
    in_place_of: UUID | None,
    remark: str | None,
    clock: Clock,
) -> None:
    """On to the next step, or to the end; a step that nobody could decide now waits for somebody who can."""
    place = next_place(staff, held, kind, begin=held.step + 1)
    if place is None:
        place = Place(held.step + 1, (), alone=False)
    stage = held.stage
    held = await update(write, viewer, held, {"stage": stage + 1}, clock=clock)
    held = await go_to(
        write,
        viewer,
        held,
        kind,
        place,
        staff=staff,
        decided_by=viewer.member_id,
        in_place_of=in_place_of,
        remark=remark,
        clock=clock,
    )
    if held.state == APPROVED and viewer.member_id is not None:
        await tell_asker(
            write, viewer, held, state=APPROVED, decided_by=viewer.member_id, remark=remark, clock=clock
        )


async def _turn_down(
    write: TenantWrite,
    viewer: Viewer,
    held: Held,
    kind: ApprovalKind,
    state: str,
    in_place_of: UUID | None,
    remark: str | None,
    clock: Clock,
) -> None:
    """Refused for good, or returned to be mended."""
    assert viewer.member_id is not None
    values: dict[str, object] = {
        "state": state,
        "stage": held.stage + 1,
        "waiting_since": None,
        "remark": remark,
    }
    if state == REFUSED:
        values |= {"decided_at": clock.now(), "decided_by_id": viewer.member_id}
    ended = await update(write, viewer, held, values, clock=clock)
    await set_turns(write, viewer, [ended], staff=Staff({}), clock=clock)
    told = ended.told(state, decided_by=viewer.member_id, in_place_of=in_place_of, remark=remark)
    await kind.on_decided(write, viewer, told, clock)
    await tell_asker(
        write, viewer, ended, state=state, decided_by=viewer.member_id, remark=remark, clock=clock
    )
