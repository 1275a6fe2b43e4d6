"""Service requests at risk, as something that is due: a clock that runs out today or has run out (S1)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

_SELECT: Final = """
SELECT r.owner_id, r.id, r.customer_id, (r.{due} AT TIME ZONE $3)::date, to_jsonb(r.number), to_jsonb(r.title), 30
FROM service_request r
WHERE r.archived_at IS NULL AND {runs} AND (r.{due} AT TIME ZONE $3)::date <= $1
"""
_UNANSWERED: Final = "r.state IN ('NEW', 'IN_PROGRESS') AND r.first_answered_at IS NULL"

# Superiors hear of requests by the request's own clocks, within the hour (``service.overdue``).
FIRST_ANSWER: Final = due_source(
    DueSource(
        name="service.first_answer",
        record="service_request",
        reason=msg("answer service request {subject}"),
        rule=msg("Service standard: the first answer is due"),
        escalates=False,
        select=_SELECT.format(due="first_answer_due_at", runs=_UNANSWERED),
    )
)
SOLUTION: Final = due_source(
    DueSource(
        name="service.solution",
        record="service_request",
        reason=msg("solve service request {subject}"),
        rule=msg("Service standard: the solution is due"),
        escalates=False,
        # Of a request whose first answer is due as well, the answer is told.
        select=_SELECT.format(
            due="solution_due_at",
            runs=f"r.state IN ('NEW', 'IN_PROGRESS') AND NOT ({_UNANSWERED}"
            " AND r.first_answer_due_at IS NOT NULL AND (r.first_answer_due_at AT TIME ZONE $3)::date <= $1)",
        ),
    )
)
