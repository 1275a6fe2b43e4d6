"""Receipts of minutes (F4): which people of the customer got them, and whether they confirmed them or objected."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DocumentKind,
    EmailKind,
    InstantKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Contact
from kedang_tenants.followups.meetings import Meeting
from kedang_tenants.people.models import Member

WAITING, CONFIRMED, OBJECTED = "WAITING", "CONFIRMED", "OBJECTED"
SETTLED, SUPERSEDED, UNDELIVERED = "SETTLED", "SUPERSEDED", "UNDELIVERED"
RECEIPT_STATES: Final = (
    Option(WAITING, msg("Waits for the customer")),
    Option(CONFIRMED, msg("Confirmed")),
    Option(OBJECTED, msg("Objected")),
    Option(SETTLED, msg("Objection settled")),
    Option(SUPERSEDED, msg("Replaced by mended minutes")),
    Option(UNDELIVERED, msg("Did not arrive")),
)
LANGUAGES: Final = (Option("EN", "English"), Option("ZH_CN", "简体中文"))


class MinutesReceipt(Record):
    """The minutes of a meeting as one person of the customer got them, by a link of their own.

    ``content`` is what they were sent, and so what they confirmed. Of the link only the hash of its token is kept.
    """

    __tablename__ = "minutes_receipt"
    __prefix__ = "mrc"
    __labels__ = (msg("Receipt of minutes"), msg("Receipts of minutes"))
    __owner__ = ("meeting", "organiser_id")
    __co_owners__ = (("meeting", "customer", "owner_id"), ("meeting", "attendees", "member_id"))
    __order__ = ("created_at",)
    __actions__ = frozenset()

    meeting_id: Mapped[UUID] = field(
        ReferenceKind("meeting"),
        label=msg("Meeting"),
        required=True,
        references="meeting.id",
        read_only=True,
    )
    contact_id: Mapped[UUID] = field(
        ReferenceKind("contact"),
        label=msg("Contact"),
        required=True,
        references="contact.id",
        read_only=True,
        index=True,
    )
    recipient: Mapped[str | None] = field(
        EmailKind(), label=msg("Sent to"), read_only=True, sensitivity="phone"
    )
    language: Mapped[str] = field(
        ChoiceKind(LANGUAGES), label=msg("Language"), required=True, default="EN", read_only=True
    )
    state: Mapped[str] = field(
        ChoiceKind(RECEIPT_STATES), label=msg("State"), required=True, default=WAITING, read_only=True
    )
    content: Mapped[dict[str, object]] = field(
        DocumentKind(),
        label=msg("As it was sent"),
        required=True,
        read_only=True,
        exported=False,
        description="The minutes, decisions and actions that this person got",
    )
    expires_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Expires at"), required=True, read_only=True
    )
    answered_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Answered at"), read_only=True)
    objection: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Objection"), read_only=True, sort=False
    )
    settled_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Settled by"), references="member.id", read_only=True
    )
    settled_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Settled at"), read_only=True)
    settlement: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("How it was settled"), read_only=True, sort=False
    )
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)

    meeting: Mapped[Meeting] = relation(
        "Meeting", label=msg("Meeting"), foreign_key="MinutesReceipt.meeting_id"
    )
    contact: Mapped[Contact] = relation(
        "Contact", label=msg("Contact"), foreign_key="MinutesReceipt.contact_id"
    )
    settled_by: Mapped[Member | None] = relation(
        "Member", label=msg("Settled by"), foreign_key="MinutesReceipt.settled_by_id"
    )

    __table_args__ = (
        Index("uq_minutes_receipt_token_hash", "token_hash", unique=True),
        Index("ix_minutes_receipt_meeting_id", "meeting_id", "created_at", "id"),
        Index(
            "ix_minutes_receipt_objected",
            "answered_at",
            "id",
            postgresql_where=text("state = 'OBJECTED' AND archived_at IS NULL"),
        ),
    )


contribute(
    Meeting,
    "receipts",
    relation("MinutesReceipt", label=msg("Receipts of minutes"), foreign_key="MinutesReceipt.meeting_id"),
)
