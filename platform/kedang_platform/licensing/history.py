"""What became of a company's seats, who saw to it and why: rows that are only ever added (T3, T7)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.ids import new_id

SeatEvent = Literal[
    "reserved",
    "assigned",
    "released",
    "given_back",
    "bought",
    "added",
    "reduced",
    "renewed",
    "removal_scheduled",
    "removal_taken_back",
    "interval_scheduled",
    "keepers_chosen",
    "past_due",
    "restricted",
    "restored",
    "ended",
]
Reason = Literal[
    "invitation",
    "acceptance",
    "withdrawal",
    "expiry",
    "deactivation",
    "promotion",
    "demotion",
    "opening",
    "payment",
    "reversal",
    "order",
    "renewal",
    "choice",
    "nonpayment",
]

_INSERT = """
INSERT INTO platform.seat_history (id, company_id, at, event, reason, member_id, seats, by_member_id, by_operator)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""
_PAGE = """
SELECT id, at, event, reason, member_id, seats, by_member_id, by_operator FROM platform.seat_history
WHERE company_id = $1 AND ($2::uuid IS NULL OR (at, id) < (SELECT at, id FROM platform.seat_history
                                                          WHERE id = $2 AND company_id = $1))
ORDER BY at DESC, id DESC LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class By:
    """Who saw to it: a member of the company, the operator, or (neither) the product by itself."""

    member_id: UUID | None = None
    operator: str | None = None


SYSTEM: Final = By()


@dataclass(frozen=True, slots=True)
class SeatNote:
    """A row of the history. ``seats`` is how many seats it was about; ``member_id`` whose seat it was."""

    id: UUID
    at: datetime
    event: SeatEvent
    reason: Reason
    member_id: UUID | None
    seats: int | None
    by: By


async def note(
    control: ControlTransaction,
    *,
    company_id: UUID,
    event: SeatEvent,
    reason: Reason,
    now: datetime,
    by: By = SYSTEM,
    member_id: UUID | None = None,
    seats: int | None = None,
) -> None:
    """Add a row, in the transaction of what it tells."""
    await control.fetch(
        _INSERT, new_id(), company_id, now, event, reason, member_id, seats, by.member_id, by.operator
    )


async def history_of(
    read: ControlRead, *, company_id: UUID, before: UUID | None = None, most: int = 100
) -> list[SeatNote]:
    """The newest ``most`` rows, or those older than the row ``before``; the newest first."""
    rows = await read.fetch(_PAGE, company_id, before, most)
    return [
        SeatNote(
            id=row["id"],
            at=row["at"],
            event=row["event"],
            reason=row["reason"],
            member_id=row["member_id"],
            seats=row["seats"],
            by=By(row["by_member_id"], row["by_operator"]),
        )
        for row in rows
    ]
