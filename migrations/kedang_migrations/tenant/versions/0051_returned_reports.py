"""Daily reports that were returned, and reasons of the watch list that are not for everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051"
down_revision = "0050"

_WITHHELD = "'{INSOLVENCY,CREDIT_DROP,ARREARS}'::text[]"


def upgrade() -> None:
    op.add_column("daily_report", sa.Column("returned_by_id", sa.Uuid(), nullable=True))
    op.add_column("daily_report", sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("daily_report", sa.Column("returned_why", sa.Text(collation="C"), nullable=True))
    op.create_index(
        "ix_daily_report_returned",
        "daily_report",
        ["day", "member_id"],
        unique=False,
        postgresql_where=sa.text("state = 'RETURNED' AND archived_at IS NULL"),
    )
    # Rows that were there are looked at in a revision of its own: validating would keep the lock meanwhile.
    op.create_foreign_key(
        op.f("fk_daily_report_returned_by_id"),
        "daily_report",
        "member",
        ["returned_by_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.execute(
        "ALTER TABLE daily_report DROP CONSTRAINT ck_daily_report_state, ADD CONSTRAINT ck_daily_report_state"
        " CHECK (state IN ('DRAFT', 'SUBMITTED', 'RETURNED')) NOT VALID"
    )
    for name in ("withheld", "why_withheld"):
        document = postgresql.JSONB(none_as_null=True, astext_type=sa.Text())
        op.add_column("watch_entry", sa.Column(name, document, nullable=True))
    # The words of an entry are those of all its reasons: where some are withheld, all are until they are renewed, in a week.
    op.execute(
        "UPDATE watch_entry SET why_withheld = why, why = '{"
        '"en": "The reasons are not for everybody.", "zh": "原因并非对所有人公开。"'
        "}', reasons = reasons - "
        f"{_WITHHELD}, withheld = (SELECT jsonb_object_agg(key, value) FROM jsonb_each(reasons)"
        f" WHERE key = ANY({_WITHHELD})) WHERE reasons ?| {_WITHHELD}"
    )
