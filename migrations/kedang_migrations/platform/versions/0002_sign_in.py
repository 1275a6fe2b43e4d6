"""Signing in: second factors, known browsers, what a session knows of its beginning."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "device",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["platform.person.id"], name=op.f("fk_device_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", "person_id", name=op.f("pk_device")),
        schema="platform",
    )
    op.create_index("device_expiry", "device", ["expires_at"], unique=False, schema="platform")
    op.create_index("device_person", "device", ["person_id"], unique=False, schema="platform")
    op.create_table(
        "recovery_code",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["platform.person.id"], name=op.f("fk_recovery_code_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "code_hash", name=op.f("pk_recovery_code")),
        schema="platform",
    )
    op.create_table(
        "second_factor",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["platform.person.id"], name=op.f("fk_second_factor_person_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factor")),
        schema="platform",
    )
    op.add_column(
        "company",
        sa.Column("requires_two_factor", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="platform",
    )
    op.add_column(
        "session", sa.Column("authenticated_at", sa.DateTime(timezone=True), nullable=True), schema="platform"
    )
    op.add_column("session", sa.Column("signed_in_by", sa.Text(), nullable=True), schema="platform")
    op.add_column("session", sa.Column("network", sa.Text(), nullable=True), schema="platform")
    # The new condition is looked through in a revision of its own.
    op.execute("ALTER TABLE platform.one_time_token DROP CONSTRAINT ck_one_time_token_purpose_is_known")
    op.execute(
        "ALTER TABLE platform.one_time_token ADD CONSTRAINT ck_one_time_token_purpose_is_known CHECK (purpose IN"
        " ('confirm_email', 'invitation', 'password_reset', 'second_factor', 'change_email')) NOT VALID"
    )
