"""archive_access"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "archive_grant",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('REQUESTED', 'GRANTED', 'DENIED', 'REVOKED')", name=op.f("ck_archive_grant_state")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_archive_grant_customer_id")),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["member.id"], name=op.f("fk_archive_grant_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_archive_grant_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_grant")),
    )
    op.create_index(op.f("ix_archive_grant_customer_id"), "archive_grant", ["customer_id"], unique=False)
    op.create_index(
        "ix_archive_grant_member_id_until",
        "archive_grant",
        ["member_id", "until"],
        unique=False,
        postgresql_where=sa.text("state = 'GRANTED'"),
    )
    op.create_table(
        "customer_collaborator",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(collation="C"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("role IN ('READ', 'WRITE')", name=op.f("ck_customer_collaborator_role")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_collaborator_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_customer_collaborator_member_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_collaborator")),
    )
    op.create_index(
        op.f("ix_customer_collaborator_member_id"), "customer_collaborator", ["member_id"], unique=False
    )
    op.create_index(
        "uq_customer_collaborator_customer_id_member_id",
        "customer_collaborator",
        ["customer_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column(
        "customer", sa.Column("restricted", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_index(
        "ix_customer_restricted", "customer", ["id"], unique=False, postgresql_where=sa.text("restricted")
    )
    op.add_column("member", sa.Column("own_roles", sa.ARRAY(sa.Text(collation="C")), nullable=True))
