"""Service: what customers ask of us, who answers it and until when, and what was repaired (S1, S2, S6)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    Base,
    ChoiceKind,
    CurrencyKind,
    DayKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    MoneyKind,
    Option,
    Record,
    ReferenceKind,
    Searchable,
    TextKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.customers.models import Contact, Customer
from kedang_tenants.followups.models import FollowUpRecord
from kedang_tenants.grading.models import GradeLevel
from kedang_tenants.people.models import Department, Member
from kedang_tenants.trade.models import Order, Product

NEW, IN_PROGRESS, WAITING = "NEW", "IN_PROGRESS", "WAITING"
SOLVED, CLOSED, CANCELLED = "SOLVED", "CLOSED", "CANCELLED"
OPEN_STATES: Final = (NEW, IN_PROGRESS, WAITING)
"""The states in which somebody has still to do something, or the customer has."""
INTERNAL, TO_CUSTOMER, FROM_CUSTOMER = "INTERNAL", "TO_CUSTOMER", "FROM_CUSTOMER"

KINDS = (
    Option("COMPLAINT", msg("Complaint")),
    Option("REPAIR", msg("Repair")),
    Option("MAINTENANCE", msg("Maintenance")),
    Option("CONSULTATION", msg("Consultation")),
    Option("TECHNICAL_SUPPORT", msg("Technical support")),
    Option("SUGGESTION", msg("Suggestion")),
    Option("CRITICISM", msg("Criticism")),
    Option("WISH", msg("Wish")),
    Option("TRAINING", msg("Training")),
    Option("SAMPLE", msg("Sample")),
)
CHANNELS = (
    Option("PHONE", msg("Phone")),
    Option("EMAIL", msg("E-mail")),
    Option("FORM", msg("Form")),
    Option("SURVEY", msg("Survey")),
    Option("API", msg("Interface")),
    Option("VISIT", msg("Visit")),
    Option("OTHER", msg("Other")),
)
ABOUT = (
    Option("OUR_PRODUCT", msg("Our product")),
    Option("OTHERS_PRODUCT", msg("A product of others")),
    Option("OTHER", msg("Other")),
)
PRIORITIES = (
    Option("LOW", msg("Low")),
    Option("NORMAL", msg("Normal")),
    Option("HIGH", msg("High")),
    Option("URGENT", msg("Urgent")),
)
REQUEST_STATES = (
    Option(NEW, msg("New")),
    Option(IN_PROGRESS, msg("In progress")),
    Option(WAITING, msg("Waiting for the customer")),
    Option(SOLVED, msg("Solved")),
    Option(CLOSED, msg("Closed")),
    Option(CANCELLED, msg("Cancelled")),
)
NOTE_KINDS = (
    Option(INTERNAL, msg("Internal")),
    Option(TO_CUSTOMER, msg("To the customer")),
    Option(FROM_CUSTOMER, msg("From the customer")),
)
MOST_MINUTES: Final = 500_000
"""The longest time that a standard may allow: about four years of eight-hour days."""


class ServiceRequest(Record, Searchable):
    """Something that a customer asks of us (服务请求), with the one person responsible for it.

    Its clocks count business time. The first-answer clock runs from the opening to the first word to
    the customer; the solution clock to the solution, and stands still while we wait for the customer
    (``waiting_since``). What is due is stored; whether it was kept is stored when it happens.
    """

    __tablename__ = "service_request"
    __prefix__ = "srq"
    __labels__ = (msg("Service request"), msg("Service requests"))
    __owner__ = ("owner_id",)
    __co_owners__ = (("customer", "owner_id"),)
    __key__ = ("number",)
    __order__ = ("opened_at",)

    number: Mapped[str] = field(
        TextKind(40),
        label=msg("Number"),
        required=True,
        unique=True,
        read_only=True,
        search=True,
        name_level=True,
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    contact_id: Mapped[UUID | None] = field(
        ReferenceKind("contact"), label=msg("Contact"), references="contact.id", index=True
    )
    kind: Mapped[str] = field(ChoiceKind(KINDS), label=msg("Kind"), required=True, name_level=True)
    channel: Mapped[str] = field(
        ChoiceKind(CHANNELS),
        label=msg("Channel"),
        required=True,
        default="OTHER",
        description="By which way it came",
    )
    about: Mapped[str | None] = field(ChoiceKind(ABOUT), label=msg("About"))
    priority: Mapped[str] = field(
        ChoiceKind(PRIORITIES), label=msg("Priority"), required=True, default="NORMAL", name_level=True
    )
    title: Mapped[str] = field(
        TextKind(200), label=msg("Subject"), required=True, search=True, name_level=True
    )
    description: Mapped[str | None] = field(
        TextKind(20_000, multiline=True), label=msg("Description"), sort=False
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Owner"),
        references="member.id",
        create_only=True,
        name_level=True,
        description="The one person responsible; found by the rules of assignment where nobody is said",
    )
    department_id: Mapped[UUID | None] = field(
        ReferenceKind("department"),
        label=msg("Department"),
        references="department.id",
        index=True,
        create_only=True,
        name_level=True,
    )
    assigned_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Assigned at"), read_only=True, description="Since when its owner has it"
    )
    state: Mapped[str] = field(
        ChoiceKind(REQUEST_STATES),
        label=msg("State"),
        required=True,
        default=NEW,
        read_only=True,
        name_level=True,
    )
    opened_at: Mapped[datetime] = field(
        InstantKind(), label=msg("Opened at"), required=True, read_only=True, name_level=True
    )
    first_answer_minutes: Mapped[int | None] = field(
        IntegerKind(0, MOST_MINUTES),
        label=msg("First answer within"),
        read_only=True,
        description="Minutes of business time that the standard allows",
    )
    first_answer_due_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("First answer due"), read_only=True
    )
    first_answered_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("First answered at"), read_only=True
    )
    first_answer_on_time: Mapped[bool | None] = field(
        FlagKind(), label=msg("First answer on time"), read_only=True
    )
    solution_minutes: Mapped[int | None] = field(
        IntegerKind(0, MOST_MINUTES),
        label=msg("Solution within"),
        read_only=True,
        description="Minutes of business time that the standard allows",
    )
    solution_minutes_at_most: Mapped[int | None] = field(
        IntegerKind(1, MOST_MINUTES),
        label=msg("Solution within at most"),
        hidden=True,
        description="What was promised for this very request: no standard allows it more",
    )
    solution_due_at: Mapped[datetime | None] = field(
        InstantKind(),
        label=msg("Solution due"),
        read_only=True,
        description="Stands still while waiting for the customer; moves by the business time waited then",
    )
    solved_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Solved at"), read_only=True)
    solution_on_time: Mapped[bool | None] = field(FlagKind(), label=msg("Solution on time"), read_only=True)
    waiting_since: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Waiting for the customer since"), read_only=True
    )
    paused_seconds: Mapped[int] = field(
        IntegerKind(0),
        label=msg("Clock stood still"),
        required=True,
        default=0,
        read_only=True,
        description="Seconds of business time so far: waiting for the customer, or solved until reopened",
    )
    closed_at: Mapped[datetime | None] = field(
        InstantKind(), label=msg("Closed at"), read_only=True, description="When it was closed or cancelled"
    )
    result: Mapped[str | None] = field(
        TextKind(10_000, multiline=True), label=msg("Result"), sort=False, read_only=True
    )
    reopened_count: Mapped[int] = field(
        IntegerKind(0), label=msg("Times reopened"), required=True, default=0, read_only=True
    )
    order_id: Mapped[UUID | None] = field(
        ReferenceKind("order"), label=msg("Order"), references="sales_order.id", index=True
    )
    product_id: Mapped[UUID | None] = field(
        ReferenceKind("product"), label=msg("Product"), references="product.id", index=True
    )
    # Who has been told that a clock ran out: 0 nobody, 1 the owner, 2 the superior, too; and when to look again.
    first_answer_told: Mapped[int] = mapped_column(Integer, default=0)
    solution_told: Mapped[int] = mapped_column(Integer, default=0)
    escalate_at: Mapped[datetime | None] = mapped_column(InstantKind().column_type())

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="ServiceRequest.customer_id"
    )
    contact: Mapped[Contact | None] = relation(
        "Contact", label=msg("Contact"), foreign_key="ServiceRequest.contact_id"
    )
    owner: Mapped[Member | None] = relation(
        "Member", label=msg("Owner"), foreign_key="ServiceRequest.owner_id"
    )
    department: Mapped[Department | None] = relation(
        "Department", label=msg("Department"), foreign_key="ServiceRequest.department_id"
    )
    order: Mapped[Order | None] = relation("Order", label=msg("Order"), foreign_key="ServiceRequest.order_id")
    product: Mapped[Product | None] = relation(
        "Product", label=msg("Product"), foreign_key="ServiceRequest.product_id"
    )
    notes: Mapped[list[ServiceNote]] = relation(
        "ServiceNote", label=msg("Notes"), foreign_key="ServiceNote.request_id"
    )
    repair_records: Mapped[list[RepairRecord]] = relation(
        "RepairRecord", label=msg("Repair records"), foreign_key="RepairRecord.request_id"
    )

    __table_args__ = (
        Index("ix_service_request_customer_id_opened_at", "customer_id", "opened_at", "id"),
        Index("ix_service_request_owner_id_opened_at", "owner_id", "opened_at", "id"),
        Index("ix_service_request_owner_id_assigned_at", "owner_id", "assigned_at"),
        Index("ix_service_request_opened_at", "opened_at", "id"),
        Index("ix_service_request_closed_at", "closed_at", "id"),
        Index(
            "ix_service_request_open_by_owner",
            "owner_id",
            postgresql_where=text("state IN ('NEW', 'IN_PROGRESS', 'WAITING') AND archived_at IS NULL"),
        ),
        Index("ix_service_request_state_first_answer_due_at", "state", "first_answer_due_at", "id"),
        Index("ix_service_request_state_solution_due_at", "state", "solution_due_at", "id"),
        Index(
            "ix_service_request_escalate_at",
            "escalate_at",
            "id",
            postgresql_where=text("escalate_at IS NOT NULL"),
        ),
    )


class ServiceNote(Record):
    """A word about a request: to the customer, from the customer, or among ourselves. It never changes."""

    __tablename__ = "service_note"
    __prefix__ = "srn"
    __labels__ = (msg("Service note"), msg("Service notes"))
    __owner__ = ("request", "owner_id")
    __co_owners__ = (("request", "customer", "owner_id"),)
    __order__ = ("at",)
    __actions__ = frozenset()

    request_id: Mapped[UUID] = field(
        ReferenceKind("service_request"),
        label=msg("Service request"),
        required=True,
        references="service_request.id",
        read_only=True,
    )
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Written by"), references="member.id", read_only=True
    )
    at: Mapped[datetime] = field(InstantKind(), label=msg("Written at"), required=True, read_only=True)
    kind: Mapped[str] = field(ChoiceKind(NOTE_KINDS), label=msg("Kind"), required=True, read_only=True)
    text: Mapped[str] = field(
        TextKind(20_000, multiline=True), label=msg("Text"), required=True, sort=False, read_only=True
    )

    request: Mapped[ServiceRequest] = relation(
        "ServiceRequest", label=msg("Service request"), foreign_key="ServiceNote.request_id"
    )
    member: Mapped[Member | None] = relation(
        "Member", label=msg("Written by"), foreign_key="ServiceNote.member_id"
    )

    __table_args__ = (Index("ix_service_note_request_id_at", "request_id", "at", "id"),)


class RepairRecord(Record):
    """What was repaired or maintained at a customer (维修记录): part of the customer's archive, request or not."""

    __tablename__ = "repair_record"
    __prefix__ = "rep"
    __labels__ = (msg("Repair record"), msg("Repair records"))
    __owner__ = ("technician_id",)
    __co_owners__ = (("customer", "owner_id"),)
    __order__ = ("repaired_on",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    request_id: Mapped[UUID | None] = field(
        ReferenceKind("service_request"),
        label=msg("Service request"),
        references="service_request.id",
        index=True,
        create_only=True,
    )
    product_id: Mapped[UUID | None] = field(
        ReferenceKind("product"), label=msg("Product"), references="product.id", index=True
    )
    serial_number: Mapped[str | None] = field(TextKind(100), label=msg("Serial number"))
    fault: Mapped[str] = field(TextKind(2000, multiline=True), label=msg("Fault"), required=True, sort=False)
    work_done: Mapped[str | None] = field(
        TextKind(10_000, multiline=True), label=msg("Work done"), sort=False
    )
    parts: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Parts"), sort=False)
    technician_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Technician"),
        references="member.id",
        index=True,
        description="Whoever records it where nobody is said",
    )
    repaired_on: Mapped[date | None] = field(
        DayKind(), label=msg("Repaired on"), description="Today where nothing is said"
    )
    cost: Mapped[int | None] = field(MoneyKind(0), label=msg("Cost"), currency="currency")
    currency: Mapped[str | None] = field(
        CurrencyKind(), label=msg("Currency"), description="ISO 4217; the company's where none is said"
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="RepairRecord.customer_id"
    )
    request: Mapped[ServiceRequest | None] = relation(
        "ServiceRequest", label=msg("Service request"), foreign_key="RepairRecord.request_id"
    )
    product: Mapped[Product | None] = relation(
        "Product", label=msg("Product"), foreign_key="RepairRecord.product_id"
    )
    technician: Mapped[Member | None] = relation(
        "Member", label=msg("Technician"), foreign_key="RepairRecord.technician_id"
    )

    __table_args__ = (
        Index("ix_repair_record_customer_id_repaired_on", "customer_id", "repaired_on", "id"),
        Index(
            "ix_repair_record_serial_number",
            "serial_number",
            postgresql_where=text("serial_number IS NOT NULL"),
        ),
    )


class ServiceStandard(Record):
    """How soon a request is to be answered and solved, by the customer's grade and the request's priority.

    The most exact standard counts: grade and priority, grade, priority, neither; of equally exact
    ones the one that was made first.
    """

    __tablename__ = "service_standard"
    __prefix__ = "sst"
    __labels__ = (msg("Service standard"), msg("Service standards"))

    grade_level_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_level"),
        label=msg("Grade"),
        references="grade_level.id",
        description="Empty: for every grade",
    )
    priority: Mapped[str | None] = field(
        ChoiceKind(PRIORITIES), label=msg("Priority"), description="Empty: for every priority"
    )
    first_answer_minutes: Mapped[int] = field(
        IntegerKind(1, MOST_MINUTES),
        label=msg("First answer within"),
        required=True,
        description="Minutes of business time",
    )
    solution_minutes: Mapped[int] = field(
        IntegerKind(1, MOST_MINUTES),
        label=msg("Solution within"),
        required=True,
        description="Minutes of business time",
    )

    grade_level: Mapped[GradeLevel | None] = relation(
        "GradeLevel", label=msg("Grade"), foreign_key="ServiceStandard.grade_level_id"
    )


class ServiceAssignment(Record):
    """Which department answers a kind of request. Several rules for one kind share its requests out."""

    __tablename__ = "service_assignment"
    __prefix__ = "sas"
    __labels__ = (msg("Rule of assignment"), msg("Rules of assignment"))

    kind: Mapped[str | None] = field(
        ChoiceKind(KINDS), label=msg("Kind"), description="Empty: for every kind without a rule of its own"
    )
    department_id: Mapped[UUID] = field(
        ReferenceKind("department"), label=msg("Department"), required=True, references="department.id"
    )
    member_id: Mapped[UUID | None] = field(
        ReferenceKind("member"),
        label=msg("Member"),
        references="member.id",
        description="Always this member; empty: in turn, whoever of the department has fewest open requests",
    )

    department: Mapped[Department] = relation(
        "Department", label=msg("Department"), foreign_key="ServiceAssignment.department_id"
    )
    member: Mapped[Member | None] = relation(
        "Member", label=msg("Member"), foreign_key="ServiceAssignment.member_id"
    )


class RequestCount(Base):
    """The last number given in a year; its row is held while a number is given, so that none is given twice."""

    __tablename__ = "service_request_count"

    year: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(Integer)


contribute(
    Customer,
    "service_requests",
    relation("ServiceRequest", label=msg("Service requests"), foreign_key="ServiceRequest.customer_id"),
)
contribute(
    Customer,
    "repair_records",
    relation("RepairRecord", label=msg("Repair records"), foreign_key="RepairRecord.customer_id"),
)
contribute(
    FollowUpRecord,
    "service_request_id",
    field(
        ReferenceKind("service_request"),
        label=msg("Service request"),
        references="service_request.id",
        index=True,
        read_only=True,
        description="What its problems have become",
    ),
)
contribute(
    FollowUpRecord,
    "service_request",
    relation("ServiceRequest", label=msg("Service request"), foreign_key="FollowUpRecord.service_request_id"),
)
