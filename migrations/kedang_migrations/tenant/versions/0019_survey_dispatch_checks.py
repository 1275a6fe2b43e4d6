"""The conditions that 0018 widened or added hold for the rows that were there before, too.

In a revision of its own, since looking through a table would keep the lock that exchanging a condition takes.
"""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.execute("ALTER TABLE questionnaire VALIDATE CONSTRAINT ck_questionnaire_trigger")
    op.execute("ALTER TABLE survey_invitation VALIDATE CONSTRAINT ck_survey_invitation_channel")
    op.execute("ALTER TABLE survey_invitation VALIDATE CONSTRAINT ck_survey_invitation_skipped_because")
    op.execute("ALTER TABLE survey_invitation VALIDATE CONSTRAINT fk_survey_invitation_sending_id")
    op.execute("ALTER TABLE survey_invitation VALIDATE CONSTRAINT fk_survey_invitation_link_id")
