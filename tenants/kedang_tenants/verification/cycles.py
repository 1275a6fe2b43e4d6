"""Until when an archive must be verified: the most exact cycle counts, from the last verification on (A7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.i18n import msg
from kedang_platform.months import add_months
from kedang_tenants.changing import Change, Draft, change_internally, prepares
from kedang_tenants.reading import Viewer

DEFAULTS: Final = (("CURRENT", 2), (None, 24))
"""State and months: what a new company begins with. Archives proper are those of current customers (A7)."""

_LIVING: Final = """
SELECT grade_level_id, state, months FROM verification_cycle WHERE archived_at IS NULL ORDER BY created_at, id
"""
_OTHERS: Final = """
SELECT grade_level_id, state FROM verification_cycle WHERE archived_at IS NULL AND id <> ALL($1::uuid[])
"""
_COUNTED: Final = frozenset({"state", "grade_level_id", "verified_on"})


@dataclass(frozen=True, slots=True)
class Cycle:
    """Months for one grade and state, or (None) for all."""

    grade_level_id: UUID | None
    state: str | None
    months: int

    def fits(self, grade_level_id: UUID | None, state: str) -> bool:
        return self.grade_level_id in {None, grade_level_id} and self.state in {None, state}

    @property
    def exactness(self) -> tuple[bool, bool]:
        return self.grade_level_id is not None, self.state is not None


def most_exact(cycles: Sequence[Cycle], *, grade_level_id: UUID | None, state: str) -> Cycle | None:
    """Grade and state before grade before state before neither; None where none fits."""
    fitting = [cycle for cycle in cycles if cycle.fits(grade_level_id, state)]
    return max(fitting, key=lambda cycle: cycle.exactness, default=None)


def verify_day(cycles: Sequence[Cycle], row: Mapping[str, Any], opened: date) -> date | None:
    """Until when a customer's archive must be verified; ``opened`` counts for one that never was."""
    cycle = most_exact(cycles, grade_level_id=row["grade_level_id"], state=row["state"])
    return add_months(row["verified_on"] or opened, cycle.months) if cycle else None


async def load_cycles(read: TenantRead) -> list[Cycle]:
    """The company's cycles, the oldest first."""
    return [Cycle(*row) for row in await read.fetch(_LIVING)]


@prepares("customer")
async def keep_verify_by(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """The day follows from grade, state and last verification, in the write that changes them."""
    moved = [draft for draft in drafts if draft.action == "create" or _COUNTED & draft.values.keys()]
    cycles = await load_cycles(write) if moved else []
    zone = ZoneInfo(viewer.time_zone)
    for draft in moved:
        row = {name: draft.now(name) for name in _COUNTED}
        opened = cast("datetime", (draft.old or {}).get("created_at") or clock.now())
        due = verify_day(cycles, row, opened.astimezone(zone).date())
        if due != draft.now("verify_by"):
            draft.values["verify_by"] = due


@prepares("verification_cycle")
async def guard_cycles(write: TenantWrite, _viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """One cycle for each grade and state, so that none stands there without effect."""
    rows = await write.fetch(_OTHERS, [draft.id for draft in drafts])
    taken = {(row["grade_level_id"], row["state"]) for row in rows}
    for draft in drafts:
        if draft.now("archived_at") is not None:
            continue
        said = (cast("UUID | None", draft.now("grade_level_id")), cast("str | None", draft.now("state")))
        if said in taken:
            draft.refuse(
                None,
                "ALREADY_EXISTS",
                msg("There is a cycle for this grade and state already; change that one."),
            )
        taken.add(said)


async def seed_cycles(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> None:
    """Give a company that opens its first cycles."""
    changes = [
        Change("verification_cycle", "create", values={"state": state, "months": months})
        for state, months in DEFAULTS
    ]
    await change_internally(write, viewer, changes, clock=clock)
