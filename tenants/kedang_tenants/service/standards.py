"""How soon a request is to be answered and solved: the most exact standard of the company counts (S1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Viewer

_HOUR: Final = 60
_DAY: Final = 9 * _HOUR
DEFAULTS: Final = (
    (None, 4 * _HOUR, 3 * _DAY),
    ("LOW", _DAY, 5 * _DAY),
    ("HIGH", 2 * _HOUR, _DAY),
    ("URGENT", 30, 4 * _HOUR),
)
"""Priority, first answer and solution in minutes of business time: what a new company begins with."""

_LIVING: Final = """
SELECT grade_level_id, priority, first_answer_minutes, solution_minutes FROM service_standard
WHERE archived_at IS NULL ORDER BY created_at, id
"""


@dataclass(frozen=True, slots=True)
class Standard:
    """Minutes of business time, for one grade and priority or (None) for all."""

    grade_level_id: UUID | None
    priority: str | None
    first_answer_minutes: int
    solution_minutes: int

    def fits(self, grade_level_id: UUID | None, priority: str) -> bool:
        return self.grade_level_id in {None, grade_level_id} and self.priority in {None, priority}

    @property
    def exactness(self) -> tuple[bool, bool]:
        return self.grade_level_id is not None, self.priority is not None


def most_exact(
    standards: Sequence[Standard], *, grade_level_id: UUID | None, priority: str
) -> Standard | None:
    """Grade and priority before grade before priority before neither; of equally exact ones the first given."""
    fitting = [standard for standard in standards if standard.fits(grade_level_id, priority)]
    return max(fitting, key=lambda standard: standard.exactness, default=None)


def allowed_minutes(standard: Standard | None, *, at_most: int | None) -> dict[str, object]:
    """The minutes for both clocks as a request keeps them; ``at_most`` limits those for the solution."""
    known = [standard.solution_minutes] if standard else []
    known += [at_most] if at_most is not None else []
    return {
        "first_answer_minutes": standard.first_answer_minutes if standard else None,
        "solution_minutes": min(known, default=None),
    }


async def load_standards(read: TenantRead) -> list[Standard]:
    """The company's standards, the oldest first."""
    return [Standard(*row) for row in await read.fetch(_LIVING)]


async def seed_standards(write: TenantWrite, viewer: Viewer, *, clock: Clock) -> None:
    """Give a company that opens its first standards, by priority and for every grade."""
    changes = [
        Change(
            "service_standard",
            "create",
            values={"priority": priority, "first_answer_minutes": answer, "solution_minutes": solution},
        )
        for priority, answer, solution in DEFAULTS
    ]
    await change_internally(write, viewer, changes, clock=clock)
