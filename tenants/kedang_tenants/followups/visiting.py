"""What is done with a visit form: submitted, decided by a superior, called off, finished (F2).

Every verb raises NotFound, Forbidden, Archived, and Refused for a version that is stale.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.approvals.asking import ask, close, resubmit
from kedang_tenants.approvals.flows import SUPERIOR, Step
from kedang_tenants.approvals.kinds import Request, register_approval_kind
from kedang_tenants.approvals.requests import hold_unsettled
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold_for_change
from kedang_tenants.changing.locking import CHANGING, hold_first
from kedang_tenants.followups.preparing import prepare_visits
from kedang_tenants.followups.visit_letters import NOT_OUT, OUT, attendance_letters, summary_of
from kedang_tenants.followups.visits import (
    APPROVED,
    CALLED_OFF,
    DRAFT,
    EDITABLE,
    FINISHED,
    REFUSED,
    RETURNED,
    SUBMITTED,
)
from kedang_tenants.people.telling import tell
from kedang_tenants.reading import Viewer

RECORD: Final = "visit_form"
KIND: Final = "visit.form"
_HELD: Final = f"SELECT * FROM visit_form WHERE id = $1 {CHANGING}"
_LONGEST_REASON: Final = 2000


class WrongVisitState(KedangError):
    """The visit form is not in a state in which this can be done."""


class VisitsNotYet(KedangError):
    """What came of visits is not known before their day."""


async def submit_visit_form(
    write: TenantWrite, viewer: Viewer, *, form_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Ask for the approval of a form with at least one visit, of today or later; what was returned is asked for again.

    Visits that nothing was prepared for get what the archive knows. Raises WrongVisitState, and what ``ask`` raises.
    """
    row = await _hold(write, viewer, form_id, EDITABLE)
    if row["visit_on"] < viewer.today(clock):
        raise Refused([UserError("IN_THE_PAST", msg("This day has passed."), ("input", "id"))])
    if not row["planned_visits"]:
        raise Refused([UserError("REQUIRED", msg("Say first whom you visit."), ("input", "id"))])
    await prepare_visits(write, viewer, form_id=form_id, clock=clock)
    subject = (RECORD, form_id)
    unsettled = await hold_unsettled(write, kind=KIND, subject=subject)
    summary = await summary_of(write, row)
    for request in unsettled:
        if request.asked_by == viewer.member_id:
            await _move(write, viewer, row, {"submitted_at": clock.now()}, version, clock)
            await resubmit(
                write, viewer, request_id=request.id, changes={"summary": dict(summary)}, clock=clock
            )
            return
        await close(write, viewer, request, clock=clock)  # asked by somebody else: this one begins anew
    await _move(write, viewer, row, {"state": SUBMITTED, "submitted_at": clock.now()}, version, clock)
    await ask(
        write,
        viewer,
        kind=KIND,
        subject=subject,
        summary=summary,
        barred={row["member_id"]} - {None},
        clock=clock,
    )


async def call_off_visits(
    write: TenantWrite,
    viewer: Viewer,
    *,
    form_id: UUID,
    reason: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Give a day out up, saying why; whoever keeps attendance is told where it was approved. Raises WrongVisitState."""
    if not 0 < len(reason.strip()) <= _LONGEST_REASON:
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "reason"))])
    row = await _hold(write, viewer, form_id, {DRAFT, RETURNED, SUBMITTED, APPROVED})
    for request in await hold_unsettled(write, kind=KIND, subject=(RECORD, form_id)):
        await close(write, viewer, request, remark=reason, clock=clock)
    withdrawn = row["state"] in {SUBMITTED, RETURNED}
    values = {"state": CALLED_OFF, "remark": reason}
    await _move(write, viewer, row, values, None if withdrawn else version, clock)
    if row["state"] == APPROVED:
        letters = await attendance_letters(write, row, NOT_OUT, reason=reason)
        await tell(write, viewer, letters, clock=clock)


async def finish_visits(
    write: TenantWrite,
    viewer: Viewer,
    *,
    form_id: UUID,
    result: str,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Say what came of an approved day out, on that day or later. Raises WrongVisitState, VisitsNotYet."""
    if not result.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "result"))])
    row = await _hold(write, viewer, form_id, {APPROVED})
    if viewer.today(clock) < row["visit_on"]:
        raise VisitsNotYet(msg("This day has not come yet."), path=("input", "id"))
    values = {"state": FINISHED, "result": result, "finished_at": clock.now()}
    await _move(write, viewer, row, values, version, clock)


async def _hold(write: TenantWrite, viewer: Viewer, form_id: UUID, states: Collection[str]) -> Row:
    row = await hold_for_change(write, viewer, RECORD, form_id)
    if row["state"] not in states:
        message = msg("This visit form is not in a state in which this can be done.")
        raise WrongVisitState(message, path=("input", "id"))
    return row


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


_STATE_AFTER: Final = {
    "APPROVED": APPROVED,
    "REFUSED": REFUSED,
    "RETURNED": RETURNED,
    "WITHDRAWN": DRAFT,
}


async def _decided(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> None:
    """Note at the form what was decided on it, and tell attendance who will be out."""
    assert request.subject is not None
    held = await _held(write, request.subject[1])
    if held is None or held["state"] not in {SUBMITTED, RETURNED}:
        return
    row = dict(held)
    values = {
        "state": _STATE_AFTER[request.state],
        "decided_by_id": request.decided_by,
        "decided_at": clock.now() if request.state != "WITHDRAWN" else None,
        "remark": request.remark,
    }
    await _move(write, viewer, row, values, None, clock)
    if request.state == "APPROVED":
        await tell(write, viewer, await attendance_letters(write, row, OUT), clock=clock)


async def _held(write: TenantWrite, form_id: UUID) -> asyncpg.Record | None:
    await hold_first(write, RECORD, [form_id])
    return await write.fetchrow(_HELD, form_id)


async def _resubmitted(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> set[UUID]:
    """A form that was returned is submitted again; its visitor decides as little as before."""
    assert request.subject is not None
    held = await _held(write, request.subject[1])
    if held is None or held["state"] != RETURNED:
        message = msg("This visit form is not in a state in which this can be done.")
        raise WrongVisitState(message, path=("input", "id"))
    row = dict(held)
    await _move(write, viewer, row, {"state": SUBMITTED, "submitted_at": clock.now()}, None, clock)
    return {row["member_id"]} - {None}


register_approval_kind(
    KIND,
    label=msg("A visit form"),
    on_decided=_decided,
    on_resubmitted=_resubmitted,
    steps=(Step(by=SUPERIOR),),
    alone="APPROVE",
)
