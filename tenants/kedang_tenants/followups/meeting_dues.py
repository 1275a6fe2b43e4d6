"""What is due of meetings: minutes, and the actions that were agreed (F4)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

# Told as soon as the meeting is over, to the customer's owner where a program entered it; of minutes that came back
# whoever wrote them is told, with the remark.
MINUTES: Final = due_source(
    DueSource(
        name="meeting.minutes",
        record="meeting",
        reason=msg("minutes of the meeting “{subject}”"),
        rule=msg("Minutes are written within the days that the company gives for them"),
        select="""
SELECT CASE WHEN m.minutes_state = 'RETURNED' THEN COALESCE(m.minutes_by_id, m.organiser_id, c.owner_id)
            ELSE COALESCE(m.organiser_id, c.owner_id) END,
       m.id, m.customer_id, m.minutes_due_on, to_jsonb(m.subject), to_jsonb(NULLIF(m.review_remark, '')), 20
FROM meeting m JOIN customer c ON c.id = m.customer_id
WHERE m.minutes_state IN ('NONE', 'RETURNED') AND m.archived_at IS NULL
  AND m.minutes_due_on IS NOT NULL AND m.ends_at <= $2
""",
    )
)
ACTIONS: Final = due_source(
    DueSource(
        name="meeting.action",
        record="meeting_action",
        reason=msg("agreed at the meeting “{subject}”"),
        rule=msg("What was agreed at a meeting is done by its day"),
        select="""
SELECT a.owner_id, a.id, m.customer_id, a.due_on, to_jsonb(m.subject), to_jsonb(left(a.task, 200)), 20
FROM meeting_action a JOIN meeting m ON m.id = a.meeting_id AND m.archived_at IS NULL
WHERE a.done_on IS NULL AND a.archived_at IS NULL AND a.due_on <= $1
""",
    )
)
