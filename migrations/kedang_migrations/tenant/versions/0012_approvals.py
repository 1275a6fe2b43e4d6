"""approvals"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"

_NOTICE_KINDS = (
    "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'SUBSCRIPTION', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', "
    "'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED', "
    "'APPROVAL_WAITING', 'APPROVAL_DECIDED')"
)


def upgrade() -> None:
    op.create_table(
        "approval_deputy",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("deputy_id", sa.Uuid(), nullable=False),
        sa.Column("from_day", sa.Date(), nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["deputy_id"], ["member.id"], name=op.f("fk_approval_deputy_deputy_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_approval_deputy_member_id")),
        sa.ForeignKeyConstraint(["set_by_id"], ["member.id"], name=op.f("fk_approval_deputy_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_deputy")),
    )
    op.create_index(op.f("ix_approval_deputy_deputy_id"), "approval_deputy", ["deputy_id"], unique=False)
    op.create_index(op.f("ix_approval_deputy_member_id"), "approval_deputy", ["member_id"], unique=False)
    op.create_table(
        "approval_flow",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("steps", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("set_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["set_by_id"], ["member.id"], name=op.f("fk_approval_flow_set_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_flow")),
    )
    op.create_index(
        "uq_approval_flow_kind",
        "approval_flow",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "approval_request",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("summary", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("about", sa.Text(collation="C"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("steps", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("flow_version", sa.Integer(), nullable=False),
        sa.Column("waiting_since", sa.Date(), nullable=True),
        sa.Column("escalation", sa.Integer(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("nobody_else", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("barred", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'RETURNED', 'APPROVED', 'REFUSED', 'WITHDRAWN')",
            name=op.f("ck_approval_request_state"),
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["member.id"], name=op.f("fk_approval_request_asked_by_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["member.id"], name=op.f("fk_approval_request_decided_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_request")),
    )
    op.create_index(op.f("ix_approval_request_about"), "approval_request", ["about"], unique=False)
    op.create_index(
        "ix_approval_request_asked_by_id_created_at",
        "approval_request",
        ["asked_by_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("ix_approval_request_created_at", "approval_request", ["created_at", "id"], unique=False)
    op.create_index(
        "ix_approval_request_open",
        "approval_request",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_index(
        "uq_approval_request_unsettled",
        "approval_request",
        ["kind", "about", "asked_by_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('OPEN', 'RETURNED') AND archived_at IS NULL"),
    )
    op.create_table(
        "approval_event",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("for_member_id", sa.Uuid(), nullable=True),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('ASKED', 'APPROVED', 'RETURNED', 'REFUSED', 'WITHDRAWN', 'RESUBMITTED', 'ESCALATED', 'NOBODY_ELSE', 'NO_STEP')",
            name=op.f("ck_approval_event_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["for_member_id"], ["member.id"], name=op.f("fk_approval_event_for_member_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_approval_event_member_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_approval_event_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_event")),
    )
    op.create_index(
        "ix_approval_event_request_id_created_at",
        "approval_event",
        ["request_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_approval_event_request_id_stage",
        "approval_event",
        ["request_id", "stage"],
        unique=True,
        postgresql_where=sa.text("kind IN ('APPROVED', 'RETURNED', 'REFUSED', 'WITHDRAWN')"),
    )
    op.create_table(
        "approval_turn",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("for_member_id", sa.Uuid(), nullable=True),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["for_member_id"], ["member.id"], name=op.f("fk_approval_turn_for_member_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_approval_turn_member_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["approval_request.id"], name=op.f("fk_approval_turn_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_turn")),
    )
    op.create_index(
        "ix_approval_turn_member_id_created_at",
        "approval_turn",
        ["member_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_approval_turn_request_id_member_id", "approval_turn", ["request_id", "member_id"], unique=False
    )
    op.add_column("rule_version", sa.Column("editors", sa.ARRAY(sa.Text(collation="C")), nullable=True))
    _widen("notice", "ck_notice_kind", _NOTICE_KINDS)
    _widen("notice_preference", "ck_notice_preference_kind", _NOTICE_KINDS)


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
