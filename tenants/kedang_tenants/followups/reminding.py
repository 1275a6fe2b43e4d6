"""What reminding needs beside the records: when and how patiently a company reminds, and whom it has told upward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import Date, Integer, Text, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Base, IntegerKind, TimeOfDayKind, contribute, field
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.people.calendar import WorkingWeek
from kedang_tenants.reading import Viewer

DIGEST_AT: Final = "08:00"
ESCALATE_AFTER, ESCALATE_FURTHER_AFTER = 3, 6
"""Working days; what a company begins with."""
_LONGEST_PATIENCE: Final = 250
_END_OF_DAY: Final = "24:00"
_HABITS: Final = """
SELECT digest_at, escalate_after, escalate_further_after FROM working_week ORDER BY created_at, id LIMIT 1
"""


class DueEscalation(Base):
    """What superiors have been told of: something due on a day, and the step; each once, so that none hears twice."""

    __tablename__ = "due_escalation"

    source: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    record_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    due_on: Mapped[date] = mapped_column(Date, primary_key=True)
    step: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    told_on: Mapped[date] = mapped_column(Date)


contribute(
    WorkingWeek,
    "digest_at",
    field(
        TimeOfDayKind(),
        label=msg("Reminders at"),
        required=True,
        default=DIGEST_AT,
        server_default=f"'{DIGEST_AT}'",
        description="When everybody is told on working days what is due, on the clock of their own time zone",
    ),
)
contribute(
    WorkingWeek,
    "escalate_after",
    field(
        IntegerKind(1, _LONGEST_PATIENCE),
        label=msg("Superiors hear after"),
        default=ESCALATE_AFTER,
        server_default=str(ESCALATE_AFTER),
        description="Working days that something is overdue; empty: never",
    ),
)
contribute(
    WorkingWeek,
    "escalate_further_after",
    field(
        IntegerKind(1, _LONGEST_PATIENCE),
        label=msg("General managers hear after"),
        default=ESCALATE_FURTHER_AFTER,
        server_default=str(ESCALATE_FURTHER_AFTER),
        description="Working days that something is overdue, more than for superiors; empty: never",
    ),
)


@dataclass(frozen=True, slots=True)
class Habits:
    """When a company reminds, ``HH:MM``, and after how many working days of delay it tells upward; None is never."""

    digest_at: str = DIGEST_AT
    escalate_after: int | None = ESCALATE_AFTER
    escalate_further_after: int | None = ESCALATE_FURTHER_AFTER


async def load_habits(read: TenantRead) -> Habits:
    """Those of the company that ``read`` stands in."""
    row = await read.fetchrow(_HABITS)
    return Habits(**row) if row else Habits()


@prepares("working_week")
async def guard_habits(_write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """Who stands further up hears later, and a day's reminders are told within the day."""
    for draft in drafts:
        first, further = draft.now("escalate_after"), draft.now("escalate_further_after")
        if isinstance(first, int) and isinstance(further, int) and further <= first:
            draft.refuse(
                "escalate_further_after",
                "ESCALATES_TOO_SOON",
                msg("General managers hear later than superiors: after more working days."),
            )
        if draft.now("digest_at") == _END_OF_DAY:
            draft.refuse(
                "digest_at", "AFTER_THE_DAY", msg("Reminders of a day are told before the day is over.")
            )
