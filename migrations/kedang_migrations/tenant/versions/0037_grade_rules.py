"""Levels say how customers are treated, rules have versions and trials, and a grade may be given by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "grade_rule",
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(collation="C"), nullable=True),
        sa.Column("in_force_from", sa.Date(), nullable=True),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("drafted_by_id", sa.Uuid(), nullable=True),
        sa.Column("changed_by_id", sa.Uuid(), nullable=True),
        sa.Column("published_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'SCHEDULED', 'IN_FORCE', 'SUPERSEDED')", name=op.f("ck_grade_rule_state")
        ),
        sa.ForeignKeyConstraint(["changed_by_id"], ["member.id"], name=op.f("fk_grade_rule_changed_by_id")),
        sa.ForeignKeyConstraint(["drafted_by_id"], ["member.id"], name=op.f("fk_grade_rule_drafted_by_id")),
        sa.ForeignKeyConstraint(
            ["published_by_id"], ["member.id"], name=op.f("fk_grade_rule_published_by_id")
        ),
        sa.ForeignKeyConstraint(["scheme_id"], ["grade_scheme.id"], name=op.f("fk_grade_rule_scheme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_rule")),
    )
    op.create_index(
        "uq_grade_rule_draft",
        "grade_rule",
        ["scheme_id"],
        unique=True,
        postgresql_where=sa.text("state = 'DRAFT' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_grade_rule_in_force",
        "grade_rule",
        ["scheme_id"],
        unique=True,
        postgresql_where=sa.text("state = 'IN_FORCE'"),
    )
    op.create_index(
        "uq_grade_rule_scheduled",
        "grade_rule",
        ["scheme_id"],
        unique=True,
        postgresql_where=sa.text("state = 'SCHEDULED' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_grade_rule_scheme_id_number",
        "grade_rule",
        ["scheme_id", "number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "grade_trial",
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("content", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=True),
        sa.Column("moved", sa.Integer(), nullable=True),
        sa.Column("kept_by_hand", sa.Integer(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('DRY_RUN', 'BACK_TEST')", name=op.f("ck_grade_trial_kind")),
        sa.CheckConstraint("state IN ('WAITING', 'DONE', 'FAILED')", name=op.f("ck_grade_trial_state")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["member.id"], name=op.f("fk_grade_trial_asked_by_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["grade_rule.id"], name=op.f("fk_grade_trial_rule_id")),
        sa.ForeignKeyConstraint(["scheme_id"], ["grade_scheme.id"], name=op.f("fk_grade_trial_scheme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_trial")),
    )
    op.create_index(op.f("ix_grade_trial_scheme_id"), "grade_trial", ["scheme_id"], unique=False)
    op.create_table(
        "grade_trial_row",
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("move", sa.Text(collation="C"), nullable=False),
        sa.Column("from_level_id", sa.Uuid(), nullable=True),
        sa.Column("to_level_id", sa.Uuid(), nullable=True),
        sa.Column("score", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("figures", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("withheld", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("explanation", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("move IN ('UP', 'DOWN', 'NEW', 'ENDED')", name=op.f("ck_grade_trial_row_move")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_grade_trial_row_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["from_level_id"], ["grade_level.id"], name=op.f("fk_grade_trial_row_from_level_id")
        ),
        sa.ForeignKeyConstraint(
            ["to_level_id"], ["grade_level.id"], name=op.f("fk_grade_trial_row_to_level_id")
        ),
        sa.ForeignKeyConstraint(["trial_id"], ["grade_trial.id"], name=op.f("fk_grade_trial_row_trial_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_trial_row")),
    )
    op.create_index(op.f("ix_grade_trial_row_customer_id"), "grade_trial_row", ["customer_id"], unique=False)
    op.create_index(
        "ix_grade_trial_row_trial_id_as_of", "grade_trial_row", ["trial_id", "as_of", "id"], unique=False
    )
    op.create_index(
        "ix_grade_trial_row_trial_id_move", "grade_trial_row", ["trial_id", "move", "id"], unique=False
    )
    op.add_column(
        "customer_grade",
        sa.Column("withheld", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column("customer_grade", sa.Column("held_since", sa.Date(), nullable=True))
    op.add_column(
        "customer_grade", sa.Column("by_hand", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("customer_grade", sa.Column("reason", sa.Text(collation="C"), nullable=True))
    op.add_column("customer_grade", sa.Column("until", sa.Date(), nullable=True))
    op.add_column("customer_grade", sa.Column("given_by_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_customer_grade_until",
        "customer_grade",
        ["until"],
        unique=False,
        postgresql_where=sa.text("current AND by_hand"),
    )
    op.create_foreign_key(
        op.f("fk_customer_grade_given_by_id"),
        "customer_grade",
        "member",
        ["given_by_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.add_column("grade_level", sa.Column("care_days", sa.Integer(), nullable=True))
    op.add_column(
        "grade_level",
        sa.Column(
            "service_promise", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column(
        "grade_level",
        sa.Column(
            "price_preference", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column(
        "grade_level",
        sa.Column(
            "delivery_preference", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column(
        "grade_level",
        sa.Column(
            "collection_policy", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True
        ),
    )
    op.add_column("grade_level", sa.Column("credit_days", sa.Integer(), nullable=True))
    op.add_column(
        "grade_level",
        sa.Column("credit_terms", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column(
        "grade_level",
        sa.Column("reception", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    )
    op.add_column(
        "grade_level",
        sa.Column("pool_protected", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("grade_level", sa.Column("pool_after_days", sa.Integer(), nullable=True))
    op.add_column("grade_level", sa.Column("retired_into_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_grade_level_retired_into_id"),
        "grade_level",
        "grade_level",
        ["retired_into_id"],
        ["id"],
        postgresql_not_valid=True,
    )
    op.add_column(
        "grade_scheme",
        sa.Column(
            "graded_by", sa.Text(collation="C"), server_default=sa.text("'RULE_AND_HAND'"), nullable=False
        ),
    )
    op.add_column(
        "grade_scheme",
        sa.Column("owners_may_override", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_grade_scheme_graded_by"),
        "grade_scheme",
        "graded_by IN ('HAND', 'RULE', 'RULE_AND_HAND')",
        postgresql_not_valid=True,
    )
