"""Follow-ups: when a customer is to be contacted next, and what came of every contact (F1-F3)."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DayKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    TimeOfDayKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Contact, Customer
from kedang_tenants.people.models import Member
from kedang_tenants.trade.demands import Demand

PLANNED, DONE, CANCELLED = "PLANNED", "DONE", "CANCELLED"
CYCLE, MANUAL, MAINTENANCE = "CYCLE", "MANUAL", "MAINTENANCE"
AFTER_PURCHASE, QUOTATION = "AFTER_PURCHASE", "QUOTATION"
EXPECTED_PURCHASE, SILENCE = "EXPECTED_PURCHASE", "SILENCE"
CHECK = "CHECK"

WAYS = (
    Option("CALL", msg("Call")),
    Option("VISIT", msg("Visit")),
    Option("EMAIL", msg("E-mail")),
    Option("MESSAGE", msg("Message")),
    Option("LETTER", msg("Letter")),
    Option("FAX", msg("Fax")),
    Option("MEETING", msg("Meeting")),
    Option("ONLINE", msg("Online")),
)
PLAN_STATES = (
    Option(PLANNED, msg("Planned")),
    Option(DONE, msg("Done")),
    Option(CANCELLED, msg("Cancelled")),
)
ORIGINS = (
    Option(CYCLE, msg("By the cycle of the grade")),
    Option(MANUAL, msg("Planned by hand")),
    Option(MAINTENANCE, msg("By the maintenance of an owned product")),
    Option(AFTER_PURCHASE, msg("After a purchase")),
    Option(QUOTATION, msg("By a quotation without an answer")),
    Option(EXPECTED_PURCHASE, msg("Before an expected purchase")),
    Option(SILENCE, msg("After a silence")),
    Option(CHECK, msg("Unscheduled check")),
)
BEHAVIOURS = (AFTER_PURCHASE, QUOTATION, EXPECTED_PURCHASE, SILENCE)
"""Origins of plans that follow from what a customer does, or does not do."""


class FollowUpPlan(Record):
    """A contact that is to be made (跟进计划). A customer has at most one open plan by its cycle."""

    __tablename__ = "follow_up_plan"
    __prefix__ = "fpl"
    __labels__ = (msg("Follow-up plan"), msg("Follow-up plans"))
    __owner__ = ("owner_id",)
    __order__ = ("due_on",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Owner"),
        references="member.id",
        description="Whoever plans it where nobody is said",
    )
    due_on: Mapped[date] = field(DayKind(), label=msg("Due on"), required=True)
    way: Mapped[str | None] = field(ChoiceKind(WAYS), label=msg("Way"))
    purpose: Mapped[str | None] = field(TextKind(500), label=msg("Purpose"))
    at_time: Mapped[str | None] = field(
        TimeOfDayKind(),
        label=msg("At what time"),
        description="As HH:MM in the company's zone; empty: any time of the day",
    )
    duration_minutes: Mapped[int | None] = field(IntegerKind(1, 1440), label=msg("Planned minutes"))
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"), label=msg("Person to be met"), references="contact.id", index=True
    )
    content: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Content"), sort=False)
    preparation: Mapped[str | None] = field(
        TextKind(10_000, multiline=True),
        label=msg("Preparation"),
        sort=False,
        description="Names, titles, decision power, needs and problems as known",
    )
    repeat_days: Mapped[int | None] = field(
        IntegerKind(1, 3650),
        label=msg("Again after days"),
        description="Once it is done, the next is planned so many days later, on a working day",
    )
    state: Mapped[str] = field(ChoiceKind(PLAN_STATES), label=msg("State"), required=True, default=PLANNED)
    origin: Mapped[str] = field(
        ChoiceKind(ORIGINS), label=msg("Origin"), required=True, default=MANUAL, read_only=True
    )
    rule: Mapped[dict[str, str] | None] = field(
        LocalisedKind(500), label=msg("Why this day"), read_only=True, exported=False
    )
    done_on: Mapped[date | None] = field(DayKind(), label=msg("Done on"), read_only=True)
    wanted_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Asked for on"),
        read_only=True,
        description="The working day that the cycle or the behaviour asks for; the plan lies later where the"
        " owner's days are full",
    )
    occasion: Mapped[str | None] = field(TextKind(60), label=msg("Occasion"), hidden=True)
    """What a behaviour was, each planned for once: ``order:<id>``."""
    urgency: Mapped[int] = field(
        IntegerKind(1, 15), label=msg("Urgency"), required=True, default=1, server_default="1", hidden=True
    )
    """1 to 5 by the customer's grade, 5 for the best; ten more while the customer is hot. Right for open plans."""

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="FollowUpPlan.customer_id"
    )
    owner: Mapped[Member | None] = relation("Member", label=msg("Owner"), foreign_key="FollowUpPlan.owner_id")
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Person to be met"), foreign_key="FollowUpPlan.contact_id"
    )
    records: Mapped[list[FollowUpRecord]] = relation(
        "FollowUpRecord", label=msg("Follow-up records"), foreign_key="FollowUpRecord.plan_id"
    )

    __table_args__ = (
        Index("ix_follow_up_plan_customer_id_due_on", "customer_id", "due_on", "id"),
        Index(
            "ix_follow_up_plan_open",
            "owner_id",
            "due_on",
            "id",
            postgresql_where=text("state = 'PLANNED' AND archived_at IS NULL"),
        ),
        Index(
            "ix_follow_up_plan_urgent",
            "owner_id",
            "urgency",
            "due_on",
            "id",
            postgresql_where=text("state = 'PLANNED' AND archived_at IS NULL"),
        ),
        Index(
            "uq_follow_up_plan_occasion",
            "customer_id",
            "origin",
            "occasion",
            unique=True,
            postgresql_where=text("occasion IS NOT NULL AND archived_at IS NULL"),
        ),
        Index(
            "uq_follow_up_plan_cycle",
            "customer_id",
            unique=True,
            postgresql_where=text("state = 'PLANNED' AND origin = 'CYCLE' AND archived_at IS NULL"),
        ),
    )


class FollowUpRecord(Record):
    """A contact that was made or tried (跟进记录); only one that reached somebody moves the next date."""

    __tablename__ = "follow_up_record"
    __prefix__ = "fre"
    __labels__ = (msg("Follow-up record"), msg("Follow-up records"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("at",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"), label=msg("Contact"), references="contact.id", index=True
    )
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Contacted by"),
        references="member.id",
        description="Whoever records it where nobody is said",
    )
    plan_id: Mapped[UUID | None] = field(
        ReferenceKind("follow_up_plan"),
        label=msg("Follow-up plan"),
        references="follow_up_plan.id",
        index=True,
        create_only=True,
    )
    at: Mapped[datetime] = field(InstantKind(), label=msg("Contacted at"), required=True)
    way: Mapped[str] = field(ChoiceKind(WAYS), label=msg("Way"), required=True)
    reached: Mapped[bool] = field(
        FlagKind(),
        label=msg("Somebody was reached"),
        required=True,
        default=True,
    )
    duration_minutes: Mapped[int | None] = field(IntegerKind(0, 10_000), label=msg("Duration in minutes"))
    content: Mapped[str | None] = field(TextKind(20_000, multiline=True), label=msg("Content"), sort=False)
    result: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Result"), sort=False)
    next_step: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Next step"), sort=False)
    needs: Mapped[str | None] = field(
        TextKind(5000, multiline=True),
        label=msg("Needs"),
        sort=False,
        description="What the customer needs; becomes a demand in one step",
    )
    demand_id: Mapped[UUID | None] = field(
        ReferenceKind("demand"),
        label=msg("Demand"),
        references="demand.id",
        index=True,
        read_only=True,
        description="What its needs have become",
    )
    problems: Mapped[str | None] = field(
        TextKind(5000, multiline=True),
        label=msg("Problems"),
        sort=False,
        description="What the customer complains of; becomes a service request in one step",
    )
    competitors: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("Competitors"), sort=False
    )
    market_news: Mapped[str | None] = field(
        TextKind(5000, multiline=True), label=msg("News of the market"), sort=False
    )
    note_taker_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Noted by"),
        references="member.id",
        index=True,
        description="Whoever enters it where nobody is said",
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="FollowUpRecord.customer_id"
    )
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="FollowUpRecord.contact_id"
    )
    member: Mapped[Member | None] = relation(
        "Member", label=msg("Contacted by"), foreign_key="FollowUpRecord.member_id"
    )
    plan: Mapped[FollowUpPlan | None] = relation(
        "FollowUpPlan", label=msg("Follow-up plan"), foreign_key="FollowUpRecord.plan_id"
    )
    demand: Mapped[Demand | None] = relation(
        "Demand", label=msg("Demand"), foreign_key="FollowUpRecord.demand_id"
    )
    note_taker: Mapped[Member | None] = relation(
        "Member", label=msg("Noted by"), foreign_key="FollowUpRecord.note_taker_id"
    )

    __table_args__ = (Index("ix_follow_up_record_customer_id_at", "customer_id", "at", "id"),)


MOST_CONTACTS = 500
"""A day and person, as a company may plan them."""
contribute(
    Member,
    "contacts_per_day",
    field(
        IntegerKind(1, MOST_CONTACTS),
        label=msg("Contacts a day"),
        description="How many are planned for a working day at most; empty: as the company's rule says",
    ),
)
contribute(
    Customer,
    "assigned_on",
    field(
        DayKind(),
        label=msg("Assigned on"),
        read_only=True,
        description="Since when its owner has it; the cycle counts from here until the first contact",
    ),
)
contribute(
    Customer,
    "last_contact_at",
    field(InstantKind(), label=msg("Last contact"), read_only=True),
)
contribute(
    Customer,
    "next_follow_up_on",
    field(
        DayKind(),
        label=msg("Next follow-up"),
        read_only=True,
        description="The earliest day of its open follow-up plans",
    ),
)
contribute(
    Customer,
    "follow_up_plans",
    relation("FollowUpPlan", label=msg("Follow-up plans"), foreign_key="FollowUpPlan.customer_id"),
)
contribute(
    Customer,
    "follow_up_records",
    relation("FollowUpRecord", label=msg("Follow-up records"), foreign_key="FollowUpRecord.customer_id"),
)
_customer = Customer.__table__.c
Index(
    "ix_customer_next_follow_up_on",
    _customer.next_follow_up_on,
    _customer.id,
    postgresql_where=_customer.next_follow_up_on.is_not(None),
)
