"""initial"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("via", sa.Text(collation="C"), nullable=False),
        sa.Column("action", sa.Text(collation="C"), nullable=False),
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit")),
    )
    op.create_index(
        "ix_audit_record_record_id_sequence", "audit", ["record", "record_id", "sequence"], unique=False
    )
    op.create_index(op.f("ix_audit_transaction"), "audit", ["transaction"], unique=False)
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("kind IN ('HOLIDAY', 'WORKING_DAY')", name=op.f("ck_calendar_day_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
    )
    op.create_index(
        "uq_calendar_day_day",
        "calendar_day",
        ["day"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "custom_field",
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("label", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("options", sa.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('TEXT', 'INTEGER', 'DECIMAL', 'DAY', 'FLAG', 'CHOICE')",
            name=op.f("ck_custom_field_kind"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_field")),
    )
    op.create_index(
        "uq_custom_field_record_key",
        "custom_field",
        ["record", "key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "department",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("branch", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["department.id"], name=op.f("fk_department_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
    )
    op.create_index(
        "uq_department_name",
        "department",
        ["name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "grade_scheme",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("measure", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("rule", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("measure IN ('SALES')", name=op.f("ck_grade_scheme_measure")),
        sa.CheckConstraint(
            "period IN ('CALENDAR_YEAR', 'TRAILING_12_MONTHS')", name=op.f("ck_grade_scheme_period")
        ),
        sa.CheckConstraint("state IN ('DRAFT', 'PUBLISHED')", name=op.f("ck_grade_scheme_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_scheme")),
    )
    op.create_index(
        "uq_grade_scheme_leads",
        "grade_scheme",
        ["leads"],
        unique=True,
        postgresql_where=sa.text("leads AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_grade_scheme_name",
        "grade_scheme",
        ["name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "kept_answer",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("response", sa.Text(collation="C"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_kept_answer")),
    )
    op.create_index(op.f("ix_kept_answer_created_at"), "kept_answer", ["created_at"], unique=False)
    op.create_table(
        "product_category",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_category")),
    )
    op.create_index(
        "uq_product_category_name",
        "product_category",
        ["name"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "questionnaire",
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("template", sa.Text(collation="C"), nullable=True),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("cooldown_days", sa.Integer(), nullable=False),
        sa.Column("remind_after_days", sa.Integer(), nullable=True),
        sa.Column("expires_after_days", sa.Integer(), nullable=False),
        sa.Column("edit_hours", sa.Integer(), nullable=False),
        sa.Column("unhappy_opens_request", sa.Boolean(), nullable=False),
        sa.Column("unhappy_at_most", sa.Text(collation="C"), nullable=False),
        sa.Column("unhappy_detractors", sa.Boolean(), nullable=False),
        sa.Column("unhappy_within_days", sa.Integer(), nullable=False),
        sa.Column("current_version_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "template IN ('AFTER_SALE', 'AFTER_SERVICE', 'ON_VISIT')", name=op.f("ck_questionnaire_template")
        ),
        sa.CheckConstraint(
            "trigger IN ('BY_HAND', 'REQUEST_CLOSED', 'DELIVERY_MADE')", name=op.f("ck_questionnaire_trigger")
        ),
        sa.CheckConstraint(
            "unhappy_at_most IN ('VERY_SATISFIED', 'FAIRLY_SATISFIED', 'BASICALLY_SATISFIED', 'NOT_VERY_SATISFIED', 'NOT_SATISFIED')",
            name=op.f("ck_questionnaire_unhappy_at_most"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire")),
    )
    op.create_table(
        "service_request_count",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_service_request_count")),
    )
    op.create_table(
        "tag",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("colour", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
    )
    op.create_index(
        "uq_tag_name", "tag", ["name"], unique=True, postgresql_where=sa.text("archived_at IS NULL")
    )
    op.create_table(
        "working_week",
        sa.Column("weekend", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("opens_at", sa.Text(collation="C"), nullable=False),
        sa.Column("closes_at", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_week")),
    )
    op.create_table(
        "grade_level",
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("colour", sa.Text(collation="C"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("minimum", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("cycle_days", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["grade_scheme.id"], name=op.f("fk_grade_level_scheme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grade_level")),
    )
    op.create_index(
        "uq_grade_level_scheme_id_code",
        "grade_level",
        ["scheme_id", "code"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "member",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("email", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("superior_id", sa.Uuid(), nullable=True),
        sa.Column("roles", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("seat", sa.Text(collation="C"), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("language IN ('EN', 'ZH_CN')", name=op.f("ck_member_language")),
        sa.CheckConstraint("seat IN ('FULL', 'VIEW_ONLY')", name=op.f("ck_member_seat")),
        sa.CheckConstraint("state IN ('INVITED', 'ACTIVE', 'SUSPENDED')", name=op.f("ck_member_state")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_member_department_id")),
        sa.ForeignKeyConstraint(["superior_id"], ["member.id"], name=op.f("fk_member_superior_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_index(op.f("ix_member_department_id"), "member", ["department_id"], unique=False)
    op.create_index(
        "uq_member_email", "member", ["email"], unique=True, postgresql_where=sa.text("archived_at IS NULL")
    )
    op.create_table(
        "questionnaire_version",
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("introduction", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("thanks", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'PUBLISHED', 'SUPERSEDED')", name=op.f("ck_questionnaire_version_state")
        ),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_questionnaire_version_questionnaire_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire_version")),
    )
    op.create_index(
        "uq_questionnaire_version_draft",
        "questionnaire_version",
        ["questionnaire_id"],
        unique=True,
        postgresql_where=sa.text("state = 'DRAFT' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_questionnaire_version_questionnaire_id_number",
        "questionnaire_version",
        ["questionnaire_id", "number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "customer",
        sa.Column("number", sa.Text(collation="C"), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("directory", sa.Text(collation="C"), nullable=False),
        sa.Column("roles", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("legal_representative", sa.Text(collation="C"), nullable=True),
        sa.Column("credit_code", sa.Text(collation="C"), nullable=True),
        sa.Column("founded_on", sa.Date(), nullable=True),
        sa.Column("trading_since", sa.Date(), nullable=True),
        sa.Column("employees", sa.Integer(), nullable=True),
        sa.Column("industry", sa.Text(collation="C"), nullable=True),
        sa.Column("business_scope", sa.Text(collation="C"), nullable=True),
        sa.Column("source", sa.Text(collation="C"), nullable=True),
        sa.Column("address", sa.Text(collation="C"), nullable=True),
        sa.Column("city", sa.Text(collation="C"), nullable=True),
        sa.Column("region", sa.Text(collation="C"), nullable=True),
        sa.Column("postal_code", sa.Text(collation="C"), nullable=True),
        sa.Column("country", sa.Text(collation="C"), nullable=True),
        sa.Column("phone", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_e164", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_reversed", sa.Text(collation="C"), nullable=True),
        sa.Column("fax", sa.Text(collation="C"), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("website", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.Column("assigned_on", sa.Date(), nullable=True),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_follow_up_on", sa.Date(), nullable=True),
        sa.Column("grade_level_id", sa.Uuid(), nullable=True),
        sa.Column("grade_rank", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "directory IN ('COMPANY', 'GOVERNMENT', 'SPECIAL', 'INDIVIDUAL', 'PARTNER')",
            name=op.f("ck_customer_directory"),
        ),
        sa.CheckConstraint("state IN ('PROSPECTIVE', 'CURRENT', 'PAST')", name=op.f("ck_customer_state")),
        sa.ForeignKeyConstraint(
            ["grade_level_id"], ["grade_level.id"], name=op.f("fk_customer_grade_level_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_customer_owner_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["customer.id"], name=op.f("fk_customer_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer")),
    )
    op.create_index(
        "ix_customer_grade_level_id_name_sort",
        "customer",
        ["grade_level_id", "name_sort", "id"],
        unique=False,
        postgresql_where=sa.text("grade_level_id IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_grade_rank",
        "customer",
        ["grade_rank", "id"],
        unique=False,
        postgresql_where=sa.text("grade_rank IS NOT NULL"),
    )
    op.create_index("ix_customer_name_sort", "customer", ["name_sort", "id"], unique=False)
    op.create_index(
        "ix_customer_next_follow_up_on",
        "customer",
        ["next_follow_up_on", "id"],
        unique=False,
        postgresql_where=sa.text("next_follow_up_on IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_owner_id_name_sort", "customer", ["owner_id", "name_sort", "id"], unique=False
    )
    op.create_index(op.f("ix_customer_parent_id"), "customer", ["parent_id"], unique=False)
    op.create_index(
        "ix_customer_phone_reversed",
        "customer",
        ["phone_reversed"],
        unique=False,
        postgresql_ops={"phone_reversed": "text_pattern_ops"},
    )
    op.create_index(
        "ix_customer_search_tokens", "customer", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "uq_customer_credit_code",
        "customer",
        ["credit_code"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_customer_number",
        "customer",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "file",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("content_type", sa.Text(collation="C"), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("uploaded_by_id", sa.Uuid(), nullable=True),
        sa.Column("attached_to", sa.Text(collation="C"), nullable=True),
        sa.Column("content_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('PDF', 'PNG', 'JPEG', 'XLSX', 'DOCX', 'CSV', 'JSONL', 'TXT')", name=op.f("ck_file_kind")
        ),
        sa.CheckConstraint("state IN ('PENDING', 'STORED')", name=op.f("ck_file_state")),
        sa.ForeignKeyConstraint(["uploaded_by_id"], ["member.id"], name=op.f("fk_file_uploaded_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_file")),
    )
    op.create_index(op.f("ix_file_attached_to"), "file", ["attached_to"], unique=False)
    op.create_index(op.f("ix_file_uploaded_by_id"), "file", ["uploaded_by_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("title", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("details", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("about", sa.Text(collation="C"), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_state", sa.Text(collation="C"), nullable=True),
        sa.Column("mail_key", sa.Text(collation="C"), nullable=True),
        sa.Column("occasion", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("channel IN ('EMAIL', 'DIGEST', 'INBOX')", name=op.f("ck_notice_channel")),
        sa.CheckConstraint(
            "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', 'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED')",
            name=op.f("ck_notice_kind"),
        ),
        sa.CheckConstraint(
            "mail_state IN ('QUEUED', 'SENT', 'REJECTED', 'UNKNOWN', 'NOT_SENT')",
            name=op.f("ck_notice_mail_state"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
    )
    op.create_index(
        "ix_notice_for_digest",
        "notice",
        ["member_id", "id"],
        unique=False,
        postgresql_where=sa.text("channel = 'DIGEST' AND mailed_at IS NULL"),
    )
    op.create_index(
        "ix_notice_mail_key",
        "notice",
        ["mail_key"],
        unique=False,
        postgresql_where=sa.text("mail_key IS NOT NULL"),
    )
    op.create_index(
        "ix_notice_member_id_created_at", "notice", ["member_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_notice_unread", "notice", ["member_id"], unique=False, postgresql_where=sa.text("read_at IS NULL")
    )
    op.create_index(
        "uq_notice_member_id_occasion",
        "notice",
        ["member_id", "occasion"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "notice_preference",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "channel IN ('EMAIL', 'DIGEST', 'INBOX')", name=op.f("ck_notice_preference_channel")
        ),
        sa.CheckConstraint(
            "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', 'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED')",
            name=op.f("ck_notice_preference_kind"),
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_preference_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_preference")),
    )
    op.create_index(
        "uq_notice_preference_member_id_kind",
        "notice_preference",
        ["member_id", "kind"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "report_definition",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("schedule", sa.Text(collation="C"), nullable=False),
        sa.Column("at", sa.Text(collation="C"), nullable=True),
        sa.Column("weekday", sa.Text(collation="C"), nullable=True),
        sa.Column("day_of_month", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("scheme_id", sa.Uuid(), nullable=True),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=True),
        sa.Column("only_department_id", sa.Uuid(), nullable=True),
        sa.Column("only_member_id", sa.Uuid(), nullable=True),
        sa.Column("formats", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('CUSTOMERS_BY_GRADE', 'GRADE_MOVEMENT', 'FOLLOW_UP_COMPLIANCE', 'SURVEY_ANALYSIS')",
            name=op.f("ck_report_definition_kind"),
        ),
        sa.CheckConstraint("language IN ('EN', 'ZH_CN')", name=op.f("ck_report_definition_language")),
        sa.CheckConstraint(
            "period IN ('YESTERDAY', 'LAST_WEEK', 'LAST_MONTH', 'LAST_QUARTER', 'LAST_YEAR', 'THIS_MONTH', 'THIS_YEAR', 'LAST_12_MONTHS', 'BETWEEN')",
            name=op.f("ck_report_definition_period"),
        ),
        sa.CheckConstraint(
            "schedule IN ('NEVER', 'DAILY', 'WEEKLY', 'MONTHLY')", name=op.f("ck_report_definition_schedule")
        ),
        sa.CheckConstraint(
            "weekday IN ('MONDAY', 'TUESDAY', 'WEDNESDAY', 'THURSDAY', 'FRIDAY', 'SATURDAY', 'SUNDAY')",
            name=op.f("ck_report_definition_weekday"),
        ),
        sa.ForeignKeyConstraint(
            ["only_department_id"], ["department.id"], name=op.f("fk_report_definition_only_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["only_member_id"], ["member.id"], name=op.f("fk_report_definition_only_member_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_report_definition_owner_id")),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_report_definition_questionnaire_id")
        ),
        sa.ForeignKeyConstraint(
            ["scheme_id"], ["grade_scheme.id"], name=op.f("fk_report_definition_scheme_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_definition")),
    )
    op.create_index(
        "ix_report_definition_next_at",
        "report_definition",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("next_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_report_definition_owner_id"), "report_definition", ["owner_id"], unique=False)
    op.create_table(
        "service_assignment",
        sa.Column("kind", sa.Text(collation="C"), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('COMPLAINT', 'REPAIR', 'MAINTENANCE', 'CONSULTATION', 'TECHNICAL_SUPPORT', 'SUGGESTION', 'CRITICISM', 'WISH', 'TRAINING', 'SAMPLE')",
            name=op.f("ck_service_assignment_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_service_assignment_department_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_service_assignment_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_assignment")),
    )
    op.create_table(
        "service_standard",
        sa.Column("grade_level_id", sa.Uuid(), nullable=True),
        sa.Column("priority", sa.Text(collation="C"), nullable=True),
        sa.Column("first_answer_minutes", sa.Integer(), nullable=False),
        sa.Column("solution_minutes", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "priority IN ('LOW', 'NORMAL', 'HIGH', 'URGENT')", name=op.f("ck_service_standard_priority")
        ),
        sa.ForeignKeyConstraint(
            ["grade_level_id"], ["grade_level.id"], name=op.f("fk_service_standard_grade_level_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_standard")),
    )
    op.create_table(
        "survey_item",
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("label", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("help", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("commentable", sa.Boolean(), nullable=False),
        sa.Column("options", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('GROUP', 'LEVEL', 'NPS', 'CHOICE', 'NUMBER', 'DATE', 'TEXT')",
            name=op.f("ck_survey_item_kind"),
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["survey_item.id"], name=op.f("fk_survey_item_parent_id")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["questionnaire_version.id"], name=op.f("fk_survey_item_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_item")),
    )
    op.create_index(op.f("ix_survey_item_parent_id"), "survey_item", ["parent_id"], unique=False)
    op.create_index(
        "uq_survey_item_version_id_key",
        "survey_item",
        ["version_id", "key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "webhook",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("url", sa.Text(collation="C"), nullable=False),
        sa.Column("events", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("disabled_reason", sa.Text(collation="C"), nullable=True),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("secret_number", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "disabled_reason IN ('GONE', 'FAILING', 'OWNER_LEFT')", name=op.f("ck_webhook_disabled_reason")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_webhook_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook")),
    )
    op.create_index(op.f("ix_webhook_owner_id"), "webhook", ["owner_id"], unique=False)
    op.create_table(
        "bulk_operation",
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("format", sa.Text(collation="C"), nullable=False),
        sa.Column("mode", sa.Text(collation="C"), nullable=True),
        sa.Column("source_file_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("question", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("format IN ('JSONL', 'CSV')", name=op.f("ck_bulk_operation_format")),
        sa.CheckConstraint("kind IN ('EXPORT', 'IMPORT')", name=op.f("ck_bulk_operation_kind")),
        sa.CheckConstraint("mode IN ('CREATE', 'UPDATE', 'UPSERT')", name=op.f("ck_bulk_operation_mode")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')",
            name=op.f("ck_bulk_operation_state"),
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_bulk_operation_file_id")),
        sa.ForeignKeyConstraint(
            ["source_file_id"], ["file.id"], name=op.f("fk_bulk_operation_source_file_id")
        ),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["member.id"], name=op.f("fk_bulk_operation_started_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_operation")),
    )
    op.create_index(
        op.f("ix_bulk_operation_started_by_id"), "bulk_operation", ["started_by_id"], unique=False
    )
    op.create_table(
        "contact",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=True),
        sa.Column("department", sa.Text(collation="C"), nullable=True),
        sa.Column("head_of_department", sa.Boolean(), nullable=False),
        sa.Column("decision_power", sa.Text(collation="C"), nullable=True),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("phone", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_e164", sa.Text(collation="C"), nullable=True),
        sa.Column("phone_reversed", sa.Text(collation="C"), nullable=True),
        sa.Column("email", sa.Text(collation="C"), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("preferred_channel", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.CheckConstraint(
            "decision_power IN ('DECIDES', 'INFLUENCES', 'USES', 'NONE')",
            name=op.f("ck_contact_decision_power"),
        ),
        sa.CheckConstraint(
            "preferred_channel IN ('PHONE', 'EMAIL', 'MESSAGE', 'VISIT', 'LETTER')",
            name=op.f("ck_contact_preferred_channel"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contact_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
    )
    op.create_index(
        "ix_contact_customer_id_name_sort", "contact", ["customer_id", "name_sort", "id"], unique=False
    )
    op.create_index(
        "ix_contact_phone_reversed",
        "contact",
        ["phone_reversed"],
        unique=False,
        postgresql_ops={"phone_reversed": "text_pattern_ops"},
    )
    op.create_index(
        "ix_contact_search_tokens", "contact", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "customer_grade",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("level_id", sa.Uuid(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("explanation", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_grade_customer_id")),
        sa.ForeignKeyConstraint(["level_id"], ["grade_level.id"], name=op.f("fk_customer_grade_level_id")),
        sa.ForeignKeyConstraint(["scheme_id"], ["grade_scheme.id"], name=op.f("fk_customer_grade_scheme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_grade")),
    )
    op.create_index(
        "ix_customer_grade_customer_id_graded_at",
        "customer_grade",
        ["customer_id", "graded_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_customer_grade_level_id"), "customer_grade", ["level_id"], unique=False)
    op.create_index(
        "uq_customer_grade_current",
        "customer_grade",
        ["customer_id", "scheme_id"],
        unique=True,
        postgresql_where=sa.text("current"),
    )
    op.create_table(
        "customer_tag",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("tag_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_tag_customer_id")),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_customer_tag_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_tag")),
    )
    op.create_index(op.f("ix_customer_tag_tag_id"), "customer_tag", ["tag_id"], unique=False)
    op.create_index(
        "uq_customer_tag_customer_id_tag_id",
        "customer_tag",
        ["customer_id", "tag_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "export",
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("format", sa.Text(collation="C"), nullable=False),
        sa.Column("filter", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("format IN ('CSV', 'XLSX')", name=op.f("ck_export_format")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')", name=op.f("ck_export_state")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_export_file_id")),
        sa.ForeignKeyConstraint(["started_by_id"], ["member.id"], name=op.f("fk_export_started_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export")),
    )
    op.create_index(op.f("ix_export_started_by_id"), "export", ["started_by_id"], unique=False)
    op.create_table(
        "follow_up_plan",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("way", sa.Text(collation="C"), nullable=True),
        sa.Column("purpose", sa.Text(collation="C"), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("origin", sa.Text(collation="C"), nullable=False),
        sa.Column("rule", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("origin IN ('CYCLE', 'MANUAL')", name=op.f("ck_follow_up_plan_origin")),
        sa.CheckConstraint("state IN ('PLANNED', 'DONE', 'CANCELLED')", name=op.f("ck_follow_up_plan_state")),
        sa.CheckConstraint(
            "way IN ('CALL', 'VISIT', 'EMAIL', 'MESSAGE', 'LETTER', 'FAX', 'MEETING', 'ONLINE')",
            name=op.f("ck_follow_up_plan_way"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_follow_up_plan_customer_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_follow_up_plan_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_plan")),
    )
    op.create_index(
        "ix_follow_up_plan_customer_id_due_on",
        "follow_up_plan",
        ["customer_id", "due_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_follow_up_plan_open",
        "follow_up_plan",
        ["owner_id", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'PLANNED' AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_follow_up_plan_cycle",
        "follow_up_plan",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'PLANNED' AND origin = 'CYCLE' AND archived_at IS NULL"),
    )
    op.create_table(
        "import",
        sa.Column("started_by_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("record", sa.Text(collation="C"), nullable=False),
        sa.Column("mode", sa.Text(collation="C"), nullable=False),
        sa.Column("dry_run", sa.Boolean(), nullable=False),
        sa.Column("mapping", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("format", sa.Text(collation="C"), nullable=True),
        sa.Column("encoding", sa.Text(collation="C"), nullable=True),
        sa.Column("columns", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("created", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("rejected_file_id", sa.Uuid(), nullable=True),
        sa.Column("warnings_file_id", sa.Uuid(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("format IN ('CSV', 'XLSX')", name=op.f("ck_import_format")),
        sa.CheckConstraint("mode IN ('CREATE', 'UPDATE', 'UPSERT')", name=op.f("ck_import_mode")),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')", name=op.f("ck_import_state")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["file.id"], name=op.f("fk_import_file_id")),
        sa.ForeignKeyConstraint(["rejected_file_id"], ["file.id"], name=op.f("fk_import_rejected_file_id")),
        sa.ForeignKeyConstraint(["started_by_id"], ["member.id"], name=op.f("fk_import_started_by_id")),
        sa.ForeignKeyConstraint(["warnings_file_id"], ["file.id"], name=op.f("fk_import_warnings_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import")),
    )
    op.create_index(op.f("ix_import_started_by_id"), "import", ["started_by_id"], unique=False)
    op.create_table(
        "product",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("supplier_id", sa.Uuid(), nullable=True),
        sa.Column("quantity_per_unit", sa.Text(collation="C"), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("list_price", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("cost", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("units_in_stock", sa.Integer(), nullable=True),
        sa.Column("units_on_order", sa.Integer(), nullable=True),
        sa.Column("reorder_level", sa.Integer(), nullable=True),
        sa.Column("discontinued", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.ForeignKeyConstraint(
            ["category_id"], ["product_category.id"], name=op.f("fk_product_category_id")
        ),
        sa.ForeignKeyConstraint(["supplier_id"], ["customer.id"], name=op.f("fk_product_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
    )
    op.create_index(op.f("ix_product_category_id"), "product", ["category_id"], unique=False)
    op.create_index("ix_product_name_sort", "product", ["name_sort", "id"], unique=False)
    op.create_index(
        "ix_product_search_tokens", "product", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_index(op.f("ix_product_supplier_id"), "product", ["supplier_id"], unique=False)
    op.create_index(
        "uq_product_number",
        "product",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "report_recipient",
        sa.Column("definition_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["report_definition.id"], name=op.f("fk_report_recipient_definition_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_report_recipient_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_recipient")),
    )
    op.create_index(op.f("ix_report_recipient_member_id"), "report_recipient", ["member_id"], unique=False)
    op.create_index(
        "uq_report_recipient_definition_id_member_id",
        "report_recipient",
        ["definition_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "report_run",
        sa.Column("definition_id", sa.Uuid(), nullable=True),
        sa.Column("asked_by_id", sa.Uuid(), nullable=True),
        sa.Column("scheduled_for", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("rows_done", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("error", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("xlsx_id", sa.Uuid(), nullable=True),
        sa.Column("pdf_id", sa.Uuid(), nullable=True),
        sa.Column("csv_id", sa.Uuid(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("period", sa.Text(collation="C"), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("scheme_id", sa.Uuid(), nullable=True),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=True),
        sa.Column("only_department_id", sa.Uuid(), nullable=True),
        sa.Column("only_member_id", sa.Uuid(), nullable=True),
        sa.Column("formats", sa.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("language", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('CUSTOMERS_BY_GRADE', 'GRADE_MOVEMENT', 'FOLLOW_UP_COMPLIANCE', 'SURVEY_ANALYSIS')",
            name=op.f("ck_report_run_kind"),
        ),
        sa.CheckConstraint("language IN ('EN', 'ZH_CN')", name=op.f("ck_report_run_language")),
        sa.CheckConstraint(
            "period IN ('YESTERDAY', 'LAST_WEEK', 'LAST_MONTH', 'LAST_QUARTER', 'LAST_YEAR', 'THIS_MONTH', 'THIS_YEAR', 'LAST_12_MONTHS', 'BETWEEN')",
            name=op.f("ck_report_run_period"),
        ),
        sa.CheckConstraint(
            "state IN ('WAITING', 'RUNNING', 'DONE', 'FAILED', 'CANCELLED')", name=op.f("ck_report_run_state")
        ),
        sa.ForeignKeyConstraint(["asked_by_id"], ["member.id"], name=op.f("fk_report_run_asked_by_id")),
        sa.ForeignKeyConstraint(["csv_id"], ["file.id"], name=op.f("fk_report_run_csv_id")),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["report_definition.id"], name=op.f("fk_report_run_definition_id")
        ),
        sa.ForeignKeyConstraint(
            ["only_department_id"], ["department.id"], name=op.f("fk_report_run_only_department_id")
        ),
        sa.ForeignKeyConstraint(["only_member_id"], ["member.id"], name=op.f("fk_report_run_only_member_id")),
        sa.ForeignKeyConstraint(["pdf_id"], ["file.id"], name=op.f("fk_report_run_pdf_id")),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_report_run_questionnaire_id")
        ),
        sa.ForeignKeyConstraint(["scheme_id"], ["grade_scheme.id"], name=op.f("fk_report_run_scheme_id")),
        sa.ForeignKeyConstraint(["xlsx_id"], ["file.id"], name=op.f("fk_report_run_xlsx_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_run")),
    )
    op.create_index(op.f("ix_report_run_asked_by_id"), "report_run", ["asked_by_id"], unique=False)
    op.create_index(
        "ix_report_run_definition_id_created_at",
        "report_run",
        ["definition_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_report_run_expires_at",
        "report_run",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("xlsx_id IS NOT NULL OR pdf_id IS NOT NULL OR csv_id IS NOT NULL"),
    )
    op.create_index(
        "uq_report_run_occurrence",
        "report_run",
        ["definition_id", "scheduled_for", "asked_by_id"],
        unique=True,
        postgresql_where=sa.text("scheduled_for IS NOT NULL"),
    )
    op.create_table(
        "sales_order",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("ordered_on", sa.Date(), nullable=False),
        sa.Column("required_on", sa.Date(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("freight", sa.BigInteger(), nullable=True),
        sa.Column("ship_name", sa.Text(collation="C"), nullable=True),
        sa.Column("ship_address", sa.Text(collation="C"), nullable=True),
        sa.Column("ship_city", sa.Text(collation="C"), nullable=True),
        sa.Column("ship_region", sa.Text(collation="C"), nullable=True),
        sa.Column("ship_postal_code", sa.Text(collation="C"), nullable=True),
        sa.Column("ship_country", sa.Text(collation="C"), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'DELIVERED', 'CANCELLED')", name=op.f("ck_sales_order_state")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_sales_order_customer_id")),
        sa.ForeignKeyConstraint(["seller_id"], ["member.id"], name=op.f("fk_sales_order_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_order")),
    )
    op.create_index(
        "ix_sales_order_customer_id_ordered_on",
        "sales_order",
        ["customer_id", "ordered_on", "id"],
        unique=False,
    )
    op.create_index("ix_sales_order_ordered_on", "sales_order", ["ordered_on", "id"], unique=False)
    op.create_index(op.f("ix_sales_order_seller_id"), "sales_order", ["seller_id"], unique=False)
    op.create_index(
        "uq_sales_order_number",
        "sales_order",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(collation="C"), nullable=False),
        sa.Column("about", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(collation="C"), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(collation="C"), nullable=True),
        sa.Column("job_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('WAITING', 'DELIVERED', 'FAILED', 'SKIPPED', 'CANCELLED')",
            name=op.f("ck_webhook_delivery_state"),
        ),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhook.id"], name=op.f("fk_webhook_delivery_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_delivery")),
    )
    op.create_index(
        "ix_webhook_delivery_waiting",
        "webhook_delivery",
        ["webhook_id", "about"],
        unique=False,
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_index(
        "ix_webhook_delivery_webhook_id_created_at",
        "webhook_delivery",
        ["webhook_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_webhook_delivery_sequence",
        "webhook_delivery",
        ["webhook_id", "sequence"],
        unique=True,
        postgresql_where=sa.text("sequence IS NOT NULL"),
    )
    op.create_table(
        "bulk_result",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["bulk_operation.id"], name=op.f("fk_bulk_result_operation_id")
        ),
        sa.PrimaryKeyConstraint("operation_id", "line", name=op.f("pk_bulk_result")),
    )
    op.create_table(
        "delivery",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("carrier", sa.Text(collation="C"), nullable=True),
        sa.Column("shipped_on", sa.Date(), nullable=True),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'SHIPPED', 'RECEIVED', 'CANCELLED')", name=op.f("ck_delivery_state")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_delivery_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
    )
    op.create_index(op.f("ix_delivery_order_id"), "delivery", ["order_id"], unique=False)
    op.create_index(
        "uq_delivery_number",
        "delivery",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "follow_up_record",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.Text(collation="C"), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=True),
        sa.Column("content", sa.Text(collation="C"), nullable=True),
        sa.Column("result", sa.Text(collation="C"), nullable=True),
        sa.Column("next_step", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "way IN ('CALL', 'VISIT', 'EMAIL', 'MESSAGE', 'LETTER', 'FAX', 'MEETING', 'ONLINE')",
            name=op.f("ck_follow_up_record_way"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_follow_up_record_contact_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_follow_up_record_customer_id")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_follow_up_record_member_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["follow_up_plan.id"], name=op.f("fk_follow_up_record_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow_up_record")),
    )
    op.create_index(op.f("ix_follow_up_record_contact_id"), "follow_up_record", ["contact_id"], unique=False)
    op.create_index(
        "ix_follow_up_record_customer_id_at", "follow_up_record", ["customer_id", "at", "id"], unique=False
    )
    op.create_index(op.f("ix_follow_up_record_plan_id"), "follow_up_record", ["plan_id"], unique=False)
    op.create_table(
        "import_remark",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(collation="C"), nullable=False),
        sa.Column("cells", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("remarks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["import.id"], name=op.f("fk_import_remark_import_id")),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_remark")),
    )
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("discount", sa.Numeric(precision=18, scale=6), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_order_line_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_order_line_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
    )
    op.create_index(op.f("ix_order_line_product_id"), "order_line", ["product_id"], unique=False)
    op.create_index(
        "uq_order_line_order_id_position",
        "order_line",
        ["order_id", "position"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "service_request",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("about", sa.Text(collation="C"), nullable=True),
        sa.Column("priority", sa.Text(collation="C"), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=False),
        sa.Column("description", sa.Text(collation="C"), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("department_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_answer_minutes", sa.Integer(), nullable=True),
        sa.Column("first_answer_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_answer_on_time", sa.Boolean(), nullable=True),
        sa.Column("solution_minutes", sa.Integer(), nullable=True),
        sa.Column("solution_minutes_at_most", sa.Integer(), nullable=True),
        sa.Column("solution_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("solution_on_time", sa.Boolean(), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_seconds", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(collation="C"), nullable=True),
        sa.Column("reopened_count", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("first_answer_told", sa.Integer(), nullable=False),
        sa.Column("solution_told", sa.Integer(), nullable=False),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("name_sort", sa.Text(collation="C"), nullable=True),
        sa.Column("search_text", sa.Text(collation="C"), nullable=True),
        sa.Column("search_tokens", postgresql.ARRAY(sa.Text(collation="C")), nullable=True),
        sa.CheckConstraint(
            "about IN ('OUR_PRODUCT', 'OTHERS_PRODUCT', 'OTHER')", name=op.f("ck_service_request_about")
        ),
        sa.CheckConstraint(
            "channel IN ('PHONE', 'EMAIL', 'FORM', 'SURVEY', 'API', 'VISIT', 'OTHER')",
            name=op.f("ck_service_request_channel"),
        ),
        sa.CheckConstraint(
            "kind IN ('COMPLAINT', 'REPAIR', 'MAINTENANCE', 'CONSULTATION', 'TECHNICAL_SUPPORT', 'SUGGESTION', 'CRITICISM', 'WISH', 'TRAINING', 'SAMPLE')",
            name=op.f("ck_service_request_kind"),
        ),
        sa.CheckConstraint(
            "priority IN ('LOW', 'NORMAL', 'HIGH', 'URGENT')", name=op.f("ck_service_request_priority")
        ),
        sa.CheckConstraint(
            "state IN ('NEW', 'IN_PROGRESS', 'WAITING', 'SOLVED', 'CLOSED', 'CANCELLED')",
            name=op.f("ck_service_request_state"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_service_request_contact_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_service_request_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_service_request_department_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_service_request_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_service_request_owner_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_service_request_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
    )
    op.create_index("ix_service_request_closed_at", "service_request", ["closed_at", "id"], unique=False)
    op.create_index(op.f("ix_service_request_contact_id"), "service_request", ["contact_id"], unique=False)
    op.create_index(
        "ix_service_request_customer_id_opened_at",
        "service_request",
        ["customer_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_service_request_department_id"), "service_request", ["department_id"], unique=False
    )
    op.create_index(
        "ix_service_request_escalate_at",
        "service_request",
        ["escalate_at", "id"],
        unique=False,
        postgresql_where=sa.text("escalate_at IS NOT NULL"),
    )
    op.create_index(
        "ix_service_request_open_by_owner",
        "service_request",
        ["owner_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('NEW', 'IN_PROGRESS', 'WAITING') AND archived_at IS NULL"),
    )
    op.create_index("ix_service_request_opened_at", "service_request", ["opened_at", "id"], unique=False)
    op.create_index(op.f("ix_service_request_order_id"), "service_request", ["order_id"], unique=False)
    op.create_index(
        "ix_service_request_owner_id_assigned_at",
        "service_request",
        ["owner_id", "assigned_at"],
        unique=False,
    )
    op.create_index(
        "ix_service_request_owner_id_opened_at",
        "service_request",
        ["owner_id", "opened_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_service_request_product_id"), "service_request", ["product_id"], unique=False)
    op.create_index(
        "ix_service_request_search_tokens",
        "service_request",
        ["search_tokens"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_service_request_state_first_answer_due_at",
        "service_request",
        ["state", "first_answer_due_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_service_request_state_solution_due_at",
        "service_request",
        ["state", "solution_due_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_service_request_number",
        "service_request",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "survey_invitation",
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(collation="C"), nullable=True),
        sa.Column("occasion", sa.Text(collation="C"), nullable=True),
        sa.Column("channel", sa.Text(collation="C"), nullable=False),
        sa.Column("recipient", sa.Text(collation="C"), nullable=True),
        sa.Column("language", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("skipped_because", sa.Text(collation="C"), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "channel IN ('EMAIL', 'LINK', 'VISIT')", name=op.f("ck_survey_invitation_channel")
        ),
        sa.CheckConstraint("language IN ('EN', 'ZH_CN')", name=op.f("ck_survey_invitation_language")),
        sa.CheckConstraint(
            "skipped_because IN ('COOLDOWN', 'NO_ADDRESS')", name=op.f("ck_survey_invitation_skipped_because")
        ),
        sa.CheckConstraint(
            "state IN ('PENDING', 'SENT', 'BOUNCED', 'OPENED', 'ANSWERED', 'EXPIRED', 'CANCELLED', 'SKIPPED')",
            name=op.f("ck_survey_invitation_state"),
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_survey_invitation_contact_id")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_survey_invitation_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_survey_invitation_questionnaire_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["questionnaire_version.id"], name=op.f("fk_survey_invitation_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_invitation")),
    )
    op.create_index(
        "ix_survey_invitation_contact_id", "survey_invitation", ["contact_id", "due_at"], unique=False
    )
    op.create_index(
        "ix_survey_invitation_customer_id",
        "survey_invitation",
        ["customer_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_survey_invitation_open",
        "survey_invitation",
        ["expires_at", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('PENDING', 'SENT', 'OPENED')"),
    )
    op.create_index(
        "ix_survey_invitation_questionnaire_id",
        "survey_invitation",
        ["questionnaire_id", "created_at", "id"],
        unique=False,
    )
    op.create_index("ix_survey_invitation_version_id", "survey_invitation", ["version_id"], unique=False)
    op.create_index("uq_survey_invitation_occasion", "survey_invitation", ["occasion"], unique=True)
    op.create_index("uq_survey_invitation_token_hash", "survey_invitation", ["token_hash"], unique=True)
    op.create_table(
        "repair_record",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("serial_number", sa.Text(collation="C"), nullable=True),
        sa.Column("fault", sa.Text(collation="C"), nullable=False),
        sa.Column("work_done", sa.Text(collation="C"), nullable=True),
        sa.Column("parts", sa.Text(collation="C"), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("repaired_on", sa.Date(), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_repair_record_customer_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_repair_record_product_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["service_request.id"], name=op.f("fk_repair_record_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["member.id"], name=op.f("fk_repair_record_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_record")),
    )
    op.create_index(
        "ix_repair_record_customer_id_repaired_on",
        "repair_record",
        ["customer_id", "repaired_on", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_repair_record_product_id"), "repair_record", ["product_id"], unique=False)
    op.create_index(op.f("ix_repair_record_request_id"), "repair_record", ["request_id"], unique=False)
    op.create_index(
        "ix_repair_record_serial_number",
        "repair_record",
        ["serial_number"],
        unique=False,
        postgresql_where=sa.text("serial_number IS NOT NULL"),
    )
    op.create_index(op.f("ix_repair_record_technician_id"), "repair_record", ["technician_id"], unique=False)
    op.create_table(
        "service_note",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("text", sa.Text(collation="C"), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "kind IN ('INTERNAL', 'TO_CUSTOMER', 'FROM_CUSTOMER')", name=op.f("ck_service_note_kind")
        ),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_service_note_member_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["service_request.id"], name=op.f("fk_service_note_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_note")),
    )
    op.create_index("ix_service_note_request_id_at", "service_note", ["request_id", "at", "id"], unique=False)
    op.create_table(
        "survey_answer",
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("questionnaire_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.Text(collation="C"), nullable=False),
        sa.Column("entered_by_id", sa.Uuid(), nullable=True),
        sa.Column("satisfaction", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("nps", sa.Integer(), nullable=True),
        sa.Column("unhappy", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("source IN ('PAGE', 'MEMBER')", name=op.f("ck_survey_answer_source")),
        sa.CheckConstraint("state IN ('STARTED', 'SUBMITTED')", name=op.f("ck_survey_answer_state")),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_survey_answer_contact_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_survey_answer_customer_id")),
        sa.ForeignKeyConstraint(
            ["entered_by_id"], ["member.id"], name=op.f("fk_survey_answer_entered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["survey_invitation.id"], name=op.f("fk_survey_answer_invitation_id")
        ),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_survey_answer_questionnaire_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["service_request.id"], name=op.f("fk_survey_answer_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["questionnaire_version.id"], name=op.f("fk_survey_answer_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
    )
    op.create_index(op.f("ix_survey_answer_contact_id"), "survey_answer", ["contact_id"], unique=False)
    op.create_index(
        "ix_survey_answer_customer_id", "survey_answer", ["customer_id", "started_at", "id"], unique=False
    )
    op.create_index(
        "ix_survey_answer_questionnaire_id",
        "survey_answer",
        ["questionnaire_id", "submitted_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_survey_answer_request_id"), "survey_answer", ["request_id"], unique=False)
    op.create_index("ix_survey_answer_version_id", "survey_answer", ["version_id"], unique=False)
    op.create_index("uq_survey_answer_invitation_id", "survey_answer", ["invitation_id"], unique=True)
    op.create_table(
        "survey_item_answer",
        sa.Column("answer_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.Text(collation="C"), nullable=True),
        sa.Column("number", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("choice", sa.Text(collation="C"), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("text", sa.Text(collation="C"), nullable=True),
        sa.Column("comment", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "level IN ('VERY_SATISFIED', 'FAIRLY_SATISFIED', 'BASICALLY_SATISFIED', 'NOT_VERY_SATISFIED', 'NOT_SATISFIED')",
            name=op.f("ck_survey_item_answer_level"),
        ),
        sa.ForeignKeyConstraint(
            ["answer_id"], ["survey_answer.id"], name=op.f("fk_survey_item_answer_answer_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["survey_item.id"], name=op.f("fk_survey_item_answer_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_item_answer")),
    )
    op.create_index(op.f("ix_survey_item_answer_item_id"), "survey_item_answer", ["item_id"], unique=False)
    op.create_index(
        "uq_survey_item_answer_answer_id_item_id", "survey_item_answer", ["answer_id", "item_id"], unique=True
    )
