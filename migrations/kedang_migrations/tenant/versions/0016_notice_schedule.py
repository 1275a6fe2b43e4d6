"""When members want mails of notices, which go to their webhooks, and four kinds more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"

_NOTICE_KINDS = (
    "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'SUBSCRIPTION', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', "
    "'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED', "
    "'APPROVAL_WAITING', 'APPROVAL_DECIDED', 'HANDOVER', 'OVERDUE_ESCALATED', 'CALENDAR_MISSING', "
    "'MAIL_UNDELIVERABLE', 'MINUTES_WAITING')"
)


def upgrade() -> None:
    op.create_table(
        "notice_schedule",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("quiet_from", sa.Text(collation="C"), nullable=True),
        sa.Column("quiet_until", sa.Text(collation="C"), nullable=True),
        sa.Column("digest_at", sa.Text(collation="C"), nullable=False),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_schedule_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_schedule")),
    )
    op.create_index(
        "uq_notice_schedule_member_id",
        "notice_schedule",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column(
        "notice_preference",
        sa.Column("webhook", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    _widen("notice", "ck_notice_kind", _NOTICE_KINDS)
    _widen("notice_preference", "ck_notice_preference_kind", _NOTICE_KINDS)


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
