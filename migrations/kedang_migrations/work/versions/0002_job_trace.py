"""job_trace"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("job", sa.Column("trace", sa.Text(collation="C"), nullable=True), schema="work")
