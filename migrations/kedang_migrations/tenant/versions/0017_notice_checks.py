"""The conditions that 0016 widened hold for the rows that were there before, too.

In a revision of its own, since looking through a table would keep the lock that exchanging a condition takes.
"""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("ALTER TABLE notice VALIDATE CONSTRAINT ck_notice_kind")
    op.execute("ALTER TABLE notice_preference VALIDATE CONSTRAINT ck_notice_preference_kind")
