"""The conditions that 0007 added hold for the rows that were there before, too; why by itself, 0003 says."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    for condition in ("fk_seat_order_invoice_id", "ck_seat_order_state_is_known"):
        op.execute(f"ALTER TABLE platform.seat_order VALIDATE CONSTRAINT {condition}")
