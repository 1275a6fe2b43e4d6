"""What is due of grades: deciding anew before one that was given by hand ends (G3)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.grading.ending import TOLD_DAYS
from kedang_tenants.people.dues import DueSource, due_source

# Of who gave it; of the customer's owner where they have gone, or are not allowed in any more.
GRADE_ENDS: Final = due_source(
    DueSource(
        name="grade.ends",
        record="customer_grade",
        reason=msg("decide anew on the grade given by hand: {subject}"),
        rule=msg("A grade given by hand is decided anew before it ends"),
        select=f"""
SELECT CASE WHEN m.state = 'ACTIVE' AND m.archived_at IS NULL THEN m.id ELSE c.owner_id END,
       g.id, g.customer_id, g.until, to_jsonb(l.code || ' – ' || c.name), NULL::jsonb, 12
FROM customer_grade g
JOIN customer c ON c.id = g.customer_id AND c.archived_at IS NULL
JOIN grade_level l ON l.id = g.level_id
LEFT JOIN member m ON m.id = g.given_by_id
WHERE g.current AND g.by_hand AND g.archived_at IS NULL AND g.until < $1::date + {TOLD_DAYS}
""",
        escalates=False,
    )
)
