"""Forms by kind of customer: own fields that are asked of the customers of one class alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    op.add_column("custom_field", sa.Column("customer_class_id", sa.Uuid(), nullable=True))
    op.create_index(
        op.f("ix_custom_field_customer_class_id"), "custom_field", ["customer_class_id"], unique=False
    )
    op.create_foreign_key(
        op.f("fk_custom_field_customer_class_id"),
        "custom_field",
        "customer_class",
        ["customer_class_id"],
        ["id"],
        postgresql_not_valid=True,
    )
