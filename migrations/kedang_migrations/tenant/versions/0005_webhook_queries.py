"""webhook_queries"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("webhook", sa.Column("query", sa.Text(collation="C"), nullable=True))
    op.add_column("webhook", sa.Column("question", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.drop_constraint(op.f("ck_webhook_disabled_reason"), "webhook", type_="check")
    op.create_check_constraint(
        op.f("ck_webhook_disabled_reason"),
        "webhook",
        "disabled_reason IN ('GONE', 'FAILING', 'OWNER_LEFT', 'UNANSWERABLE')",
        postgresql_not_valid=True,
    )
