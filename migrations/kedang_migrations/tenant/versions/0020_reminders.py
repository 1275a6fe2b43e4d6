"""reminders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "due_escalation",
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("told_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("source", "record_id", "due_on", "step", name=op.f("pk_due_escalation")),
    )
    op.add_column(
        "working_week",
        sa.Column("digest_at", sa.Text(collation="C"), server_default=sa.text("'08:00'"), nullable=False),
    )
    op.add_column(
        "working_week", sa.Column("escalate_after", sa.Integer(), server_default=sa.text("3"), nullable=True)
    )
    op.add_column(
        "working_week",
        sa.Column("escalate_further_after", sa.Integer(), server_default=sa.text("6"), nullable=True),
    )
