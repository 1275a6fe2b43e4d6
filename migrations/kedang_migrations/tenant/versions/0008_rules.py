"""rules"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "rule_version",
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("in_force_from", sa.Date(), nullable=True),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("based_on_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("drafted_by_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_by_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nobody_else", sa.Boolean(), nullable=False),
        sa.Column("remark", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SUBMITTED', 'APPROVED', 'IN_FORCE', 'SUPERSEDED', 'REPEALED', 'REFUSED')",
            name=op.f("ck_rule_version_state"),
        ),
        sa.ForeignKeyConstraint(
            ["approved_by_id"], ["member.id"], name=op.f("fk_rule_version_approved_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["based_on_id"], ["rule_version.id"], name=op.f("fk_rule_version_based_on_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_rule_version_department_id")
        ),
        sa.ForeignKeyConstraint(["drafted_by_id"], ["member.id"], name=op.f("fk_rule_version_drafted_by_id")),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"], ["member.id"], name=op.f("fk_rule_version_submitted_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
    )
    op.create_index(op.f("ix_rule_version_drafted_by_id"), "rule_version", ["drafted_by_id"], unique=False)
    op.create_index(
        "uq_rule_version_in_force",
        "rule_version",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("state = 'IN_FORCE'"),
    )
    op.create_index(
        "uq_rule_version_kind_number",
        "rule_version",
        ["kind", "number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_rule_version_open",
        "rule_version",
        ["kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('DRAFT', 'SUBMITTED') AND archived_at IS NULL"),
    )
