"""Notices of grades, the public pool, hot customers, reports of the day, the watch list and answers to minutes."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"

_NOTICE_KINDS = (
    "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'SUBSCRIPTION', 'REQUEST_ASSIGNED', "
    "'REQUEST_OVERDUE', 'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', "
    "'REPORT_FAILED', 'WEBHOOK_DISABLED', 'APPROVAL_WAITING', 'APPROVAL_DECIDED', 'HANDOVER', "
    "'OVERDUE_ESCALATED', 'CALENDAR_MISSING', 'MAIL_UNDELIVERABLE', 'MINUTES_WAITING', 'MEETING', "
    "'GRADE_CHANGED', 'GRADE_ENDING', 'POOL', 'HOT_CUSTOMER', 'DAILY_REPORT', 'EMERGENCY_REPORT', "
    "'WATCH_LIST', 'MINUTES_ANSWERED')"
)


def upgrade() -> None:
    for table in ("notice", "notice_preference"):
        _widen(table, f"ck_{table}_kind", _NOTICE_KINDS)


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
