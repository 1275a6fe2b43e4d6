"""When a credit rating dropped, who was told of the watch list, and the report on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"

_KINDS = (
    "kind IN ('CUSTOMERS_BY_GRADE', 'GRADE_MOVEMENT', 'FOLLOW_UP_COMPLIANCE', 'SURVEY_ANALYSIS', 'CUSTOMER_LIST', "
    "'COMPOSITION', 'PURCHASE_BEHAVIOUR', 'VISITS', 'LOYALTY_AND_LOSS', 'SERVICE_QUALITY', 'ARCHIVE_FRESHNESS', "
    "'DAILY_DIGEST', 'CONTRACTS_ENDING', 'MAINTENANCE_DUE', 'WATCH_LIST')"
)
_RATINGS = "credit_before IN ('AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'CC', 'C', 'D')"


def upgrade() -> None:
    op.add_column("watch_entry", sa.Column("told_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_watch_entry_untold",
        "watch_entry",
        ["id"],
        unique=False,
        postgresql_where=sa.text("told_on IS NULL AND ended_on IS NULL AND archived_at IS NULL"),
    )
    op.add_column("customer", sa.Column("credit_before", sa.Text(collation="C"), nullable=True))
    op.add_column("customer", sa.Column("credit_dropped_on", sa.Date(), nullable=True))
    # Rows that were there are looked at in a revision of its own: validating would keep the lock meanwhile.
    op.execute(f"ALTER TABLE customer ADD CONSTRAINT ck_customer_credit_before CHECK ({_RATINGS}) NOT VALID")
    for table in ("report_definition", "report_run"):
        op.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_kind,"
            f" ADD CONSTRAINT ck_{table}_kind CHECK ({_KINDS}) NOT VALID"
        )
