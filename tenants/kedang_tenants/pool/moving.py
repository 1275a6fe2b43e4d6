"""Putting customers into the public pool and taking them out: the rows, their history, their trail (A13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.customers.belonging import referring_to_all
from kedang_tenants.followups.models import CANCELLED
from kedang_tenants.pool.models import CLAIMED, RECYCLED, RELEASED, SHARED_OUT
from kedang_tenants.reading import Viewer

NOT_RETURNING: Final = {"pool_return_on": None, "pool_return_why": None, "pool_warned_on": None}
_EVENTS: Final = {RECYCLED: "recycled", RELEASED: "released", CLAIMED: "claimed", SHARED_OUT: "shared_out"}
_PLANS: Final = """
SELECT id FROM follow_up_plan
WHERE customer_id = ANY($1::uuid[]) AND state = 'PLANNED' AND origin = 'MANUAL' AND archived_at IS NULL ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Move:
    """One customer's way: who loses it or gets it, and why."""

    customer_id: UUID
    member_id: UUID | None
    cause: str | None = None
    reason: str | None = None


async def put_in(
    write: TenantWrite, viewer: Viewer, moves: Sequence[Move], *, kind: str, clock: Clock
) -> None:
    """Put locked customers into the pool; what was planned with them by hand is cancelled."""
    if not moves:
        return
    customers = [move.customer_id for move in moves]
    plans = [row["id"] for row in await write.fetch(_PLANS, customers)]
    cancelled = [Change("follow_up_plan", "update", each, values={"state": CANCELLED}) for each in plans]
    shown = {"owner_id": None, "pool_since": clock.now(), **NOT_RETURNING}
    changes = [Change("customer", "update", each, values=shown) for each in customers]
    await change_internally(write, viewer, [*cancelled, *changes], clock=clock)
    await _note(write, viewer, moves, kind=kind, clock=clock)


async def take_out(
    write: TenantWrite, viewer: Viewer, moves: Sequence[Move], *, kind: str, clock: Clock
) -> None:
    """Give locked customers of the pool to members."""
    changes = [
        Change(
            "customer", "update", move.customer_id, values={"owner_id": move.member_id, "pool_since": None}
        )
        for move in moves
    ]
    await change_internally(write, viewer, changes, clock=clock)
    await _note(write, viewer, moves, kind=kind, clock=clock)


async def _note(
    write: TenantWrite, viewer: Viewer, moves: Sequence[Move], *, kind: str, clock: Clock
) -> None:
    today = viewer.today(clock)
    rows = [
        Change(
            "pool_move",
            "create",
            values={
                "customer_id": move.customer_id,
                "kind": kind,
                "moved_on": today,
                "member_id": move.member_id,
                "cause": move.cause,
                "reason": move.reason,
                "by_id": viewer.member_id,
            },
        )
        for move in moves
    ]
    await change_internally(write, referring_to_all(viewer), rows, clock=clock)
    entries = [("customer", _EVENTS[kind], move.customer_id, _told(move)) for move in moves]
    await audit(write, viewer, entries, clock=clock)


def _told(move: Move) -> dict[str, object]:
    told = {
        "member_id": move.member_id.hex if move.member_id else None,
        "cause": move.cause,
        "reason": move.reason,
    }
    return {name: [None, value] for name, value in told.items() if value is not None}
