"""What waits for whom to decide, as something that is due: the day after it came (T11)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

# Approvals have superiors of their own: the flow passes on what nobody decides.
APPROVAL: Final = due_source(
    DueSource(
        name="approval.turn",
        record="approval_request",
        reason=msg("to be decided: {subject}"),
        escalates=False,
        select="""
SELECT t.member_id, r.id, NULL::uuid, (t.created_at AT TIME ZONE $3)::date + 1, r.summary, NULL::jsonb, 20
FROM approval_turn t JOIN approval_request r ON r.id = t.request_id
WHERE t.open AND t.archived_at IS NULL AND r.state = 'OPEN' AND (t.created_at AT TIME ZONE $3)::date < $1
""",
    )
)
