"""What is due of visits and receipts: days out to be finished, objections to be settled (F2, F4)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

VISITS: Final = due_source(
    DueSource(
        name="visit.form",
        record="visit_form",
        reason=msg("say what came of the visits of {subject}"),
        rule=msg("Of approved visits it is said what came of them"),
        select="""
SELECT f.member_id, f.id, NULL::uuid, f.visit_on, to_jsonb(f.visit_on::text), NULL::jsonb, 10
FROM visit_form f WHERE f.state = 'APPROVED' AND f.archived_at IS NULL AND f.visit_on <= $1
""",
    )
)
# To whoever wrote the minutes, else whoever held the meeting.
OBJECTIONS: Final = due_source(
    DueSource(
        name="meeting.objection",
        record="minutes_receipt",
        reason=msg("the customer objects to the minutes of “{subject}”"),
        rule=msg("What a customer objects to in minutes is settled"),
        select="""
SELECT COALESCE(m.minutes_by_id, m.organiser_id, c.owner_id), r.id, m.customer_id,
       (r.answered_at AT TIME ZONE $3)::date, to_jsonb(m.subject), to_jsonb(left(r.objection, 200)), 30
FROM minutes_receipt r JOIN meeting m ON m.id = r.meeting_id AND m.archived_at IS NULL
JOIN customer c ON c.id = m.customer_id
WHERE r.state = 'OBJECTED' AND r.archived_at IS NULL
""",
    )
)
