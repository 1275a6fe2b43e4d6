"""The references that visits and receipts brought hold for the rows that were there before, too.

In a revision of its own, since looking through a table would keep the lock that adding a reference takes.
"""

from __future__ import annotations

from alembic import op

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    for column in ("visit_form_id", "contact_id"):
        op.execute(f"ALTER TABLE follow_up_plan VALIDATE CONSTRAINT fk_follow_up_plan_{column}")
    for column in ("note_taker_id", "service_request_id"):
        op.execute(f"ALTER TABLE follow_up_record VALIDATE CONSTRAINT fk_follow_up_record_{column}")
