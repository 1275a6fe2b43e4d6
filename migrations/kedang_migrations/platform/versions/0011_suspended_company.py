"""suspended_company"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("company", sa.Column("suspended_reason", sa.Text(), nullable=True), schema="platform")
    op.add_column(
        "company", sa.Column("suspended_at", sa.DateTime(timezone=True), nullable=True), schema="platform"
    )
    op.add_column(
        "company",
        sa.Column("quiet", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        schema="platform",
    )
    op.drop_constraint(op.f("uq_membership_member_id"), "membership", schema="platform", type_="unique")
    op.create_index(
        "membership_member", "membership", ["company_id", "member_id"], unique=True, schema="platform"
    )
