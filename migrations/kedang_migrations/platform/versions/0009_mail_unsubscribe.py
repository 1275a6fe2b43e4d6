"""Mails carry where their reader stops them, and can be withheld because of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_STATES = "state IN ('queued', 'sending', 'sent', 'rejected', 'unknown', 'withheld')"


def upgrade() -> None:
    op.add_column("mail", sa.Column("unsubscribe", sa.Text(collation="C"), nullable=True), schema="platform")
    op.execute("ALTER TABLE platform.mail DROP CONSTRAINT ck_mail_state")
    op.execute(f"ALTER TABLE platform.mail ADD CONSTRAINT ck_mail_state CHECK ({_STATES}) NOT VALID")
