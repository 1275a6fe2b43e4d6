"""What 0037 says of schemes, levels and grades holds for the rows that were there before, too.

In a revision of its own, since looking through a table would keep the lock that adding a condition takes.
"""

from __future__ import annotations

from alembic import op

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    op.execute("ALTER TABLE grade_scheme VALIDATE CONSTRAINT ck_grade_scheme_graded_by")
    op.execute("ALTER TABLE grade_level VALIDATE CONSTRAINT fk_grade_level_retired_into_id")
    op.execute("ALTER TABLE customer_grade VALIDATE CONSTRAINT fk_customer_grade_given_by_id")
