"""The reasons that 0005 widened hold for the rows that were there before, too; why by itself, 0003 says."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute("ALTER TABLE webhook VALIDATE CONSTRAINT ck_webhook_disabled_reason")
