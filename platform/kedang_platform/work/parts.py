"""What the steps of a job over many records tell each other."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One step's work: the last record it looked at (None when there are no more), and two counts."""

    last: UUID | None
    seen: int
    changed: int
