"""whose a mail is and who it comes from; mails that are suppressed, and those that came back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_STATES = "state IN ('queued', 'sending', 'sent', 'rejected', 'unknown', 'withheld', 'suppressed', 'bounced')"


def upgrade() -> None:
    op.add_column("mail", sa.Column("company_id", sa.Uuid(), nullable=True), schema="platform")
    op.add_column("mail", sa.Column("kind", sa.Text(collation="C"), nullable=True), schema="platform")
    op.add_column("mail", sa.Column("sender", sa.Text(collation="C"), nullable=True), schema="platform")
    op.add_column("mail", sa.Column("reply_to", sa.Text(collation="C"), nullable=True), schema="platform")
    op.execute("ALTER TABLE platform.mail DROP CONSTRAINT ck_mail_state")
    op.execute(f"ALTER TABLE platform.mail ADD CONSTRAINT ck_mail_state CHECK ({_STATES}) NOT VALID")
