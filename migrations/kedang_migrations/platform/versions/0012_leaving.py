"""leaving"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "company_deletion",
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status_before", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_company_deletion_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("company_id", name=op.f("pk_company_deletion")),
        schema="platform",
    )
    op.create_index("company_deletion_due", "company_deletion", ["due_at"], unique=False, schema="platform")
    op.create_table(
        "company_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("content_id", sa.Uuid(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'done') = (content_id IS NOT NULL)", name=op.f("ck_company_export_done_with_content")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'done', 'failed')", name=op.f("ck_company_export_state_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_company_export_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_export")),
        schema="platform",
    )
    op.create_index(
        "company_export_company",
        "company_export",
        ["company_id", "created_at"],
        unique=False,
        schema="platform",
    )
