"""What 0029 added is right for the plans that were open before, and its wider condition holds for every row.

In a revision of its own, since looking through a table would keep the lock that exchanging a condition takes.
"""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.execute("ALTER TABLE follow_up_plan VALIDATE CONSTRAINT ck_follow_up_plan_origin")
    op.execute(
        "UPDATE follow_up_plan p SET urgency = 6 - c.grade_rank FROM customer c"
        " WHERE c.id = p.customer_id AND c.grade_rank < 5 AND p.state = 'PLANNED' AND p.archived_at IS NULL"
    )
    op.execute(
        "UPDATE follow_up_plan SET wanted_on = due_on"
        " WHERE origin = 'CYCLE' AND state = 'PLANNED' AND archived_at IS NULL"
    )
