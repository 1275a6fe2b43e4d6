"""Notices (提醒): what the product tells a member, kept in their inbox (T10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DocumentKind,
    InstantKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.people.models import Member

FOLLOW_UPS_DUE = "FOLLOW_UPS_DUE"
SEATS_CONFIRMED = "SEATS_CONFIRMED"


class Notice(Record):
    """One notice to one member. ``occasion`` names the event, so that nobody is told twice of one."""

    __tablename__ = "notice"
    __prefix__ = "not"
    __labels__ = (msg("Notice"), msg("Notices"))
    __owner__ = ("member_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()

    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    kind: Mapped[str] = field(
        ChoiceKind(
            (
                Option(FOLLOW_UPS_DUE, msg("Follow-ups are due")),
                Option(SEATS_CONFIRMED, msg("Seats were paid")),
            )
        ),
        label=msg("Kind"),
        required=True,
        read_only=True,
    )
    title: Mapped[dict[str, str]] = field(
        LocalisedKind(300), label=msg("Title"), required=True, read_only=True
    )
    body: Mapped[dict[str, str]] = field(
        LocalisedKind(20_000, multiline=True),
        label=msg("Body"),
        required=True,
        read_only=True,
        exported=False,
    )
    details: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Details"), read_only=True, exported=False
    )
    read_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Read at"), read_only=True)
    occasion: Mapped[str] = field(TextKind(100), label=msg("Occasion"), required=True, hidden=True)

    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="Notice.member_id")

    __table_args__ = (Index("ix_notice_member_id_created_at", "member_id", "created_at", "id"),)


unique_among_living(Notice, ("member_id", "occasion"))
