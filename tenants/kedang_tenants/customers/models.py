"""The customer archive: customers, the people there, and tags (A1-A5)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    ColourKind,
    CountryKind,
    DayKind,
    EmailKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    Option,
    PhoneKind,
    Record,
    ReferenceKind,
    Searchable,
    TextKind,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.people.models import Member

DIRECTORIES = (
    Option("COMPANY", msg("Company")),
    Option("GOVERNMENT", msg("Government agency")),
    Option("SPECIAL", msg("Special enterprise")),
    Option("INDIVIDUAL", msg("Individual")),
    Option("PARTNER", msg("Business partner")),
)
CUSTOMER_ROLES = (
    Option("BUYER", msg("Buyer")),
    Option("SUPPLIER", msg("Supplier")),
    Option("DEALER", msg("Dealer")),
    Option("LAW_FIRM", msg("Law firm")),
    Option("FINANCIAL_ADVISER", msg("Financial adviser")),
    Option("ADVERTISING", msg("Advertising agency")),
    Option("PUBLIC_RELATIONS", msg("Public relations agency")),
    Option("BANK", msg("Bank")),
    Option("INSURER", msg("Insurer")),
    Option("FINANCING", msg("Financing agency")),
)
STATES = (
    Option("PROSPECTIVE", msg("Prospective")),
    Option("CURRENT", msg("Current")),
    Option("PAST", msg("Past")),
)


class Customer(Record, Searchable):
    """A customer's archive (客户档案)."""

    __tablename__ = "customer"
    __prefix__ = "cus"
    __labels__ = (msg("Customer"), msg("Customers"))
    __owner__ = ("owner_id",)
    __restricts__ = "restricted"
    __key__ = ("number",)
    __brings__ = ("contacts",)
    __order__ = ("name",)

    number: Mapped[str | None] = field(
        TextKind(40), label=msg("Number"), unique=True, search=True, name_level=True
    )
    name: Mapped[str] = field(
        TextKind(200), label=msg("Name"), required=True, search=True, name_level=True, sort_key="name_sort"
    )
    directory: Mapped[str] = field(
        ChoiceKind(DIRECTORIES), label=msg("Directory"), required=True, default="COMPANY", name_level=True
    )
    roles: Mapped[list[str]] = field(
        ChoicesKind(CUSTOMER_ROLES), label=msg("Roles"), required=True, default=list
    )
    state: Mapped[str] = field(
        ChoiceKind(STATES), label=msg("State"), required=True, default="PROSPECTIVE", name_level=True
    )
    direct: Mapped[bool] = field(FlagKind(), label=msg("Direct customer"), required=True, default=True)
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Owner"), references="member.id", name_level=True
    )
    parent_id: Mapped[UUID | None] = field(
        ReferenceKind("customer"), label=msg("Parent company"), references="customer.id", index=True
    )
    legal_representative: Mapped[str | None] = field(TextKind(100), label=msg("Legal representative"))
    credit_code: Mapped[str | None] = field(
        TextKind(18), label=msg("Unified social credit code"), unique=True, search=True
    )
    founded_on: Mapped[date | None] = field(DayKind(), label=msg("Founded on"))
    trading_since: Mapped[date | None] = field(DayKind(), label=msg("Trading since"))
    employees: Mapped[int | None] = field(IntegerKind(0, 10_000_000), label=msg("Employees"))
    industry: Mapped[str | None] = field(TextKind(100), label=msg("Industry"))
    business_scope: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("Business scope"), sort=False
    )
    source: Mapped[str | None] = field(TextKind(100), label=msg("Source"))
    address: Mapped[str | None] = field(TextKind(300), label=msg("Address"))
    city: Mapped[str | None] = field(TextKind(100), label=msg("City"), name_level=True)
    region: Mapped[str | None] = field(TextKind(100), label=msg("Region"), name_level=True)
    postal_code: Mapped[str | None] = field(TextKind(20), label=msg("Postal code"))
    country: Mapped[str | None] = field(
        CountryKind(), label=msg("Country"), description="ISO 3166-1 alpha-2", name_level=True
    )
    phone: Mapped[str | None] = field(PhoneKind(), label=msg("Phone"), derives="phone")
    phone_e164: Mapped[str | None] = field(
        PhoneKind(20), label=msg("Phone, international"), read_only=True, description="E.164, only when valid"
    )
    phone_reversed: Mapped[str | None] = mapped_column(Text(collation="C"))
    fax: Mapped[str | None] = field(PhoneKind(), label=msg("Fax"))
    email: Mapped[str | None] = field(EmailKind(), label=msg("E-mail"))
    website: Mapped[str | None] = field(TextKind(300), label=msg("Website"))
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    restricted: Mapped[bool] = field(
        FlagKind(),
        label=msg("Restricted archive"),
        description=msg(
            "Only who keeps restricted archives, or was granted access for a time, sees it and what lies below it."
        ),
        required=True,
        default=False,
        server_default="false",
        read_only=True,
        name_level=True,
    )

    owner: Mapped[Member | None] = relation("Member", label=msg("Owner"), foreign_key="Customer.owner_id")
    parent: Mapped[Customer | None] = relation(
        "Customer", label=msg("Parent company"), foreign_key="Customer.parent_id", remote_side="Customer.id"
    )
    contacts: Mapped[list[Contact]] = relation(
        "Contact", label=msg("Contacts"), foreign_key="Contact.customer_id"
    )
    collaborators: Mapped[list[CustomerCollaborator]] = relation(
        "CustomerCollaborator",
        label=msg("Collaborators"),
        foreign_key="CustomerCollaborator.customer_id",
    )
    tags: Mapped[list[CustomerTag]] = relation(
        "CustomerTag", label=msg("Tags"), foreign_key="CustomerTag.customer_id"
    )

    __table_args__ = (
        Index("ix_customer_owner_id_name_sort", "owner_id", "name_sort", "id"),
        Index("ix_customer_name_sort", "name_sort", "id"),
        Index("ix_customer_restricted", "id", postgresql_where=text("restricted")),
        Index(
            "ix_customer_phone_reversed",
            "phone_reversed",
            postgresql_ops={"phone_reversed": "text_pattern_ops"},
        ),
    )


class Contact(Record, Searchable):
    """A person at a customer (联系人, A3)."""

    __tablename__ = "contact"
    __prefix__ = "con"
    __labels__ = (msg("Contact"), msg("Contacts"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("customer_id", "name")
    __order__ = ("name",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    name: Mapped[str] = field(
        TextKind(100),
        label=msg("Full name"),
        required=True,
        search=True,
        name_level=True,
        sort_key="name_sort",
    )
    title: Mapped[str | None] = field(TextKind(100), label=msg("Job title"), name_level=True)
    department: Mapped[str | None] = field(TextKind(100), label=msg("Department"))
    head_of_department: Mapped[bool] = field(
        FlagKind(), label=msg("Head of department"), required=True, default=False
    )
    decision_power: Mapped[str | None] = field(
        ChoiceKind(
            (
                Option("DECIDES", msg("Decides")),
                Option("INFLUENCES", msg("Influences")),
                Option("USES", msg("Uses")),
                Option("NONE", msg("None")),
            )
        ),
        label=msg("Decision power"),
    )
    primary: Mapped[bool] = field(FlagKind(), label=msg("Main contact"), required=True, default=False)
    phone: Mapped[str | None] = field(PhoneKind(), label=msg("Phone"), derives="phone", sensitivity="phone")
    phone_e164: Mapped[str | None] = field(
        PhoneKind(20), label=msg("Phone, international"), read_only=True, sensitivity="phone"
    )
    phone_reversed: Mapped[str | None] = mapped_column(Text(collation="C"))
    email: Mapped[str | None] = field(EmailKind(), label=msg("E-mail"), sensitivity="phone")
    birthday: Mapped[date | None] = field(DayKind(), label=msg("Birthday"))
    preferred_channel: Mapped[str | None] = field(
        ChoiceKind(
            (
                Option("PHONE", msg("Phone")),
                Option("EMAIL", msg("E-mail")),
                Option("MESSAGE", msg("Message")),
                Option("VISIT", msg("Visit")),
                Option("LETTER", msg("Letter")),
            )
        ),
        label=msg("Preferred channel"),
    )
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="Contact.customer_id"
    )

    __table_args__ = (
        Index("ix_contact_customer_id_name_sort", "customer_id", "name_sort", "id"),
        Index(
            "ix_contact_phone_reversed",
            "phone_reversed",
            postgresql_ops={"phone_reversed": "text_pattern_ops"},
        ),
    )


class Tag(Record):
    """A word that a company marks its customers with (A5)."""

    __tablename__ = "tag"
    __prefix__ = "tag"
    __labels__ = (msg("Tag"), msg("Tags"))
    __key__ = ("name",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(50), label=msg("Name"), required=True, unique=True, name_level=True)
    colour: Mapped[str | None] = field(ColourKind(), label=msg("Colour"), name_level=True)


class CustomerTag(Record):
    """One tag on one customer. It is put on and taken off: a tag that was taken off is put on anew, not restored."""

    __tablename__ = "customer_tag"
    __prefix__ = "ctg"
    __labels__ = (msg("Tag of a customer"), msg("Tags of customers"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("customer_id", "tag_id")
    __actions__ = frozenset({"create", "archive"})

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    tag_id: Mapped[UUID] = field(
        ReferenceKind("tag"),
        label=msg("Tag"),
        required=True,
        references="tag.id",
        create_only=True,
        index=True,
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="CustomerTag.customer_id"
    )
    tag: Mapped[Tag] = relation("Tag", label=msg("Tag"), foreign_key="CustomerTag.tag_id")


unique_among_living(CustomerTag, ("customer_id", "tag_id"))


COLLABORATION = (Option("READ", msg("Reads")), Option("WRITE", msg("Reads and writes")))


class CustomerCollaborator(Record):
    """A member who works on a customer beside its owner, until an instant (A11): it counts as their own till then."""

    __tablename__ = "customer_collaborator"
    __prefix__ = "col"
    __labels__ = (msg("Collaborator of a customer"), msg("Collaborators of customers"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("customer_id", "member_id")
    __order__ = ("until",)
    __actions__ = frozenset()

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
    )
    member_id: Mapped[UUID] = field(
        ReferenceKind("member"),
        label=msg("Collaborator"),
        required=True,
        references="member.id",
        read_only=True,
        index=True,
    )
    role: Mapped[str] = field(ChoiceKind(COLLABORATION), label=msg("Role"), required=True, read_only=True)
    until: Mapped[datetime] = field(
        InstantKind(),
        label=msg("Until"),
        description=msg("The instant at which the collaboration is over by itself."),
        required=True,
        read_only=True,
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="CustomerCollaborator.customer_id"
    )
    member: Mapped[Member] = relation(
        "Member", label=msg("Collaborator"), foreign_key="CustomerCollaborator.member_id"
    )


unique_among_living(CustomerCollaborator, ("customer_id", "member_id"))

REQUESTED, GRANTED, DENIED, REVOKED = "REQUESTED", "GRANTED", "DENIED", "REVOKED"
GRANT_STATES = (
    Option(REQUESTED, msg("Asked for")),
    Option(GRANTED, msg("Granted")),
    Option(DENIED, msg("Not granted")),
    Option(REVOKED, msg("Revoked")),
)


class ArchiveGrant(Record):
    """Access of a member to a restricted archive: asked for with a reason, granted until an instant, or not (A11).

    Whoever reads all of them sees all restricted archives; whoever changes all of them restricts archives and lifts it.
    """

    __tablename__ = "archive_grant"
    __prefix__ = "agr"
    __labels__ = (msg("Access to a restricted archive"), msg("Accesses to restricted archives"))
    __owner__ = ("member_id",)
    __order__ = ("created_at",)
    __actions__ = frozenset()
    __apart__ = True

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
        index=True,
    )
    member_id: Mapped[UUID] = field(
        ReferenceKind("member"), label=msg("Member"), required=True, references="member.id", read_only=True
    )
    reason: Mapped[str] = field(
        TextKind(1000, multiline=True), label=msg("Reason"), required=True, read_only=True, sort=False
    )
    until: Mapped[datetime] = field(
        InstantKind(),
        label=msg("Until"),
        description=msg("The instant at which the access is over by itself."),
        required=True,
        read_only=True,
    )
    state: Mapped[str] = field(
        ChoiceKind(GRANT_STATES), label=msg("State"), required=True, default=REQUESTED, read_only=True
    )
    decided_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Decided by"), references="member.id", read_only=True
    )
    decided_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Decided at"), read_only=True)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="ArchiveGrant.customer_id"
    )
    member: Mapped[Member] = relation("Member", label=msg("Member"), foreign_key="ArchiveGrant.member_id")
    decided_by: Mapped[Member | None] = relation(
        "Member", label=msg("Decided by"), foreign_key="ArchiveGrant.decided_by_id"
    )

    __table_args__ = (
        Index(
            "ix_archive_grant_member_id_until",
            "member_id",
            "until",
            postgresql_where=text("state = 'GRANTED'"),
        ),
    )
