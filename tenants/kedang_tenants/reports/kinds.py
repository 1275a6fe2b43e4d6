"""The kinds of reports: what each is able to read, can be told, and what makes it.

A new kind is a module with ``KIND``, an option in ``models.REPORTS`` (and a revision for the check of
the column), and a line here. Runs, schedules, formats and dashboards know nothing else of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.reading import Viewer
from kedang_tenants.reports import (
    archive_freshness,
    composition,
    contracts_ending,
    customer_list,
    customers_by_grade,
    daily_digest,
    follow_up_compliance,
    grade_movement,
    loyalty_and_loss,
    maintenance_due,
    profit_contribution,
    purchase_behaviour,
    receivables_ageing,
    service_quality,
    survey_analysis,
    visits,
    watch_list,
)
from kedang_tenants.reports.kind import Kind

KINDS: Final[Mapping[str, Kind]] = {
    kind.code: kind
    for kind in (
        customers_by_grade.KIND,
        grade_movement.KIND,
        follow_up_compliance.KIND,
        survey_analysis.KIND,
        customer_list.KIND,
        composition.KIND,
        purchase_behaviour.KIND,
        visits.KIND,
        loyalty_and_loss.KIND,
        service_quality.KIND,
        archive_freshness.KIND,
        daily_digest.KIND,
        contracts_ending.KIND,
        maintenance_due.KIND,
        watch_list.KIND,
        profit_contribution.KIND,
        receivables_ageing.KIND,
    )
}


def ensure_is_for(viewer: Viewer, kind: str) -> None:
    """Raises Forbidden where the viewer may read nothing of what a kind of report is about."""
    if not KINDS[kind].is_for(viewer):
        raise Forbidden(msg("You may not read what this report is about."))
