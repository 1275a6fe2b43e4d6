"""Webhooks: what other systems are told by themselves, and the log of every telling (I1)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
)
from kedang_tenants.people.models import Member

_DONE: Final = ("created", "updated", "archived", "restored")
_RECORDS: Final = (
    "customer",
    "contact",
    "product",
    "order",
    "order_line",
    "delivery",
    "follow_up_plan",
    "follow_up_record",
    "service_request",
    "service_note",
    "repair_record",
    "survey_invitation",
    "contract",
    "demand",
    "quotation",
    "invoice",
    "payment",
    "owned_product",
    "meeting",
    "meeting_action",
)
NOTICE: Final = "notice.created"
_BESIDES: Final = (
    NOTICE,
    "customer.graded",
    "customer.verified",
    "service_request.closed",
    "survey_answer.submitted",
)
TEST: Final = "webhook.test"
EVENTS: Final = (*(f"{record}.{done}" for record in _RECORDS for done in _DONE), *_BESIDES)
"""What a webhook can be told of, by the names of the audit trail."""


def code_of(event: str) -> str:
    """``customer.created`` as the choice has it: ``CUSTOMER_CREATED``."""
    return event.replace(".", "_").upper()


_RECORD_OF: Final = {code_of(event): event.partition(".")[0] for event in EVENTS}
TOLD_RECORDS: Final = tuple(dict.fromkeys(_RECORD_OF.values()))
"""The kinds of record that events are of."""


def record_of(code: str) -> str:
    """The kind of record that an event is of: ``CUSTOMER_CREATED`` is of a ``customer``."""
    return _RECORD_OF[code]


GONE, FAILING, OWNER_LEFT, UNANSWERABLE = "GONE", "FAILING", "OWNER_LEFT", "UNANSWERABLE"
REASONS: Final = (
    Option(GONE, msg("The receiver said that it is gone (410)")),
    Option(FAILING, msg("The receiver failed for days")),
    Option(OWNER_LEFT, msg("Its owner is no longer an active member")),
    Option(UNANSWERABLE, msg("Its query can no longer be answered")),
)

WAITING, DELIVERED, FAILED, SKIPPED, CANCELLED = "WAITING", "DELIVERED", "FAILED", "SKIPPED", "CANCELLED"
STATES: Final = (
    Option(WAITING, msg("On its way")),
    Option(DELIVERED, msg("Delivered")),
    Option(FAILED, msg("Failed")),
    Option(SKIPPED, msg("Not for its owner to see")),
    Option(CANCELLED, msg("Called off")),
)


LONGEST_QUERY: Final = 20_000
"""Characters of a query."""


class Webhook(Record):
    """An address that is told of events, with the rights of its owner; signed as Standard Webhooks says.

    Its secret is stored nowhere: it is worked out from the installation's own and ``secret_number``.
    ``question`` is what the gateway made of ``query`` (``webhooks.questions``).
    """

    __tablename__ = "webhook"
    __prefix__ = "whk"
    __labels__ = (msg("Webhook"), msg("Webhooks"))
    __owner__ = ("owner_id",)
    __order__ = ("name",)
    __actions__ = frozenset({"archive", "restore"})

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True)
    url: Mapped[str] = field(TextKind(2000), label=msg("Address"), required=True)
    events: Mapped[list[str]] = field(
        ChoicesKind(tuple(Option(code_of(event), event) for event in EVENTS)),
        label=msg("Events"),
        required=True,
    )
    query: Mapped[str | None] = field(
        TextKind(LONGEST_QUERY, multiline=True),
        label=msg("Query"),
        filter=False,
        sort=False,
        description="Its answer for the record of the event is told as data.payload",
    )
    owner_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Owner"),
        required=True,
        references="member.id",
        index=True,
        read_only=True,
        description="What this member may see is what the receiver is told",
    )
    active: Mapped[bool] = field(FlagKind(), label=msg("Active"), required=True, default=True)
    disabled_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Switched off at"),
        read_only=True,
        description="When the product switched it off by itself",
    )
    disabled_reason: Mapped[str | None] = field(
        ChoiceKind(REASONS), label=msg("Why it was switched off"), read_only=True
    )
    rotated_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Secret changed at"),
        read_only=True,
        description="For a day from then on everything is signed with the secret before it as well",
    )
    secret_number: Mapped[int] = field(
        IntegerKind(1), label=msg("Number of the secret"), required=True, default=1, hidden=True
    )
    failures: Mapped[int] = field(
        IntegerKind(0), label=msg("Failures in a row"), required=True, default=0, hidden=True
    )

    question: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    owner: Mapped[Member] = relation("Member", label=msg("Owner"), foreign_key="Webhook.owner_id")
    deliveries: Mapped[list[WebhookDelivery]] = relation(
        "WebhookDelivery", label=msg("Deliveries"), foreign_key="WebhookDelivery.webhook_id"
    )


class WebhookDelivery(Record):
    """One event on its way to one webhook, or what became of it. A log: it is not audited itself.

    Its id is the ``webhook-id`` of every try, so that a receiver knows what it has had already.
    """

    __tablename__ = "webhook_delivery"
    __prefix__ = "whd"
    __labels__ = (msg("Delivery of a webhook"), msg("Deliveries of webhooks"))
    __plural__ = "webhookDeliveries"
    __owner__ = ("webhook", "owner_id")
    __order__ = ("created_at",)
    __actions__ = frozenset()

    webhook_id: Mapped[UUID] = field(
        ReferenceKind("webhook"), label=msg("Webhook"), required=True, references="webhook.id", read_only=True
    )
    event: Mapped[str] = field(TextKind(100), label=msg("Event"), required=True, read_only=True)
    about: Mapped[str] = field(
        TextKind(40),
        label=msg("About"),
        required=True,
        read_only=True,
        description="The id of the record that the event is of",
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    attempts: Mapped[int] = field(
        IntegerKind(0), label=msg("Tries"), required=True, default=0, read_only=True
    )
    next_try_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Next try at"), read_only=True)
    last_try_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Last try at"), read_only=True)
    response_status: Mapped[int | None] = field(
        IntegerKind(0), label=msg("Status of the answer"), read_only=True
    )
    error_code: Mapped[str | None] = field(
        TextKind(50), label=msg("Error code"), read_only=True, description="Why there was no answer"
    )
    duration_ms: Mapped[int | None] = field(
        IntegerKind(0), label=msg("Duration in milliseconds"), read_only=True
    )

    webhook: Mapped[Webhook] = relation(
        "Webhook", label=msg("Webhook"), foreign_key="WebhookDelivery.webhook_id"
    )

    sequence: Mapped[int | None] = mapped_column(BigInteger)
    body: Mapped[str | None] = mapped_column(Text(collation="C"))
    job_id: Mapped[UUID | None] = mapped_column(Uuid)

    __table_args__ = (
        # However often the job of a transaction's events is run, each webhook has one delivery of each.
        Index(
            "uq_webhook_delivery_sequence",
            "webhook_id",
            "sequence",
            unique=True,
            postgresql_where=text("sequence IS NOT NULL"),
        ),
        Index("ix_webhook_delivery_webhook_id_created_at", "webhook_id", "created_at", "id"),
        Index(
            "ix_webhook_delivery_waiting", "webhook_id", "about", postgresql_where=text("state = 'WAITING'")
        ),
    )
