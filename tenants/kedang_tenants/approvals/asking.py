"""Asking for an approval, taking it back, asking again for what was returned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.approvals.deciders import Staff, load_staff, who_may_decide
from kedang_tenants.approvals.flows import Flow, to_document
from kedang_tenants.approvals.kinds import ApprovalKind, approval_kind
from kedang_tenants.approvals.models import (
    APPROVED,
    ASKED,
    NO_STEP,
    NOBODY_ELSE,
    OPEN,
    RESUBMITTED,
    RETURNED,
    WITHDRAWN,
)
from kedang_tenants.approvals.requests import (
    Happening,
    Held,
    hold,
    hold_unsettled,
    note,
    public_id,
    update,
)
from kedang_tenants.approvals.setting import flow_of
from kedang_tenants.approvals.turns import set_turns
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.change import visible_record
from kedang_tenants.reading import Viewer


class AlreadyAsked(BadUserInput):
    """The same person has asked for the same already, and it is not decided."""


class NobodyToDecide(BadUserInput):
    """There is nobody beside the asker who could decide."""


class NotWaiting(BadUserInput):
    """The request is not in a state in which this can be done to it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes: to a step (from 1), or to its end (None); what was passed on the way."""

    step: int | None
    passed: tuple[Happening, ...]
    alone: bool


async def ask(
    write: TenantWrite,
    viewer: Viewer,
    *,
    kind: str,
    subject: tuple[str, UUID] | None,
    summary: Mapping[str, str],
    amount: int | None = None,
    payload: Mapping[str, Any] | None = None,
    barred: Collection[UUID] = (),
    remark: str | None = None,
    clock: Clock,
) -> UUID:
    """Ask for an approval in the viewer's name; returns the request's id.

    ``subject`` is what it is about, ``summary`` says it in our languages; ``amount`` is in minor units of
    the company's currency. Neither the asker nor ``barred`` ever decide. Whether the viewer may ask is the
    caller's matter. Where no step applies, or nobody else could decide and the kind lets that pass, it is
    approved at once. Raises Forbidden, AlreadyAsked, NobodyToDecide, and what the kind's feature raises.
    """
    if viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))
    known = approval_kind(kind)
    if amount is not None and not known.takes_amount:
        raise ValueError(f"{kind} takes no amount")
    await _refuse_twice(write, viewer, kind, subject)
    values = {
        "kind": kind,
        "summary": dict(summary),
        "about": public_id(*subject) if subject else None,
        "amount": amount,
        "currency": viewer.currency if amount is not None else None,
        "asked_by_id": viewer.member_id,
        "payload": dict(payload or {}),
        "barred": {"members": sorted(member.hex for member in barred)},
        **_flow_values(await flow_of(write, known)),
    }
    new = Change("approval_request", "create", new_id(), values=values)
    await change_internally(write, viewer, [new], clock=clock)
    assert new.id is not None
    held = await hold(write, new.id)
    asked = Happening(kind=ASKED, step=1, member_id=viewer.member_id, remark=remark)
    await note(write, viewer, held, [asked], clock=clock)
    await begin(write, viewer, held, known, clock=clock)
    return held.id


async def _refuse_twice(
    write: TenantWrite, viewer: Viewer, kind: str, subject: tuple[str, UUID] | None
) -> None:
    if subject is None:
        return
    unsettled = await hold_unsettled(write, kind=kind, subject=subject)
    if any(held.asked_by == viewer.member_id for held in unsettled):
        raise AlreadyAsked(msg("You have asked for this already; it is not decided yet."), path=("input",))


def _flow_values(flow: Flow) -> dict[str, object]:
    return {"steps": to_document(flow), "flow_version": flow.version}


async def begin(write: TenantWrite, viewer: Viewer, held: Held, kind: ApprovalKind, *, clock: Clock) -> None:
    """Send a request to its first step, or straight to its end. Raises NobodyToDecide."""
    staff = await load_staff(write, today=viewer.today(clock))
    place = next_place(staff, held, kind, begin=1)
    if place is None:
        raise NobodyToDecide(msg("There is nobody beside you who could decide on this."), path=("input",))
    await go_to(write, viewer, held, kind, place, staff=staff, decided_by=None, clock=clock)


def next_place(staff: Staff, held: Held, kind: ApprovalKind, *, begin: int) -> Place | None:
    """The next step from ``begin`` on that applies and that somebody could decide; None where nobody could.

    Of a kind that lets it pass, steps that nobody else could decide are passed.
    """
    passed: list[Happening] = []
    for number, step in enumerate(held.flow.steps[begin - 1 :], begin):
        if not step.applies(held.amount):
            continue
        if who_may_decide(staff, held.question(number, 0)):
            return Place(number, tuple(passed), alone=False)
        if kind.alone == "REFUSE":
            return None
        passed.append(Happening(kind=NOBODY_ELSE, step=number))
    if begin == 1 and not passed:
        passed.append(Happening(kind=NO_STEP, step=1))
    return Place(None, tuple(passed), alone=any(one.kind == NOBODY_ELSE for one in passed))


async def go_to(
    write: TenantWrite,
    viewer: Viewer,
    held: Held,
    kind: ApprovalKind,
    place: Place,
    *,
    staff: Staff,
    decided_by: UUID | None,
    in_place_of: UUID | None = None,
    remark: str | None = None,
    clock: Clock,
) -> Held:
    """Open a step, or end the request as approved and do what was asked for."""
    await note(write, viewer, held, place.passed, clock=clock)
    if place.step is not None:
        opened = {
            "state": OPEN,
            "step": place.step,
            "escalation": 0,
            "waiting_since": viewer.today(clock),
        }
        held = await update(write, viewer, held, opened, clock=clock)
        await set_turns(write, viewer, [held], staff=staff, clock=clock)
        return held
    nobody_else = decided_by is None and place.alone
    ended = {
        "state": APPROVED,
        "decided_at": clock.now(),
        "decided_by_id": decided_by,
        "nobody_else": nobody_else,
        "waiting_since": None,
        "remark": remark,
    }
    held = await update(write, viewer, held, ended, clock=clock)
    await set_turns(write, viewer, [held], staff=staff, clock=clock)
    told = held.told(
        APPROVED, decided_by=decided_by, in_place_of=in_place_of, nobody_else=nobody_else, remark=remark
    )
    await kind.on_decided(write, viewer, told, clock)
    return held


async def withdraw(
    write: TenantWrite, viewer: Viewer, *, request_id: UUID, remark: str | None = None, clock: Clock
) -> UUID:
    """Take back what one has asked for and what is not decided. Raises NotFound, Forbidden, NotWaiting."""
    held = await hold_own(write, viewer, request_id)
    ensure_in(held, OPEN, RETURNED)
    await close(write, viewer, held, remark=remark, clock=clock)
    return held.id


async def close(
    write: TenantWrite, viewer: Viewer, held: Held, *, remark: str | None = None, clock: Clock
) -> None:
    """End a request that is not decided as withdrawn, for whatever reason."""
    gone = Happening(kind=WITHDRAWN, step=held.step, member_id=viewer.member_id, remark=remark)
    await note(write, viewer, held, [gone], clock=clock)
    values = {"state": WITHDRAWN, "decided_at": clock.now(), "waiting_since": None, "remark": remark}
    ended = await update(write, viewer, held, values, clock=clock)
    await set_turns(write, viewer, [ended], staff=Staff({}), clock=clock)
    await approval_kind(held.kind).on_decided(write, viewer, held.told(WITHDRAWN, remark=remark), clock)


async def resubmit(
    write: TenantWrite,
    viewer: Viewer,
    *,
    request_id: UUID,
    remark: str | None = None,
    changes: Mapping[str, Any] | None = None,
    clock: Clock,
) -> UUID:
    """Ask again for what was returned, from the first step on and by the flow of today.

    ``changes`` may hold ``summary``, ``amount`` and ``payload``.
    Raises NotFound, Forbidden, NotWaiting, NobodyToDecide, and what the kind's feature raises.
    """
    held = await hold_own(write, viewer, request_id)
    ensure_in(held, RETURNED)
    kind = approval_kind(held.kind)
    barred = set(held.barred)
    if kind.on_resubmitted is not None:
        barred |= set(await kind.on_resubmitted(write, viewer, held.told(OPEN, remark=remark), clock))
    again = Happening(kind=RESUBMITTED, step=1, member_id=viewer.member_id, remark=remark)
    await note(write, viewer, held, [again], clock=clock)
    barring = {"members": sorted(member.hex for member in barred)}
    values = {"stage": held.stage + 1, "step": 1, "barred": barring, **(changes or {})}
    values |= _flow_values(await flow_of(write, kind))
    await update(write, viewer, held, values, clock=clock)
    await begin(write, viewer, await hold(write, held.id), kind, clock=clock)
    return held.id


async def hold_own(write: TenantWrite, viewer: Viewer, request_id: UUID) -> Held:
    """Lock a request of the viewer's own; Forbidden for another's that they see, else NotFound."""
    held = await hold(write, request_id)
    if held.asked_by is None or held.asked_by != viewer.member_id:
        await ensure_seen(write, viewer, request_id)
        raise Forbidden(msg("Only who has asked may do this."), path=("input", "id"))
    return held


async def ensure_seen(write: TenantWrite, viewer: Viewer, request_id: UUID) -> None:
    """Raise NotFound unless the viewer may know of a request."""
    if not await visible_record(write, viewer, catalogue().record("approval_request"), request_id):
        raise NotFound(msg("There is no such record."), path=("input", "id"))


def ensure_in(held: Held, *states: str) -> None:
    """Raise NotWaiting unless the request is in one of the states."""
    if held.state not in states:
        raise NotWaiting(
            msg("This request is not in a state in which this can be done."), path=("input", "id")
        )


async def unsettled_about(read: TenantRead, *, kind: str, subject: tuple[str, UUID]) -> list[UUID]:
    """The requests about a record that are open or returned."""
    rows = await read.fetch(
        "SELECT id FROM approval_request WHERE kind = $1 AND about = $2 AND state IN ('OPEN', 'RETURNED')"
        " AND archived_at IS NULL ORDER BY id",
        kind,
        public_id(*subject),
    )
    return [row["id"] for row in rows]
