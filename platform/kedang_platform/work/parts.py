"""What the steps of a job over many records tell each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Part:
    """One step's work: the last record it looked at (None when there are no more), and two counts.

    ``left_out`` says how many records were passed over, by the code of the reason, where that is told.
    """

    last: UUID | None
    seen: int
    changed: int
    left_out: Mapping[str, int] = field(default_factory=dict)
