"""measuring"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "measured_operation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=True),
        sa.Column("document", sa.Text(collation="C"), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("slowest", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measured_operation")),
    )
    op.create_index(op.f("ix_measured_operation_last_at"), "measured_operation", ["last_at"], unique=False)
    op.create_table(
        "measured_hour",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.BigInteger(), nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("latency", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sql_count", sa.BigInteger(), nullable=False),
        sa.Column("sql_micros", sa.BigInteger(), nullable=False),
        sa.Column("sql_rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["measured_operation.id"], name=op.f("fk_measured_hour_operation_id")
        ),
        sa.PrimaryKeyConstraint("hour", "operation_id", "credential_id", name=op.f("pk_measured_hour")),
    )
    op.create_index(
        "ix_measured_hour_operation_id_hour", "measured_hour", ["operation_id", "hour"], unique=False
    )
    op.create_table(
        "measured_statement",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("micros", sa.BigInteger(), nullable=False),
        sa.Column("slowest_micros", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["measured_operation.id"], name=op.f("fk_measured_statement_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", "day", "statement_id", name=op.f("pk_measured_statement")),
    )
