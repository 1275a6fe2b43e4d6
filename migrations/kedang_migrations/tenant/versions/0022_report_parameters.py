"""report_parameters"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"

_SCHEDULES = "schedule IN ('NEVER', 'DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY')"


def upgrade() -> None:
    op.add_column(
        "report_definition",
        sa.Column(
            "parameters",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("report_run", sa.Column("tries", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column(
        "report_run",
        sa.Column(
            "parameters",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column("report_definition", sa.Column("month", sa.Integer(), nullable=True))
    # Rows that were there are looked at in a revision of its own: validating would keep the lock meanwhile.
    op.execute(
        "ALTER TABLE report_definition DROP CONSTRAINT ck_report_definition_schedule,"
        f" ADD CONSTRAINT ck_report_definition_schedule CHECK ({_SCHEDULES}) NOT VALID"
    )
