"""Which demand the needs in a follow-up record have become."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"


def upgrade() -> None:
    op.add_column("follow_up_record", sa.Column("demand_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_follow_up_record_demand_id"), "follow_up_record", ["demand_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_follow_up_record_demand_id"),
        "follow_up_record",
        "demand",
        ["demand_id"],
        ["id"],
        postgresql_not_valid=True,
    )
