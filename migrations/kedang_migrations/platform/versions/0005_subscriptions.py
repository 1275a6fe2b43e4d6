"""Plan versions, the life of a subscription, reserved and lost seats, and the history of seats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "plan_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("in_force_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan", "number", name=op.f("uq_plan_version_plan_number")),
        schema="platform",
    )
    op.create_table(
        "seat_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("by_member_id", sa.Uuid(), nullable=True),
        sa.Column("by_operator", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["platform.company.id"],
            name=op.f("fk_seat_history_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seat_history")),
        schema="platform",
    )
    op.create_index(
        "seat_history_company", "seat_history", ["company_id", "at", "id"], unique=False, schema="platform"
    )
    op.add_column(
        "membership",
        sa.Column("reserved_until", sa.DateTime(timezone=True), nullable=True),
        schema="platform",
    )
    op.add_column(
        "membership", sa.Column("seat_lost_at", sa.DateTime(timezone=True), nullable=True), schema="platform"
    )
    op.add_column("membership", sa.Column("keep_rank", sa.Integer(), nullable=True), schema="platform")
    op.add_column(
        "subscription",
        sa.Column("state", sa.Text(), server_default="free", nullable=False),
        schema="platform",
    )
    op.add_column("subscription", sa.Column("interval", sa.Text(), nullable=True), schema="platform")
    op.add_column("subscription", sa.Column("currency", sa.Text(), nullable=True), schema="platform")
    op.add_column("subscription", sa.Column("plan_version_id", sa.Uuid(), nullable=True), schema="platform")
    op.add_column("subscription", sa.Column("anchor", sa.Date(), nullable=True), schema="platform")
    op.add_column("subscription", sa.Column("period_start", sa.Date(), nullable=True), schema="platform")
    op.add_column("subscription", sa.Column("period_end", sa.Date(), nullable=True), schema="platform")
    op.add_column(
        "subscription", sa.Column("seats_at_renewal", sa.Integer(), nullable=True), schema="platform"
    )
    op.add_column(
        "subscription", sa.Column("interval_at_renewal", sa.Text(), nullable=True), schema="platform"
    )
    op.add_column(
        "subscription",
        sa.Column("past_due_since", sa.DateTime(timezone=True), nullable=True),
        schema="platform",
    )
    op.add_column(
        "subscription",
        sa.Column("restricted_since", sa.DateTime(timezone=True), nullable=True),
        schema="platform",
    )
    op.create_foreign_key(
        op.f("fk_subscription_plan_version_id"),
        "subscription",
        "plan_version",
        ["plan_version_id"],
        ["id"],
        source_schema="platform",
        referent_schema="platform",
        postgresql_not_valid=True,
    )
    # What holds for the rows that there are already is looked through in a revision of its own.
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_state_is_known CHECK (state IN ('free', 'active', 'past_due', 'restricted')) NOT VALID"
    )
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_paid_by_periods CHECK (CASE WHEN state = 'free' THEN num_nonnulls(interval, currency, anchor, period_start, period_end) = 0 ELSE paid_seats > 0 AND num_nulls(interval, currency, anchor, period_start, period_end) = 0 END) NOT VALID"
    )
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_interval_is_known CHECK (interval IN ('month', 'year') AND interval_at_renewal IN ('month', 'year')) NOT VALID"
    )
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_period_is_some_time CHECK (period_start < period_end) NOT VALID"
    )
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_fewer_at_renewal CHECK (seats_at_renewal >= 0 AND seats_at_renewal < paid_seats) NOT VALID"
    )
    op.execute(
        "ALTER TABLE platform.subscription ADD CONSTRAINT ck_subscription_dues_have_a_beginning CHECK ((state IN ('past_due', 'restricted')) = (past_due_since IS NOT NULL) AND (state = 'restricted') = (restricted_since IS NOT NULL)) NOT VALID"
    )
