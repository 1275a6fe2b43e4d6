"""correspondence: suppressed addresses, the sender, templates, what was sent and what came back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "mail_bounce",
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("report", sa.Text(collation="C"), nullable=False),
        sa.Column("address_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("said", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", "report", name=op.f("pk_mail_bounce")),
    )
    op.create_index("ix_mail_bounce_address_hash_at", "mail_bounce", ["address_hash", "at"], unique=False)
    op.create_index(op.f("ix_mail_bounce_at"), "mail_bounce", ["at"], unique=False)
    op.create_table(
        "mail_identity",
        sa.Column("only", sa.Text(collation="C"), nullable=False),
        sa.Column("display_name", sa.Text(collation="C"), nullable=True),
        sa.Column("reply_to", sa.Text(collation="C"), nullable=True),
        sa.Column("postal_address", sa.Text(collation="C"), nullable=True),
        sa.Column("from_address", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_identity")),
    )
    op.create_index(
        "uq_mail_identity_only",
        "mail_identity",
        ["only"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "mail_sending",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("address_hash", sa.Text(collation="C"), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("time_zone", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_mail_sending")),
    )
    op.create_index("ix_mail_sending_address_hash_at", "mail_sending", ["address_hash", "at"], unique=False)
    op.create_index(op.f("ix_mail_sending_at"), "mail_sending", ["at"], unique=False)
    op.create_index(
        "ix_mail_sending_contact_id_at",
        "mail_sending",
        ["contact_id", "at"],
        unique=False,
        postgresql_where=sa.text("contact_id IS NOT NULL"),
    )
    op.create_table(
        "mail_template",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("body", sa.Text(collation="C"), nullable=False),
        sa.Column("button", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("language IN ('ZH_CN', 'EN')", name=op.f("ck_mail_template_language")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
    )
    op.create_index(
        "uq_mail_template_kind_language",
        "mail_template",
        ["kind", "language"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "mail_suppression",
        sa.Column("address", sa.Text(collation="C"), nullable=False),
        sa.Column("address_hash", sa.Text(collation="C"), nullable=True),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("said", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("put_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "reason IN ('HARD_BOUNCE', 'SOFT_BOUNCES', 'COMPLAINT', 'BY_HAND')",
            name=op.f("ck_mail_suppression_reason"),
        ),
        sa.ForeignKeyConstraint(["put_by_id"], ["member.id"], name=op.f("fk_mail_suppression_put_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_suppression")),
    )
    op.create_index(
        "uq_mail_suppression_address_hash",
        "mail_suppression",
        ["address_hash"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
