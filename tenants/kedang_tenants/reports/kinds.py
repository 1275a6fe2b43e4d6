"""The kinds of reports: what each has to be able to read, and what makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kedang_tenants.reports import customers_by_grade, follow_up_compliance, grade_movement, survey_analysis
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Document
from kedang_tenants.reports.models import (
    CUSTOMERS_BY_GRADE,
    FOLLOW_UP_COMPLIANCE,
    GRADE_MOVEMENT,
    SURVEY_ANALYSIS,
)
from kedang_tenants.reports.spool import Spool


@dataclass(frozen=True, slots=True)
class Kind:
    """``reads`` are the records without which the report says nothing; ``make`` works it out."""

    reads: tuple[str, ...]
    make: Callable[[Asked, Spool], Awaitable[Document]]


KINDS: Final[Mapping[str, Kind]] = {
    CUSTOMERS_BY_GRADE: Kind(customers_by_grade.READS, customers_by_grade.make),
    GRADE_MOVEMENT: Kind(grade_movement.READS, grade_movement.make),
    FOLLOW_UP_COMPLIANCE: Kind(follow_up_compliance.READS, follow_up_compliance.make),
    SURVEY_ANALYSIS: Kind(survey_analysis.READS, survey_analysis.make),
}


def reads_of(kind: str) -> tuple[str, ...]:
    """What a person must be able to read for a report of a kind."""
    return KINDS[kind].reads
