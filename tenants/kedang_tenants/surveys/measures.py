"""Satisfaction as a measure of grades: what customers answered on the five levels (G2)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.grading.events import follow
from kedang_tenants.grading.measures import (
    NUMBER,
    PERIOD,
    SUM,
    DatedFacts,
    Measure,
    register_measure,
)

_ANY: Final[frozenset[str]] = frozenset()

# The day of an answer is that of UTC: over months it does not matter which side of midnight somebody sat on.
ANSWERS: Final = DatedFacts(
    "ANSWERS",
    "SELECT a.customer_id, (a.submitted_at AT TIME ZONE 'UTC')::date AS day, a.satisfaction, 1 AS answers"
    " FROM survey_answer a WHERE a.archived_at IS NULL AND a.state = 'SUBMITTED' AND a.satisfaction IS NOT NULL"
    " AND a.customer_id IS NOT NULL",
    {"satisfaction": SUM, "answers": SUM},
    events={
        "survey_answer.submitted": _ANY,
        "survey_answer.archived": _ANY,
        "survey_answer.restored": _ANY,
    },
    customers_of={
        "survey_answer": "SELECT DISTINCT customer_id FROM survey_answer WHERE id = ANY($1::uuid[])"
    },
)
follow(ANSWERS)

SATISFACTION: Final = register_measure(
    Measure(
        "SATISFACTION",
        msg("Satisfaction"),
        NUMBER,
        ANSWERS,
        "round({satisfaction} / nullif({answers}, 0), 2)",
        {"satisfaction": ("satisfaction", PERIOD), "answers": ("answers", PERIOD)},
        periodic=True,
    )
)
