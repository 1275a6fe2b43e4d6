"""credit_and_purchasing_power"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

_RATINGS = "'AAA', 'AA', 'A', 'BBB', 'BB', 'B', 'CCC', 'CC', 'C', 'D'"
_POWERS = "'VERY_HIGH', 'HIGH', 'MEDIUM', 'LOW'"


def upgrade() -> None:
    op.add_column("customer", sa.Column("credit_rating", sa.Text(collation="C"), nullable=True))
    op.add_column("customer", sa.Column("purchasing_power", sa.Text(collation="C"), nullable=True))
    op.create_check_constraint(
        op.f("ck_customer_credit_rating"),
        "customer",
        f"credit_rating IN ({_RATINGS})",
        postgresql_not_valid=True,
    )
    op.create_check_constraint(
        op.f("ck_customer_purchasing_power"),
        "customer",
        f"purchasing_power IN ({_POWERS})",
        postgresql_not_valid=True,
    )
