"""Consents, runs of retention rules, requests about persons' data, legal hold; files of the kind ZIP."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

_FILE_KINDS = "kind IN ('PDF', 'PNG', 'JPEG', 'XLSX', 'DOCX', 'CSV', 'JSONL', 'TXT', 'ZIP')"
_SKIPPED = "skipped_because IN ('COOLDOWN', 'NO_ADDRESS', 'OPTED_OUT', 'NO_CONSENT')"


def upgrade() -> None:
    op.create_table(
        "consent_rule",
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(collation="C"), nullable=False),
        sa.Column("consent_first", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "channel IN ('EMAIL', 'PHONE', 'SMS', 'POST', 'WECHAT')", name=op.f("ck_consent_rule_channel")
        ),
        sa.CheckConstraint(
            "purpose IN ('SURVEY', 'CARE', 'CAMPAIGN', 'SERVICE')", name=op.f("ck_consent_rule_purpose")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_rule")),
    )
    op.create_index(
        "uq_consent_rule_channel_purpose",
        "consent_rule",
        ["channel", "purpose"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "person_request",
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("subject", sa.Text(collation="C"), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("sought", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('EXPORT', 'ERASURE')", name=op.f("ck_person_request_kind")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')",
            name=op.f("ck_person_request_state"),
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_person_request_file_id")),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["member.id"], name=op.f("fk_person_request_started_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_request")),
    )
    op.create_index(
        op.f("ix_person_request_started_by_id"), "person_request", ["started_by_id"], unique=False
    )
    op.create_table(
        "retention_run",
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("rule_version_id", sa.Uuid(), nullable=False),
        sa.Column("trial", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("anonymised", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')",
            name=op.f("ck_retention_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["rule_version_id"], ["rule_version.id"], name=op.f("fk_retention_run_rule_version_id")
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["member.id"], name=op.f("fk_retention_run_started_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_run")),
    )
    op.create_table(
        "contact_consent",
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("address", sa.Text(collation="C"), nullable=True),
        sa.Column("address_hash", sa.Text(collation="C"), nullable=True),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("purpose", sa.Text(collation="C"), nullable=False),
        sa.Column("decision", sa.Text(collation="C"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("evidence", sa.Text(collation="C"), nullable=True),
        sa.Column("recorded_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "channel IN ('EMAIL', 'PHONE', 'SMS', 'POST', 'WECHAT')", name=op.f("ck_contact_consent_channel")
        ),
        sa.CheckConstraint("decision IN ('GIVEN', 'OPTED_OUT')", name=op.f("ck_contact_consent_decision")),
        sa.CheckConstraint(
            "purpose IN ('SURVEY', 'CARE', 'CAMPAIGN', 'SERVICE')", name=op.f("ck_contact_consent_purpose")
        ),
        sa.CheckConstraint(
            "source IN ('CONVERSATION', 'FORM', 'LETTER', 'MAIL', 'FILE', 'UNSUBSCRIBE_LINK')",
            name=op.f("ck_contact_consent_source"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_consent_contact_id")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["member.id"], name=op.f("fk_contact_consent_recorded_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_consent")),
    )
    op.create_index(
        "ix_contact_consent_address_hash",
        "contact_consent",
        ["address_hash"],
        unique=False,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(op.f("ix_contact_consent_contact_id"), "contact_consent", ["contact_id"], unique=False)
    op.add_column("contact", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("held_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("customer", sa.Column("held_because", sa.Text(collation="C"), nullable=True))
    op.add_column("customer", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    # The new conditions are looked through in a revision of their own.
    op.execute("ALTER TABLE file DROP CONSTRAINT ck_file_kind")
    op.execute(f"ALTER TABLE file ADD CONSTRAINT ck_file_kind CHECK ({_FILE_KINDS}) NOT VALID")
    op.execute("ALTER TABLE survey_invitation DROP CONSTRAINT ck_survey_invitation_skipped_because")
    op.execute(
        "ALTER TABLE survey_invitation ADD CONSTRAINT ck_survey_invitation_skipped_because"
        f" CHECK ({_SKIPPED}) NOT VALID"
    )
