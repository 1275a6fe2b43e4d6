"""Contracts, owned products, meetings, the verification cycle, and the notices of meetings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

_ORIGINS = "origin IN ('CYCLE', 'MANUAL', 'MAINTENANCE')"
_NOTICE_KINDS = (
    "kind IN ('FOLLOW_UPS_DUE', 'SEATS_CONFIRMED', 'SUBSCRIPTION', 'REQUEST_ASSIGNED', 'REQUEST_OVERDUE', "
    "'REQUEST_ANSWERED_BY_CUSTOMER', 'UNHAPPY_ANSWER', 'REPORT_READY', 'REPORT_FAILED', 'WEBHOOK_DISABLED', "
    "'APPROVAL_WAITING', 'APPROVAL_DECIDED', 'HANDOVER', 'OVERDUE_ESCALATED', 'CALENDAR_MISSING', "
    "'MAIL_UNDELIVERABLE', 'MINUTES_WAITING', 'MEETING')"
)


def upgrade() -> None:
    op.create_table(
        "verification_cycle",
        sa.Column("grade_level_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(collation="C"), nullable=True),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "state IN ('PROSPECTIVE', 'CURRENT', 'PAST')", name=op.f("ck_verification_cycle_state")
        ),
        sa.ForeignKeyConstraint(
            ["grade_level_id"], ["grade_level.id"], name=op.f("fk_verification_cycle_grade_level_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_cycle")),
    )
    op.create_table(
        "meeting",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("organiser_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.Text(collation="C"), nullable=False),
        sa.Column("way", sa.Text(collation="C"), nullable=False),
        sa.Column("aim", sa.Text(collation="C"), nullable=True),
        sa.Column("agenda", sa.Text(collation="C"), nullable=True),
        sa.Column("information_needed", sa.Text(collation="C"), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("place", sa.Text(collation="C"), nullable=True),
        sa.Column("agenda_sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("minutes", sa.Text(collation="C"), nullable=True),
        sa.Column("decisions", sa.Text(collation="C"), nullable=True),
        sa.Column("minutes_due_on", sa.Date(), nullable=True),
        sa.Column("minutes_state", sa.Text(collation="C"), nullable=False),
        sa.Column("minutes_by_id", sa.Uuid(), nullable=True),
        sa.Column("minutes_written_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by_id", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("review_remark", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint(
            "minutes_state IN ('NONE', 'WRITTEN', 'REVIEWED', 'RETURNED')",
            name=op.f("ck_meeting_minutes_state"),
        ),
        sa.CheckConstraint("way IN ('FACE_TO_FACE', 'ONLINE', 'TELEPHONE')", name=op.f("ck_meeting_way")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_meeting_customer_id")),
        sa.ForeignKeyConstraint(["minutes_by_id"], ["member.id"], name=op.f("fk_meeting_minutes_by_id")),
        sa.ForeignKeyConstraint(["organiser_id"], ["member.id"], name=op.f("fk_meeting_organiser_id")),
        sa.ForeignKeyConstraint(["reviewed_by_id"], ["member.id"], name=op.f("fk_meeting_reviewed_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
    )
    op.create_index(
        "ix_meeting_customer_id_starts_at", "meeting", ["customer_id", "starts_at", "id"], unique=False
    )
    op.create_index(
        "ix_meeting_minutes_due",
        "meeting",
        ["minutes_due_on", "id"],
        unique=False,
        postgresql_where=sa.text("minutes_state IN ('NONE', 'RETURNED') AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_meeting_minutes_written",
        "meeting",
        ["minutes_written_at", "id"],
        unique=False,
        postgresql_where=sa.text("minutes_state = 'WRITTEN' AND archived_at IS NULL"),
    )
    op.create_index(
        "ix_meeting_organiser_id_starts_at", "meeting", ["organiser_id", "starts_at", "id"], unique=False
    )
    op.create_index("ix_meeting_starts_at", "meeting", ["starts_at", "id"], unique=False)
    op.create_table(
        "contract",
        sa.Column("number", sa.Text(collation="C"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.Text(collation="C"), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("notice_days", sa.Integer(), nullable=True),
        sa.Column("notice_on", sa.Date(), nullable=True),
        sa.Column("terminated_on", sa.Date(), nullable=True),
        sa.Column("termination_reason", sa.Text(collation="C"), nullable=True),
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
            "kind IN ('SALES', 'SUPPLY', 'FRAMEWORK', 'QUALITY', 'SERVICE', 'MAINTENANCE', 'AGENCY', 'LEASE', 'CONFIDENTIALITY', 'OTHER')",
            name=op.f("ck_contract_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'IN_FORCE', 'ENDED', 'TERMINATED')", name=op.f("ck_contract_state")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_contract_customer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_contract_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_contract_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract")),
    )
    op.create_index(
        "ix_contract_customer_id_starts_on", "contract", ["customer_id", "starts_on", "id"], unique=False
    )
    op.create_index("ix_contract_ends_on", "contract", ["ends_on", "id"], unique=False)
    op.create_index(
        "ix_contract_notice_due",
        "contract",
        ["notice_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'IN_FORCE' AND archived_at IS NULL"),
    )
    op.create_index(op.f("ix_contract_order_id"), "contract", ["order_id"], unique=False)
    op.create_index("ix_contract_owner_id", "contract", ["owner_id"], unique=False)
    op.create_index(
        "ix_contract_search_tokens", "contract", ["search_tokens"], unique=False, postgresql_using="gin"
    )
    op.create_index(
        "uq_contract_number",
        "contract",
        ["number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "meeting_action",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.Text(collation="C"), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("result", sa.Text(collation="C"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_meeting_action_meeting_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_meeting_action_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_action")),
    )
    op.create_index(op.f("ix_meeting_action_meeting_id"), "meeting_action", ["meeting_id"], unique=False)
    op.create_index(
        "ix_meeting_action_open",
        "meeting_action",
        ["owner_id", "due_on", "id"],
        unique=False,
        postgresql_where=sa.text("done_on IS NULL AND archived_at IS NULL"),
    )
    op.create_table(
        "meeting_attendee",
        sa.Column("meeting_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("contact_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(collation="C"), nullable=True),
        sa.Column("attended", sa.Boolean(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("custom", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_meeting_attendee_contact_id")),
        sa.ForeignKeyConstraint(["meeting_id"], ["meeting.id"], name=op.f("fk_meeting_attendee_meeting_id")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_meeting_attendee_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_attendee")),
    )
    op.create_index(op.f("ix_meeting_attendee_contact_id"), "meeting_attendee", ["contact_id"], unique=False)
    op.create_index("ix_meeting_attendee_meeting_id", "meeting_attendee", ["meeting_id", "id"], unique=False)
    op.create_index(op.f("ix_meeting_attendee_member_id"), "meeting_attendee", ["member_id"], unique=False)
    op.create_index(
        "uq_meeting_attendee_meeting_id_contact_id",
        "meeting_attendee",
        ["meeting_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_meeting_attendee_meeting_id_member_id",
        "meeting_attendee",
        ["meeting_id", "member_id"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "owned_product",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("model", sa.Text(collation="C"), nullable=True),
        sa.Column("serial_number", sa.Text(collation="C"), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("bought_on", sa.Date(), nullable=True),
        sa.Column("installed_on", sa.Date(), nullable=True),
        sa.Column("place", sa.Text(collation="C"), nullable=True),
        sa.Column("warranty_until", sa.Date(), nullable=True),
        sa.Column("retired_on", sa.Date(), nullable=True),
        sa.Column("maintenance_months", sa.Integer(), nullable=True),
        sa.Column("maintenance_from", sa.Date(), nullable=True),
        sa.Column("maintenance_counts", sa.Integer(), nullable=True),
        sa.Column("counter", sa.Integer(), nullable=True),
        sa.Column("counter_read_on", sa.Date(), nullable=True),
        sa.Column("last_serviced_on", sa.Date(), nullable=True),
        sa.Column("last_serviced_at_counter", sa.Integer(), nullable=True),
        sa.Column("maintenance_due_on", sa.Date(), nullable=True),
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
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_owned_product_customer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["sales_order.id"], name=op.f("fk_owned_product_order_id")),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_owned_product_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owned_product")),
    )
    op.create_index(
        "ix_owned_product_customer_id_installed_on",
        "owned_product",
        ["customer_id", "installed_on", "id"],
        unique=False,
    )
    op.create_index(
        "ix_owned_product_maintenance_due_on",
        "owned_product",
        ["maintenance_due_on", "id"],
        unique=False,
        postgresql_where=sa.text("maintenance_due_on IS NOT NULL AND archived_at IS NULL"),
    )
    op.create_index(op.f("ix_owned_product_order_id"), "owned_product", ["order_id"], unique=False)
    op.create_index("ix_owned_product_product_id", "owned_product", ["product_id"], unique=False)
    op.create_index(
        "ix_owned_product_search_tokens",
        "owned_product",
        ["search_tokens"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_owned_product_warranty_until",
        "owned_product",
        ["warranty_until", "id"],
        unique=False,
        postgresql_where=sa.text("warranty_until IS NOT NULL AND archived_at IS NULL"),
    )
    op.create_index(
        "uq_owned_product_product_id_serial_number",
        "owned_product",
        ["product_id", "serial_number"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.add_column("customer", sa.Column("verified_on", sa.Date(), nullable=True))
    op.add_column("customer", sa.Column("verify_by", sa.Date(), nullable=True))
    op.create_index(
        "ix_customer_verify_by",
        "customer",
        ["verify_by", "id"],
        unique=False,
        postgresql_where=sa.text("verify_by IS NOT NULL"),
    )
    op.add_column("follow_up_plan", sa.Column("owned_product_id", sa.Uuid(), nullable=True))
    op.add_column("follow_up_plan", sa.Column("maintenance_on", sa.Date(), nullable=True))
    op.create_index(
        "uq_follow_up_plan_maintenance",
        "follow_up_plan",
        ["owned_product_id", "maintenance_on"],
        unique=True,
        postgresql_where=sa.text("maintenance_on IS NOT NULL"),
    )
    op.add_column("repair_record", sa.Column("owned_product_id", sa.Uuid(), nullable=True))
    op.add_column(
        "repair_record", sa.Column("maintained", sa.Boolean(), server_default=sa.text("true"), nullable=False)
    )
    op.add_column("repair_record", sa.Column("counter", sa.Integer(), nullable=True))
    op.create_index(
        "ix_repair_record_owned_product_id",
        "repair_record",
        ["owned_product_id", "repaired_on"],
        unique=False,
        postgresql_where=sa.text("owned_product_id IS NOT NULL"),
    )
    op.add_column("service_request", sa.Column("owned_product_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_service_request_owned_product_id",
        "service_request",
        ["owned_product_id"],
        unique=False,
        postgresql_where=sa.text("owned_product_id IS NOT NULL"),
    )
    for table in ("follow_up_plan", "repair_record", "service_request"):
        op.create_foreign_key(
            op.f(f"fk_{table}_owned_product_id"),
            table,
            "owned_product",
            ["owned_product_id"],
            ["id"],
            postgresql_not_valid=True,
        )
    _widen("follow_up_plan", "ck_follow_up_plan_origin", _ORIGINS)
    _widen("notice", "ck_notice_kind", _NOTICE_KINDS)
    _widen("notice_preference", "ck_notice_preference_kind", _NOTICE_KINDS)


def _widen(table: str, constraint: str, condition: str) -> None:
    """Every row fits the narrower condition that goes; the next revision lets the database see that for itself."""
    op.drop_constraint(op.f(constraint), table, type_="check")
    op.create_check_constraint(op.f(constraint), table, condition, postgresql_not_valid=True)
