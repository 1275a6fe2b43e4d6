"""The conditions that 0005 added hold for the rows that were there before, too; why by itself, 0003 says."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

_CONDITIONS = (
    "fk_subscription_plan_version_id",
    "ck_subscription_state_is_known",
    "ck_subscription_paid_by_periods",
    "ck_subscription_interval_is_known",
    "ck_subscription_period_is_some_time",
    "ck_subscription_fewer_at_renewal",
    "ck_subscription_dues_have_a_beginning",
)


def upgrade() -> None:
    for condition in _CONDITIONS:
        op.execute(f"ALTER TABLE platform.subscription VALIDATE CONSTRAINT {condition}")
