"""Sales processes: a demand's stage is one of its company's, and keeps its name"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0053"
down_revision = "0052"

# As the product's own stages were called until now.
_NAMES = {
    "CONTACT": ("First contact", "初步接触"),
    "NEED": ("Need found out", "需求已明确"),
    "SOLUTION": ("Solution offered", "已提供方案"),
    "QUOTED": ("Quoted", "已报价"),
    "NEGOTIATION": ("Negotiation", "商务谈判"),
    "CLOSING": ("Closing", "即将成交"),
}


def upgrade() -> None:
    op.execute("ALTER TABLE demand DROP CONSTRAINT ck_demand_stage")
    op.add_column(
        "demand",
        sa.Column("stage_name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    cases = " ".join(
        f"WHEN '{code}' THEN jsonb_build_object('en', '{english}', 'zh', '{chinese}')"
        for code, (english, chinese) in _NAMES.items()
    )
    op.execute(f"UPDATE demand SET stage_name = CASE stage {cases} END")
