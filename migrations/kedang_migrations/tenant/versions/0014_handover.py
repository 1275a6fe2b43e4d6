"""Handovers, and the notices about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


_NOTICE_KINDS = (
    "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'SUBSCRIPTION', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', "
    "'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED', "
    "'APPROVAL_WAITING', 'APPROVAL_DECIDED', 'HANDOVER')"
)


def upgrade() -> None:
    op.create_table(
        "handover",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("successor_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("tell_customers", sa.Boolean(), nullable=False),
        sa.Column("contact_by", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("customers_moved", sa.Integer(), nullable=False),
        sa.Column("plans_moved", sa.Integer(), nullable=False),
        sa.Column("requests_moved", sa.Integer(), nullable=False),
        sa.Column("others_moved", sa.Integer(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("department_signed_by_id", sa.Uuid(), nullable=True),
        sa.Column("department_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("keeper_signed_by_id", sa.Uuid(), nullable=True),
        sa.Column("keeper_signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shares", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("state IN ('RUNNING', 'HANDED_OVER', 'SIGNED')", name=op.f("ck_handover_state")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["member.id"], name=op.f("fk_handover_asked_by_id")),
        sa.ForeignKeyConstraint(
            ["department_signed_by_id"], ["member.id"], name=op.f("fk_handover_department_signed_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["keeper_signed_by_id"], ["member.id"], name=op.f("fk_handover_keeper_signed_by_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_handover_member_id")),
        sa.ForeignKeyConstraint(["successor_id"], ["member.id"], name=op.f("fk_handover_successor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index(op.f("ix_handover_member_id"), "handover", ["member_id"], unique=False)
    op.create_index(
        "uq_handover_running",
        "handover",
        ["member_id"],
        unique=True,
        postgresql_where=sa.text("state = 'RUNNING' AND archived_at IS NULL"),
    )
    op.create_table(
        "handed_customer",
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("successor_id", sa.Uuid(), nullable=False),
        sa.Column("told", sa.Text(collation="C"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "told IN ('WAITING', 'TOLD', 'NO_ADDRESS', 'OPTED_OUT', 'NOT_WANTED')",
            name=op.f("ck_handed_customer_told"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_handed_customer_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["handover_id"], ["handover.id"], name=op.f("fk_handed_customer_handover_id")
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["member.id"], name=op.f("fk_handed_customer_successor_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handed_customer")),
    )
    op.create_index(op.f("ix_handed_customer_customer_id"), "handed_customer", ["customer_id"], unique=False)
    op.create_index(
        op.f("ix_handed_customer_successor_id"), "handed_customer", ["successor_id"], unique=False
    )
    op.create_index(
        "uq_handed_customer_handover_id_customer_id",
        "handed_customer",
        ["handover_id", "customer_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    _widen("notice", "ck_notice_kind", _NOTICE_KINDS)
    _widen("notice_preference", "ck_notice_preference_kind", _NOTICE_KINDS)


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
