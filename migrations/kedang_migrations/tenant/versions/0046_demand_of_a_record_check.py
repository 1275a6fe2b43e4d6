"""The reference that 0045 added holds for the rows that were there before, too.

In a revision of its own, since looking through a table would keep the lock that adding a reference takes.
"""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"


def upgrade() -> None:
    op.execute("ALTER TABLE follow_up_record VALIDATE CONSTRAINT fk_follow_up_record_demand_id")
