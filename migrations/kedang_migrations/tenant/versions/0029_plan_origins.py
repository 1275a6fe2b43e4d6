"""Plans by what customers do, the day that was asked for, how urgent a plan is, and how much a member takes on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

_ORIGINS = (
    "origin IN ('CYCLE', 'MANUAL', 'MAINTENANCE', 'AFTER_PURCHASE', 'QUOTATION', 'EXPECTED_PURCHASE', "
    "'SILENCE', 'CHECK')"
)


def upgrade() -> None:
    op.add_column("follow_up_plan", sa.Column("wanted_on", sa.Date(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("occasion", sa.Text(collation="C"), nullable=True))
    op.add_column(
        "follow_up_plan", sa.Column("urgency", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    op.create_index(
        "ix_follow_up_plan_urgent",
        "follow_up_plan",
        ["owner_id", "urgency", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'PLANNED' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_follow_up_plan_occasion",
        "follow_up_plan",
        ["customer_id", "origin", "occasion"],
        unique=True,
        postgresql_where=sa.text("occasion IS NOT NULL AND archived_at IS NULL"),
    )
    op.add_column("member", sa.Column("contacts_per_day", sa.Integer(), nullable=True))
    # Every row fits the narrower condition that goes; the next revision lets the database see that for itself.
    op.drop_constraint(op.f("ck_follow_up_plan_origin"), "follow_up_plan", type_="check")
    op.create_check_constraint(
        op.f("ck_follow_up_plan_origin"), "follow_up_plan", _ORIGINS, postgresql_not_valid=True
    )
