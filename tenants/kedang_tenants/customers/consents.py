"""What contacts have said about being written to: consents and opt-outs by channel and purpose (T9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    FlagKind,
    InstantKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Contact
from kedang_tenants.people.models import Member

EMAIL, PHONE, SMS, POST, WECHAT = "EMAIL", "PHONE", "SMS", "POST", "WECHAT"
SURVEY, CARE, CAMPAIGN, SERVICE = "SURVEY", "CARE", "CAMPAIGN", "SERVICE"
GIVEN, OPTED_OUT = "GIVEN", "OPTED_OUT"
CONVERSATION, UNSUBSCRIBE_LINK = "CONVERSATION", "UNSUBSCRIBE_LINK"

CHANNELS: Final = (
    Option(EMAIL, msg("E-mail")),
    Option(PHONE, msg("Phone")),
    Option(SMS, msg("Text message")),
    Option(POST, msg("Letter")),
    Option(WECHAT, msg("WeChat")),
)
PURPOSES: Final = (
    Option(SURVEY, msg("Surveys")),
    Option(CARE, msg("Greetings and care")),
    Option(CAMPAIGN, msg("Campaigns")),
    Option(SERVICE, msg("Service")),
)
DECISIONS: Final = (Option(GIVEN, msg("Consents")), Option(OPTED_OUT, msg("Opted out")))
SOURCES: Final = (
    Option(CONVERSATION, msg("Conversation")),
    Option("FORM", msg("Form")),
    Option("LETTER", msg("Letter")),
    Option("MAIL", msg("E-mail")),
    Option("FILE", msg("Taken over from a file")),
    Option(UNSUBSCRIBE_LINK, msg("Link in a mail")),
)


@dataclass(frozen=True, slots=True)
class AddressKind(TextKind):
    """An e-mail address, in small letters as everywhere, or a number or postal address as it is written."""

    max_length: int = 254

    def form(self, text: str) -> str:
        return text.lower() if "@" in text else text


class ContactConsent(Record):
    """One statement: a contact, or whoever has an address, consents or wants no more.

    It stands until it is archived, which is how it is withdrawn; an opt-out that stands wins over
    every consent. For an address of e-mail it counts for all contacts who have it.
    """

    __tablename__ = "contact_consent"
    __prefix__ = "cco"
    __labels__ = (msg("Consent"), msg("Consents"))
    __owner__ = ("contact", "customer", "owner_id")
    __key__ = ("address", "channel", "purpose", "decision")
    __order__ = ("created_at",)
    __actions__ = frozenset({"create", "archive"})

    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"),
        label=msg("Contact"),
        references="contact.id",
        create_only=True,
        index=True,
        description="Empty for an address that no contact has",
    )
    address: Mapped[str | None] = field(
        AddressKind(),
        label=msg("Address or number"),
        create_only=True,
        sensitivity="phone",
        description="What it was said for; the contact's e-mail address, if nothing is said",
    )
    address_hash: Mapped[str | None] = field(TextKind(32), label=msg("Address or number"), hidden=True)
    channel: Mapped[str] = field(
        ChoiceKind(CHANNELS), label=msg("Channel"), required=True, create_only=True, name_level=True
    )
    purpose: Mapped[str] = field(
        ChoiceKind(PURPOSES), label=msg("Purpose"), required=True, create_only=True, name_level=True
    )
    decision: Mapped[str] = field(
        ChoiceKind(DECISIONS), label=msg("Decision"), required=True, create_only=True, name_level=True
    )
    decided_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Said at"),
        create_only=True,
        description="When it was said; now, if nothing is said",
    )
    source: Mapped[str] = field(
        ChoiceKind(SOURCES), label=msg("Source"), required=True, default=CONVERSATION, create_only=True
    )
    evidence: Mapped[str | None] = field(
        TextKind(2000, multiline=True),
        label=msg("Evidence"),
        create_only=True,
        sort=False,
        description="What shows that it was said, such as the words of a letter",
    )
    recorded_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Recorded by"),
        references="member.id",
        read_only=True,
        description="Empty where the contact did it by a link",
    )

    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="ContactConsent.contact_id"
    )
    recorded_by: Mapped[Member | None] = relation(
        "Member", label=msg("Recorded by"), foreign_key="ContactConsent.recorded_by_id"
    )

    __table_args__ = (
        Index(
            "ix_contact_consent_address_hash",
            "address_hash",
            postgresql_where=text("archived_at IS NULL"),
        ),
    )


class ConsentRule(Record):
    """Whether the company needs somebody's consent before it uses a channel for a purpose, or only honours opt-outs."""

    __tablename__ = "consent_rule"
    __prefix__ = "cor"
    __labels__ = (msg("Rule of consent"), msg("Rules of consent"))
    __key__ = ("channel", "purpose")
    __order__ = ("channel", "purpose")

    channel: Mapped[str] = field(
        ChoiceKind(CHANNELS), label=msg("Channel"), required=True, create_only=True, name_level=True
    )
    purpose: Mapped[str] = field(
        ChoiceKind(PURPOSES), label=msg("Purpose"), required=True, create_only=True, name_level=True
    )
    consent_first: Mapped[bool] = field(
        FlagKind(),
        label=msg("Consent is needed first"),
        required=True,
        name_level=True,
        description="Without a rule campaigns need consent first; for the rest opt-outs are honoured",
    )


unique_among_living(ConsentRule, ("channel", "purpose"))

contribute(
    Contact,
    "consents",
    relation("ContactConsent", label=msg("Consents"), foreign_key="ContactConsent.contact_id"),
)
