"""dead_letters"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index(
        "job_failed",
        "job",
        ["tenant", "id"],
        unique=False,
        schema="work",
        postgresql_where=sa.text("state = 'failed'"),
    )
