"""survey dispatch: sendings, links, further triggers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"

_TRIGGERS = (
    "trigger IN ('BY_HAND', 'REQUEST_CLOSED', 'DELIVERY_MADE', 'ORDER_PLACED', 'MAINTENANCE_DUE', "
    "'MAINTENANCE_DONE', 'MYSTERY_VISIT')"
)
_CHANNELS = "channel IN ('EMAIL', 'LINK', 'VISIT', 'MYSTERY_VISIT')"
_SKIPPED = (
    "skipped_because IN ('COOLDOWN', 'NO_ADDRESS', 'OPTED_OUT', 'NO_CONSENT', 'TOO_OFTEN', 'SUPPRESSED', "
    "'SAME_ADDRESS', 'PUT_AWAY')"
)


def upgrade() -> None:
    op.create_table(
        "survey_link",
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("made_by_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_survey_link_made_by_id")),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_survey_link_questionnaire_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_link")),
    )
    op.create_index(
        "ix_survey_link_made_by_id", "survey_link", ["made_by_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_survey_link_questionnaire_id",
        "survey_link",
        ["questionnaire_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("uq_survey_link_token_hash", "survey_link", ["token_hash"], unique=True)
    op.create_table(
        "survey_sending",
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=True),
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("invited", sa.Integer(), nullable=False),
        sa.Column("left_out", sa.Integer(), nullable=False),
        sa.Column("failed_because", sa.Text(collation="C"), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("audience", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("place", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "failed_because IN ('SENDER_LEFT', 'QUESTIONNAIRE_INACTIVE', 'INTERNAL_ERROR')",
            name=op.f("ck_survey_sending_failed_because"),
        ),
        sa.CheckConstraint(
            "kind IN ('BY_HAND', 'CAMPAIGN', 'PROMOTION')", name=op.f("ck_survey_sending_kind")
        ),
        sa.CheckConstraint(
            "state IN ('SCHEDULED', 'RUNNING', 'PAUSED', 'DONE', 'CANCELLED', 'FAILED')",
            name=op.f("ck_survey_sending_state"),
        ),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_survey_sending_questionnaire_id")
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["member.id"], name=op.f("fk_survey_sending_started_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_sending")),
    )
    op.create_index(
        "ix_survey_sending_questionnaire_id",
        "survey_sending",
        ["questionnaire_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_survey_sending_started_by_id",
        "survey_sending",
        ["started_by_id", "created_at", "id"],
        unique=False,
    )
    op.add_column(
        "questionnaire", sa.Column("delay_days", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(
        "questionnaire", sa.Column("request_kinds", sa.ARRAY(sa.Text(collation="C")), nullable=True)
    )
    op.add_column(
        "questionnaire",
        sa.Column("reminders_at_most", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.alter_column("survey_answer", "customer_id", existing_type=sa.UUID(), nullable=True)
    op.add_column("survey_invitation", sa.Column("sending_id", sa.Uuid(), nullable=True))
    op.add_column("survey_invitation", sa.Column("link_id", sa.Uuid(), nullable=True))
    op.add_column(
        "survey_invitation", sa.Column("reminders", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.alter_column("survey_invitation", "customer_id", existing_type=sa.UUID(), nullable=True)
    op.create_index(op.f("ix_survey_invitation_link_id"), "survey_invitation", ["link_id"], unique=False)
    op.create_index(
        "ix_survey_invitation_sending_id",
        "survey_invitation",
        ["sending_id", "recipient"],
        unique=False,
        postgresql_where=sa.text("sending_id IS NOT NULL"),
    )
    _refer("sending_id", "survey_sending")
    _refer("link_id", "survey_link")
    _widen("questionnaire", "ck_questionnaire_trigger", _TRIGGERS)
    _widen("survey_invitation", "ck_survey_invitation_channel", _CHANNELS)
    _widen("survey_invitation", "ck_survey_invitation_skipped_because", _SKIPPED)


def _refer(column: str, table: str) -> None:
    """No row refers to anything yet; the next revision lets the database see that for itself."""
    op.create_foreign_key(
        op.f(f"fk_survey_invitation_{column}"),
        "survey_invitation",
        table,
        [column],
        ["id"],
        postgresql_not_valid=True,
    )


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
