"""lanes_and_replays"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "replay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("tenant", sa.Text(collation="C"), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("replayed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replay")),
        schema="work",
        comment="Each time a job that had failed for good was begun anew: by whom, and what it had failed of.",
    )
    op.create_index(op.f("ix_replay_job_id"), "replay", ["job_id"], unique=False, schema="work")
    op.add_column(
        "job",
        sa.Column("installation", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="work",
    )
    op.create_index(
        "job_waiting_kind",
        "job",
        ["tenant", "kind", "priority", "due_at", "id"],
        unique=False,
        schema="work",
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.add_column(
        "lane",
        sa.Column("turns", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        schema="work",
    )
