"""Daily reports with their cards, emergency reports, the watch list, and what an archive says of insolvency."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    op.create_table(
        "daily_report",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("summary", sa.Text(collation="C"), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recipient_id", sa.Uuid(), nullable=True),
        sa.Column("manager_id", sa.Uuid(), nullable=True),
        sa.Column("gathered_in_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('DAILY', 'RETURN_VISIT')", name=op.f("ck_daily_report_kind")),
        sa.CheckConstraint("state IN ('DRAFT', 'SUBMITTED')", name=op.f("ck_daily_report_state")),
        sa.ForeignKeyConstraint(
            ["gathered_in_id"], ["daily_report.id"], name=op.f("fk_daily_report_gathered_in_id")
        ),
        sa.ForeignKeyConstraint(["manager_id"], ["member.id"], name=op.f("fk_daily_report_manager_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_daily_report_member_id")),
        sa.ForeignKeyConstraint(["recipient_id"], ["member.id"], name=op.f("fk_daily_report_recipient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_report")),
    )
    op.create_index("ix_daily_report_day", "daily_report", ["day", "id"], unique=False)
    op.create_index(
        "ix_daily_report_draft",
        "daily_report",
        ["day", "member_id"],
        unique=False,
        postgresql_where=sa.text("state = 'DRAFT' AND archived_at IS NULL"),
    )
    op.create_index(op.f("ix_daily_report_gathered_in_id"), "daily_report", ["gathered_in_id"], unique=False)
    op.create_index(op.f("ix_daily_report_manager_id"), "daily_report", ["manager_id"], unique=False)
    op.create_index("ix_daily_report_member_id_day", "daily_report", ["member_id", "day", "id"], unique=False)
    op.create_index(op.f("ix_daily_report_recipient_id"), "daily_report", ["recipient_id"], unique=False)
    op.create_index(
        "uq_daily_report_member_id_day",
        "daily_report",
        ["member_id", "day"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "watch_entry",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(collation="C"), nullable=False),
        sa.Column("reasons", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("why", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("points", sa.Integer(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("seen_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("side IN ('BEST', 'RISK')", name=op.f("ck_watch_entry_side")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_watch_entry_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watch_entry")),
    )
    op.create_index(
        "ix_watch_entry_customer_id_since_on", "watch_entry", ["customer_id", "since_on", "id"], unique=False
    )
    op.create_index("ix_watch_entry_since_on", "watch_entry", ["since_on", "id"], unique=False)
    op.create_index(
        "uq_watch_entry_open",
        "watch_entry",
        ["side", "customer_id"],
        unique=True,
        postgresql_where=sa.text("ended_on IS NULL AND archived_at IS NULL"),
    )
    op.create_table(
        "daily_report_card",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wishes", sa.Text(collation="C"), nullable=True),
        sa.Column("matters", sa.Text(collation="C"), nullable=True),
        sa.Column("market", sa.Text(collation="C"), nullable=True),
        sa.Column("reaction", sa.Text(collation="C"), nullable=True),
        sa.Column("other", sa.Text(collation="C"), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("settlement", sa.Text(collation="C"), nullable=True),
        sa.Column("settled_how", sa.Text(collation="C"), nullable=True),
        sa.Column("settled_by_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("follow_up_record_id", sa.Uuid(), nullable=True),
        sa.Column("meeting_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "settlement IN ('OPEN', 'SETTLED', 'REPORTED')", name=op.f("ck_daily_report_card_settlement")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_daily_report_card_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["follow_up_record_id"],
            ["follow_up_record.id"],
            name=op.f("fk_daily_report_card_follow_up_record_id"),
        ),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_daily_report_card_meeting_id")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["daily_report.id"], name=op.f("fk_daily_report_card_report_id")
        ),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["member.id"], name=op.f("fk_daily_report_card_settled_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_report_card")),
    )
    op.create_index("ix_daily_report_card_at", "daily_report_card", ["at", "id"], unique=False)
    op.create_index(
        "ix_daily_report_card_customer_id_at", "daily_report_card", ["customer_id", "at", "id"], unique=False
    )
    op.create_index(
        op.f("ix_daily_report_card_follow_up_record_id"),
        "daily_report_card",
        ["follow_up_record_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_daily_report_card_meeting_id"), "daily_report_card", ["meeting_id"], unique=False
    )
    op.create_index(
        "ix_daily_report_card_open",
        "daily_report_card",
        ["report_id"],
        unique=False,
        postgresql_where=sa.text("settlement = 'OPEN' AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_daily_report_card_report_id", "daily_report_card", ["report_id", "at", "id"], unique=False
    )
    op.create_table(
        "emergency_report",
        sa.Column("reporter_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("kind_name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("content", sa.Text(collation="C"), nullable=False),
        sa.Column("proposal", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledged_by_id", sa.Uuid(), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("instruction", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("state IN ('REPORTED', 'ACKNOWLEDGED')", name=op.f("ck_emergency_report_state")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by_id"], ["member.id"], name=op.f("fk_emergency_report_acknowledged_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["daily_report_card.id"], name=op.f("fk_emergency_report_card_id")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_emergency_report_customer_id")
        ),
        sa.ForeignKeyConstraint(["reporter_id"], ["member.id"], name=op.f("fk_emergency_report_reporter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency_report")),
    )
    op.create_index(op.f("ix_emergency_report_card_id"), "emergency_report", ["card_id"], unique=False)
    op.create_index(
        op.f("ix_emergency_report_customer_id"), "emergency_report", ["customer_id"], unique=False
    )
    op.create_index(
        "ix_emergency_report_open",
        "emergency_report",
        ["reported_at"],
        unique=False,
        postgresql_where=sa.text("state = 'REPORTED' AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_emergency_report_reported_at", "emergency_report", ["reported_at", "id"], unique=False
    )
    op.create_index(
        "ix_emergency_report_reporter_id_reported_at",
        "emergency_report",
        ["reporter_id", "reported_at", "id"],
        unique=False,
    )
    op.add_column("customer", sa.Column("insolvency", sa.Text(collation="C"), nullable=True))
    op.create_index(
        "ix_follow_up_record_member_id_at", "follow_up_record", ["member_id", "at", "id"], unique=False
    )
    op.execute(
        "ALTER TABLE customer ADD CONSTRAINT ck_customer_insolvency"
        " CHECK (insolvency IN ('RESTRUCTURING', 'BANKRUPTCY')) NOT VALID"
    )
