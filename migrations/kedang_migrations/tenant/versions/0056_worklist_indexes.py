"""worklist_indexes"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    op.create_index(
        "ix_customer_hot_until",
        "customer",
        ["owner_id", "hot_until"],
        unique=False,
        postgresql_where=sa.text("hot_since IS NOT NULL AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_customer_pool_warned",
        "customer",
        ["owner_id", "pool_return_on"],
        unique=False,
        postgresql_where=sa.text("pool_warned_on IS NOT NULL AND archived_at IS NULL"),
    )
