"""Putting customers into the public pool and taking them out: the rows, their history, their trail (A13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.ids import new_id
from kedang_tenants.changing import Change, audit, change_internally
from kedang_tenants.followups.models import CANCELLED, CHECK, MANUAL
from kedang_tenants.pool.models import CLAIMED, RECYCLED, RELEASED, SHARED_OUT
from kedang_tenants.reading import Viewer

NOT_RETURNING: Final = {"pool_return_on": None, "pool_return_why": None, "pool_warned_on": None}
_EVENTS: Final = {RECYCLED: "recycled", RELEASED: "released", CLAIMED: "claimed", SHARED_OUT: "shared_out"}
# What follows from cycles, behaviour and maintenance is called off by those who plan it, as nobody has the customer.
_PLANS: Final = f"""
SELECT id FROM follow_up_plan
WHERE customer_id = ANY($1::uuid[]) AND state = 'PLANNED' AND origin IN ('{MANUAL}', '{CHECK}') AND archived_at IS NULL
ORDER BY id
"""

_MOVED: Final = """
INSERT INTO pool_move (id, version, created_at, updated_at, custom, customer_id, kind, moved_on, member_id, cause,
                       reason, by_id)
SELECT id, 1, $1, $1, '{}', customer_id, $2, $3, member_id, cause, reason, $4
FROM unnest($5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[])
     AS given (id, customer_id, member_id, cause, reason)
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
    """Put locked customers into the pool; what was planned with them by hand, and their checks, are called off.

    A check that is called off so can be planned again, for whoever gets the customer.
    """
    if not moves:
        return
    customers = [move.customer_id for move in moves]
    plans = [row["id"] for row in await write.fetch(_PLANS, customers)]
    off = {"state": CANCELLED, "occasion": None}
    cancelled = [Change("follow_up_plan", "update", each, values=off) for each in plans]
    shown = {"owner_id": None, "pool_since": clock.now(), **NOT_RETURNING}
    changes = [Change("customer", "update", each, values=shown) for each in customers]
    await change_internally(write, viewer, [*cancelled, *changes], clock=clock)
    await _note(write, viewer, moves, kind=kind, clock=clock)


async def take_out(
    write: TenantWrite, viewer: Viewer, moves: Sequence[Move], *, kind: str, clock: Clock
) -> None:
    """Give locked customers of the pool to members."""
    if not moves:
        return
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
    await note_moves(write, viewer, moves, kind=kind, clock=clock)
    entries = [("customer", _EVENTS[kind], move.customer_id, _told(move)) for move in moves]
    await audit(write, viewer, entries, clock=clock)


async def note_moves(
    write: TenantWrite, viewer: Viewer, moves: Sequence[Move], *, kind: str, clock: Clock
) -> None:
    """Keep the history: its rows are never changed, and what they say stands in the trail of their customers."""
    await write.fetch(
        _MOVED,
        clock.now(),
        kind,
        viewer.today(clock),
        viewer.member_id,
        [new_id() for _ in moves],
        *(
            list(column)
            for column in zip(
                *((move.customer_id, move.member_id, move.cause, move.reason) for move in moves), strict=True
            )
        ),
    )


def _told(move: Move) -> dict[str, object]:
    told = {
        "member_id": move.member_id.hex if move.member_id else None,
        "cause": move.cause,
        "reason": move.reason,
    }
    return {name: [None, value] for name, value in told.items() if value is not None}
