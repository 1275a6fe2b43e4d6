"""What is due of daily reports: drafts and returned reports to be submitted, urgent cards, emergency reports to be acknowledged (F5)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.people.dues import DueSource, due_source

SUBMIT: Final = due_source(
    DueSource(
        name="daily_report.submit",
        record="daily_report",
        reason=msg("daily report of {subject}"),
        rule=msg("Daily reports are submitted on their day"),
        select="""
SELECT r.member_id, r.id, NULL::uuid, r.day, to_jsonb(r.day::text), NULL::jsonb, 10
FROM daily_report r WHERE r.state = 'DRAFT' AND r.archived_at IS NULL AND r.day <= $1
UNION ALL
SELECT r.member_id, r.id, NULL::uuid, r.day, to_jsonb(r.day::text), to_jsonb(left(r.returned_why, 200)), 10
FROM daily_report r WHERE r.state = 'RETURNED' AND r.archived_at IS NULL AND r.day <= $1
""",
    )
)
# Once the manager has gone, or where there was none, everybody who leads the company sees it.
URGENT: Final = due_source(
    DueSource(
        name="daily_report.urgent",
        record="daily_report_card",
        reason=msg("urgent matter in the daily report of {subject}"),
        rule=msg("What is urgent in a daily report is settled by the company manager"),
        select="""
SELECT s.id, c.id, c.customer_id, (r.submitted_at AT TIME ZONE $3)::date, to_jsonb(m.name),
       to_jsonb(left(COALESCE(c.matters, c.wishes, c.market, c.reaction, c.other), 200)), 40
FROM daily_report_card c JOIN daily_report r ON r.id = c.report_id JOIN member m ON m.id = r.member_id
JOIN member s ON s.state = 'ACTIVE' AND s.archived_at IS NULL AND (
    s.id = r.manager_id OR 'GENERAL_MANAGER' = ANY(s.roles) AND s.id <> r.member_id AND NOT EXISTS (
        SELECT 1 FROM member g WHERE g.id = r.manager_id AND g.state = 'ACTIVE' AND g.archived_at IS NULL))
WHERE c.settlement = 'OPEN' AND c.archived_at IS NULL
""",
    )
)
# Everybody who leads the company sees it until one of them has acknowledged it.
ACKNOWLEDGE: Final = due_source(
    DueSource(
        name="emergency_report.acknowledge",
        record="emergency_report",
        reason=msg("emergency report “{subject}”"),
        rule=msg("Emergency reports are acknowledged by the management"),
        select="""
SELECT m.id, e.id, e.customer_id, (e.reported_at AT TIME ZONE $3)::date, to_jsonb(e.subject),
       to_jsonb(left(e.content, 200)), 60
FROM emergency_report e JOIN member m ON m.id <> e.reporter_id AND m.state = 'ACTIVE' AND m.archived_at IS NULL
 AND ('GENERAL_MANAGER' = ANY(m.roles) OR 'OWNER' = ANY(m.roles) AND NOT EXISTS (
     SELECT 1 FROM member g WHERE 'GENERAL_MANAGER' = ANY(g.roles) AND g.id <> e.reporter_id AND g.state = 'ACTIVE'
     AND g.archived_at IS NULL))
WHERE e.state = 'REPORTED' AND e.archived_at IS NULL
""",
    )
)
