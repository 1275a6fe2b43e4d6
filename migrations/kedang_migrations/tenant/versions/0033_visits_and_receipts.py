"""Visit forms, receipts of minutes, details of plans and records, addresses of calendars."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "visit_form",
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("visit_on", sa.Date(), nullable=False),
        sa.Column("leaves_at", sa.Text(collation="C"), nullable=True),
        sa.Column("returns_at", sa.Text(collation="C"), nullable=True),
        sa.Column("purpose", sa.Text(collation="C"), nullable=True),
        sa.Column("means", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("result", sa.Text(collation="C"), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_visits", sa.Integer(), nullable=False),
        sa.Column("done_visits", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'RETURNED', 'REFUSED', 'FINISHED', 'CALLED_OFF')",
            name=op.f("ck_visit_form_state"),
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["member.id"], name=op.f("fk_visit_form_decided_by_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_visit_form_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_form")),
    )
    op.create_index(
        "ix_visit_form_member_id_visit_on", "visit_form", ["member_id", "visit_on", "id"], unique=False
    )
    op.create_index(
        "ix_visit_form_open",
        "visit_form",
        ["visit_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'APPROVED' AND archived_at IS NULL"),
    )
    op.create_index("ix_visit_form_visit_on", "visit_form", ["visit_on", "id"], unique=False)
    op.create_table(
        "minutes_receipt",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(collation="C"), nullable=True),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objection", sa.Text(collation="C"), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settlement", sa.Text(collation="C"), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("language IN ('EN', 'ZH_CN')", name=op.f("ck_minutes_receipt_language")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'CONFIRMED', 'OBJECTED', 'SETTLED', 'SUPERSEDED', 'UNDELIVERED')",
            name=op.f("ck_minutes_receipt_state"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_minutes_receipt_contact_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_minutes_receipt_meeting_id")),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["member.id"], name=op.f("fk_minutes_receipt_settled_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes_receipt")),
    )
    op.create_index(op.f("ix_minutes_receipt_contact_id"), "minutes_receipt", ["contact_id"], unique=False)
    op.create_index(
        "ix_minutes_receipt_meeting_id", "minutes_receipt", ["meeting_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_minutes_receipt_objected",
        "minutes_receipt",
        ["answered_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'OBJECTED' AND archived_at IS NULL"),
    )
    op.create_index("uq_minutes_receipt_token_hash", "minutes_receipt", ["token_hash"], unique=True)
    op.add_column("follow_up_plan", sa.Column("at_time", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_plan", sa.Column("duration_minutes", sa.Integer(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("contact_id", sa.Uuid(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("content", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_plan", sa.Column("preparation", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_plan", sa.Column("repeat_days", sa.Integer(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("visit_form_id", sa.Uuid(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("visit_position", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_follow_up_plan_contact_id"), "follow_up_plan", ["contact_id"], unique=False)
    op.create_index(
        op.f("ix_follow_up_plan_visit_form_id"), "follow_up_plan", ["visit_form_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_follow_up_plan_visit_form_id"),
        "follow_up_plan",
        "visit_form",
        ["visit_form_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.create_foreign_key(
        op.f("fk_follow_up_plan_contact_id"),
        "follow_up_plan",
        "contact",
        ["contact_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.add_column("follow_up_record", sa.Column("needs", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_record", sa.Column("problems", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_record", sa.Column("competitors", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_record", sa.Column("market_news", sa.Text(collation="C"), nullable=True))
    op.add_column("follow_up_record", sa.Column("note_taker_id", sa.Uuid(), nullable=True))
    op.create_index(
        op.f("ix_follow_up_record_note_taker_id"), "follow_up_record", ["note_taker_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_follow_up_record_note_taker_id"),
        "follow_up_record",
        "member",
        ["note_taker_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.add_column("member", sa.Column("calendar_hash", sa.Text(collation="C"), nullable=True))
    op.add_column("member", sa.Column("calendar_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "member", sa.Column("keeps_attendance", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "uq_member_calendar_hash",
        "member",
        ["calendar_hash"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column("follow_up_record", sa.Column("service_request_id", sa.Uuid(), nullable=True))
    op.create_index(
        op.f("ix_follow_up_record_service_request_id"),
        "follow_up_record",
        ["service_request_id"],
        unique=False,
    )
    op.create_foreign_key(
        op.f("fk_follow_up_record_service_request_id"),
        "follow_up_record",
        "service_request",
        ["service_request_id"],
        ["id"],
        postgresql_not_valid=True,
    )
