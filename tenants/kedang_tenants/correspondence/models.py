"""What a company knows about writing to people: who writes, in which words, what was sent, where nothing arrives."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import DateTime, Index, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    Base,
    ChoiceKind,
    EmailKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.people.models import Member

HARD_BOUNCE, SOFT_BOUNCES, COMPLAINT, BY_HAND = "HARD_BOUNCE", "SOFT_BOUNCES", "COMPLAINT", "BY_HAND"
REASONS: Final = (
    Option(HARD_BOUNCE, msg("Mails to it came back for good")),
    Option(SOFT_BOUNCES, msg("Mails to it came back again and again")),
    Option(COMPLAINT, msg("Its reader reported a mail as unwanted")),
    Option(BY_HAND, msg("Put here by hand")),
)
MAIL_LANGUAGES: Final = (Option("ZH_CN", msg("Chinese")), Option("EN", msg("English")))


class MailSuppression(Record):
    """An address that the company sends no mails to: because they came back, or because somebody put it here.

    It stands until it is archived, which lifts it. Mails of one's account (passwords, signing in) are sent all the same.
    """

    __tablename__ = "mail_suppression"
    __prefix__ = "sup"
    __labels__ = (msg("Suppressed address"), msg("Suppressed addresses"))
    __key__ = ("address",)
    __order__ = ("created_at",)
    __actions__ = frozenset({"create", "archive"})

    address: Mapped[str] = field(
        EmailKind(), label=msg("Address"), required=True, create_only=True, sensitivity="phone"
    )
    address_hash: Mapped[str | None] = field(TextKind(32), label=msg("Address"), hidden=True)
    reason: Mapped[str] = field(
        ChoiceKind(REASONS),
        label=msg("Reason"),
        required=True,
        default=BY_HAND,
        read_only=True,
        name_level=True,
    )
    said: Mapped[str | None] = field(
        TextKind(500),
        label=msg("Said by the mail server"),
        description=msg("What the other side gave as the reason, such as 5.1.1 user unknown."),
        read_only=True,
        sort=False,
        sensitivity="phone",
    )
    note: Mapped[str | None] = field(TextKind(500), label=msg("Note"), create_only=True, sort=False)
    put_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Put here by"),
        references="member.id",
        read_only=True,
        description=msg("Empty where a mail that came back did it."),
    )

    put_by: Mapped[Member | None] = relation(
        "Member", label=msg("Put here by"), foreign_key="MailSuppression.put_by_id"
    )


unique_among_living(MailSuppression, ("address_hash",))


class MailIdentity(Record):
    """Who the company's mails come from: its name, where answers go, what stands below them. One a company."""

    __tablename__ = "mail_identity"
    __prefix__ = "mid"
    __labels__ = (msg("Sender of mails"), msg("Senders of mails"))
    __plural__ = "mailIdentities"
    __actions__ = frozenset()

    # One row a company: its value is the same in each.
    only: Mapped[str] = field(
        TextKind(4), label=msg("Sender of mails"), required=True, default="mail", unique=True, hidden=True
    )
    display_name: Mapped[str | None] = field(
        TextKind(100),
        label=msg("Sender's name"),
        description=msg("What stands as the sender; the company's name, if nothing is said."),
        read_only=True,
    )
    reply_to: Mapped[str | None] = field(EmailKind(), label=msg("Answers go to"), read_only=True)
    postal_address: Mapped[str | None] = field(
        TextKind(300, multiline=True),
        label=msg("Postal address"),
        description=msg("Stands below each mail with the company's name."),
        read_only=True,
        sort=False,
    )
    from_address: Mapped[str | None] = field(
        EmailKind(),
        label=msg("Sender's address"),
        description=msg("An address of one's own, in a domain that the operator has allowed the company."),
        read_only=True,
    )


class MailTemplate(Record):
    """The company's own words for a kind of mail in one language; without it the product's words are used.

    One paragraph a line; ``{link}`` alone on a line is where the button stands.
    """

    __tablename__ = "mail_template"
    __prefix__ = "mtp"
    __labels__ = (msg("Mail template"), msg("Mail templates"))
    __key__ = ("kind", "language")
    __order__ = ("kind", "language")
    __actions__ = frozenset({"create", "update", "archive"})

    kind: Mapped[str] = field(
        TextKind(60),
        label=msg("Kind of mail"),
        description=msg("Such as survey.invitation; see mailTemplateKinds."),
        required=True,
        create_only=True,
        name_level=True,
    )
    language: Mapped[str] = field(
        ChoiceKind(MAIL_LANGUAGES), label=msg("Language"), required=True, create_only=True, name_level=True
    )
    # The lengths are checked against what a template may have, with errors of its own.
    subject: Mapped[str] = field(TextKind(1000), label=msg("Subject"), required=True, sort=False)
    body: Mapped[str] = field(TextKind(20_000, multiline=True), label=msg("Text"), required=True, sort=False)
    button: Mapped[str | None] = field(
        TextKind(200),
        label=msg("Words on the button"),
        description=msg("The product's words, if nothing is said."),
        sort=False,
    )


unique_among_living(MailTemplate, ("kind", "language"))


class MailSending(Base):
    """One mail that was or will be sent to somebody: what the frequency cap counts. ``key`` is the mail's."""

    __tablename__ = "mail_sending"

    key: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(Text(collation="C"))
    contact_id: Mapped[UUID | None] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text(collation="C"))
    time_zone: Mapped[str] = mapped_column(Text(collation="C"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)

    __table_args__ = (
        Index("ix_mail_sending_address_hash_at", "address_hash", "at"),
        Index(
            "ix_mail_sending_contact_id_at",
            "contact_id",
            "at",
            postgresql_where=text("contact_id IS NOT NULL"),
        ),
    )


class MailBounce(Base):
    """One thing that was reported about a mail: HARD, SOFT, DELAYED or COMPLAINT, with what the other side said."""

    __tablename__ = "mail_bounce"

    mail_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    report: Mapped[str] = mapped_column(Text(collation="C"), primary_key=True)
    address_hash: Mapped[str] = mapped_column(Text(collation="C"))
    said: Mapped[str] = mapped_column(Text(collation="C"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)

    __table_args__ = (Index("ix_mail_bounce_address_hash_at", "address_hash", "at"),)
