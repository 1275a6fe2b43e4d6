"""What is due of archives: their verification (A7)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

# Light: many fall due on one day, and none of them is to hide a customer who waits.
VERIFICATION: Final = due_source(
    DueSource(
        name="customer.verification",
        record="customer",
        reason=msg("verify the archive"),
        rule=msg("Archives are verified once a cycle"),
        select="""
SELECT c.owner_id, c.id, c.id, c.verify_by, NULL::jsonb, NULL::jsonb, 5
FROM customer c WHERE c.verify_by <= $1 AND c.archived_at IS NULL AND c.owner_id IS NOT NULL
""",
    )
)
