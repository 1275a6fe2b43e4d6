"""The kinds of reports: what each is able to read, can be told, and what makes it.

A new kind is a module with ``KIND``, an option in ``models.REPORTS`` (and a revision for the check of
the column), and a line here. Runs, schedules, formats and dashboards know nothing else of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kedang_tenants.reports import customers_by_grade, follow_up_compliance, grade_movement, survey_analysis
from kedang_tenants.reports.kind import Kind

KINDS: Final[Mapping[str, Kind]] = {
    kind.code: kind
    for kind in (
        customers_by_grade.KIND,
        grade_movement.KIND,
        follow_up_compliance.KIND,
        survey_analysis.KIND,
    )
}


def reads_of(kind: str) -> tuple[str, ...]:
    """What a person must be able to read for a report of a kind."""
    return KINDS[kind].reads
