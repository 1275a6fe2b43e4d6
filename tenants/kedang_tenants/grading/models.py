"""Grading: schemes, their levels, and which customer was given which level when and why (G1-G3)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ColourKind,
    DayKind,
    DecimalKind,
    DocumentKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member

DRAFT, PUBLISHED = "DRAFT", "PUBLISHED"
HAND, RULE, RULE_AND_HAND = "HAND", "RULE", "RULE_AND_HAND"
SALES = "SALES"
CALENDAR_YEAR, TRAILING_12_MONTHS = "CALENDAR_YEAR", "TRAILING_12_MONTHS"

MEASURES = (Option(SALES, msg("Sales")),)
PERIODS = (
    Option(CALENDAR_YEAR, msg("A calendar year")),
    Option(TRAILING_12_MONTHS, msg("The last twelve months")),
)


class GradeScheme(Record):
    """A way of dividing customers into levels.

    Scheme and levels are edited freely; what is in force is ``rule``, which publishing makes of them
    under the next ``rule_version``. The leading scheme gives customers the grade they are shown with.
    """

    __tablename__ = "grade_scheme"
    __prefix__ = "gsc"
    __labels__ = (msg("Grade scheme"), msg("Grade schemes"))
    __key__ = ("name",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True, unique=True, name_level=True)
    leads: Mapped[bool] = field(
        FlagKind(),
        label=msg("Leads the follow-ups"),
        required=True,
        default=False,
        description="At most one scheme leads",
    )
    graded_by: Mapped[str] = field(
        ChoiceKind(
            (
                Option(HAND, msg("By hand")),
                Option(RULE, msg("By the rule")),
                Option(RULE_AND_HAND, msg("By the rule, with the hand above it")),
            )
        ),
        label=msg("Graded"),
        required=True,
        default=RULE_AND_HAND,
        server_default="'RULE_AND_HAND'",
    )
    owners_may_override: Mapped[bool] = field(
        FlagKind(),
        label=msg("Owners may grade their customers by hand"),
        required=True,
        default=False,
        server_default="false",
        description="Whose customers are their own alone; managers may in any case",
    )
    measure: Mapped[str] = field(ChoiceKind(MEASURES), label=msg("Measure"), required=True, default=SALES)
    period: Mapped[str] = field(
        ChoiceKind(PERIODS), label=msg("Period"), required=True, default=TRAILING_12_MONTHS
    )
    year: Mapped[int | None] = field(
        IntegerKind(1900, 9998), label=msg("Year"), description="Of a calendar year only"
    )
    state: Mapped[str] = field(
        ChoiceKind((Option(DRAFT, msg("Draft")), Option(PUBLISHED, msg("Published")))),
        label=msg("State"),
        required=True,
        default=DRAFT,
        read_only=True,
    )
    rule_version: Mapped[int] = field(
        IntegerKind(0), label=msg("Version of the rule"), required=True, default=0, read_only=True
    )
    rule: Mapped[dict[str, Any] | None] = field(
        DocumentKind(), label=msg("Rule in force"), read_only=True, exported=False
    )
    published_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Published at"), read_only=True)

    levels: Mapped[list[GradeLevel]] = relation(
        "GradeLevel", label=msg("Levels"), foreign_key="GradeLevel.scheme_id"
    )


Index(
    "uq_grade_scheme_leads",
    GradeScheme.__table__.c.leads,
    unique=True,
    postgresql_where=text("leads AND archived_at IS NULL"),
)


class GradeLevel(Record):
    """One level of a scheme: what it takes to reach it, how it looks, and how its customers are treated (G1).

    How soon its customers' requests are answered stands in the service standards of the level.
    """

    __tablename__ = "grade_level"
    __prefix__ = "gle"
    __labels__ = (msg("Grade level"), msg("Grade levels"))
    __key__ = ("scheme_id", "code")
    __order__ = ("position",)

    scheme_id: Mapped[UUID] = field(
        ReferenceKind("grade_scheme"),
        label=msg("Grade scheme"),
        required=True,
        references="grade_scheme.id",
        create_only=True,
        name_level=True,
    )
    code: Mapped[str] = field(TextKind(10), label=msg("Code"), required=True, name_level=True)
    name: Mapped[dict[str, str]] = field(
        LocalisedKind(100), label=msg("Name"), required=True, name_level=True
    )
    colour: Mapped[str] = field(ColourKind(), label=msg("Colour"), required=True, name_level=True)
    position: Mapped[int] = field(
        IntegerKind(1, 1000),
        label=msg("Position"),
        required=True,
        name_level=True,
        description="1 is the best",
    )
    minimum: Mapped[Decimal | None] = field(
        DecimalKind(),
        label=msg("At least"),
        description="In the company's currency; empty: everybody whom no better level takes",
    )
    exclusive: Mapped[bool] = field(
        FlagKind(), label=msg("More than the minimum, not just as much"), required=True, default=False
    )
    cycle_days: Mapped[int | None] = field(
        IntegerKind(1, 3650),
        label=msg("Follow-up cycle in days"),
        description="Empty: no follow-ups by themselves",
    )
    care_days: Mapped[int | None] = field(
        IntegerKind(1, 3650),
        label=msg("Care every so many days"),
        description="Greetings and attentions beside the follow-ups; empty: none by themselves",
    )
    service_promise: Mapped[dict[str, str] | None] = field(
        LocalisedKind(2000, multiline=True), label=msg("Standard of service")
    )
    price_preference: Mapped[dict[str, str] | None] = field(
        LocalisedKind(1000, multiline=True), label=msg("Preference in prices")
    )
    delivery_preference: Mapped[dict[str, str] | None] = field(
        LocalisedKind(1000, multiline=True), label=msg("Preference in delivery times")
    )
    collection_policy: Mapped[dict[str, str] | None] = field(
        LocalisedKind(1000, multiline=True), label=msg("Policy of collection")
    )
    credit_days: Mapped[int | None] = field(
        IntegerKind(0, 3650),
        label=msg("Days of credit"),
        description="From the delivery to the payment; 0: paid on delivery; empty: not said",
    )
    credit_terms: Mapped[dict[str, str] | None] = field(
        LocalisedKind(1000, multiline=True), label=msg("Terms of credit")
    )
    reception: Mapped[dict[str, str] | None] = field(
        LocalisedKind(1000, multiline=True),
        label=msg("Reception"),
        description="How visitors of such a customer are received",
    )
    pool_protected: Mapped[bool] = field(
        FlagKind(),
        label=msg("Never returns to the public pool"),
        required=True,
        default=False,
        server_default="false",
    )
    pool_after_days: Mapped[int | None] = field(
        IntegerKind(1, 3650),
        label=msg("Returns to the public pool after so many days without contact"),
        description="Empty: as the company's rule says",
    )
    retired_into_id: Mapped[UUID | None] = field(
        ReferenceKind("grade_level"),
        label=msg("Retired into"),
        references="grade_level.id",
        read_only=True,
        description="The level that took over its customers; it is given no more",
    )

    retired_into: Mapped[GradeLevel | None] = relation(
        "GradeLevel",
        label=msg("Retired into"),
        foreign_key="GradeLevel.retired_into_id",
        remote_side="GradeLevel.id",
    )
    scheme: Mapped[GradeScheme] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="GradeLevel.scheme_id"
    )
    customers: Mapped[list[Customer]] = relation(
        "Customer", label=msg("Customers"), foreign_key="Customer.grade_level_id"
    )


unique_among_living(GradeLevel, ("scheme_id", "code"))


class CustomerGrade(Record):
    """What one customer was graded by one scheme: the present grade and those before it.

    ``figures`` holds what the rule measured and how each measure counted; of a grade given by hand
    what stood before it. ``until`` is the last day of a grade given by hand.
    """

    __tablename__ = "customer_grade"
    __prefix__ = "cgr"
    __labels__ = (msg("Grade of a customer"), msg("Grades of customers"))
    __owner__ = ("customer", "owner_id")
    __order__ = ("graded_at",)
    __actions__ = frozenset()

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
    )
    scheme_id: Mapped[UUID] = field(
        ReferenceKind("grade_scheme"),
        label=msg("Grade scheme"),
        required=True,
        references="grade_scheme.id",
        read_only=True,
    )
    level_id: Mapped[UUID] = field(
        ReferenceKind("grade_level"),
        label=msg("Grade"),
        required=True,
        references="grade_level.id",
        read_only=True,
        index=True,
    )
    rule_version: Mapped[int] = field(
        IntegerKind(0),
        label=msg("Version of the rule"),
        required=True,
        read_only=True,
        description="Of a grade given by hand the version that was in force; 0: none was",
    )
    figures: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Figures"), required=True, read_only=True, exported=False
    )
    withheld: Mapped[dict[str, Any] | None] = field(
        DocumentKind(),
        label=msg("Figures not for everybody"),
        read_only=True,
        exported=False,
        sensitivity="profit",
        description="What was measured of profit and credit, of which the other figures tell the points alone",
    )
    explanation: Mapped[dict[str, str]] = field(
        LocalisedKind(4000), label=msg("Explanation"), required=True, read_only=True
    )
    current: Mapped[bool] = field(
        FlagKind(), label=msg("In force"), required=True, default=True, read_only=True
    )
    graded_at: Mapped[datetime] = field(InstantKind(), label=msg("Graded at"), required=True, read_only=True)
    ended_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Until"), read_only=True)
    held_since: Mapped[date | None] = field(
        DayKind(),
        label=msg("Has this level since"),
        read_only=True,
        description="The day on which the customer came to this level, under whatever version of the rule",
    )
    by_hand: Mapped[bool] = field(
        FlagKind(),
        label=msg("Given by hand"),
        required=True,
        default=False,
        server_default="false",
        read_only=True,
    )
    reason: Mapped[str | None] = field(
        TextKind(1000, multiline=True),
        label=msg("Reason"),
        read_only=True,
        description="Why it was given by hand",
    )
    until: Mapped[date | None] = field(
        DayKind(),
        label=msg("Last day"),
        read_only=True,
        description="Of a grade given by hand; empty: until it is ended",
    )
    given_by_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Given by"), references="member.id", read_only=True
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="CustomerGrade.customer_id"
    )
    scheme: Mapped[GradeScheme] = relation(
        "GradeScheme", label=msg("Grade scheme"), foreign_key="CustomerGrade.scheme_id"
    )
    level: Mapped[GradeLevel] = relation(
        "GradeLevel", label=msg("Grade"), foreign_key="CustomerGrade.level_id"
    )
    given_by: Mapped[Member | None] = relation(
        "Member", label=msg("Given by"), foreign_key="CustomerGrade.given_by_id"
    )

    __table_args__ = (
        Index(
            "ix_customer_grade_until",
            "until",
            postgresql_where=text("current AND by_hand"),
        ),
        Index("ix_customer_grade_customer_id_graded_at", "customer_id", "graded_at", "id"),
        Index(
            "uq_customer_grade_current",
            "customer_id",
            "scheme_id",
            unique=True,
            postgresql_where=text("current"),
        ),
    )


contribute(
    Customer,
    "grade_level_id",
    field(
        ReferenceKind("grade_level"),
        label=msg("Grade"),
        references="grade_level.id",
        read_only=True,
        name_level=True,
    ),
)
contribute(
    Customer,
    "grade_rank",
    field(
        IntegerKind(1, 1000),
        label=msg("Rank of the grade"),
        read_only=True,
        name_level=True,
        description="The position of the grade's level: 1 is the best",
    ),
)
contribute(
    Customer, "grade", relation("GradeLevel", label=msg("Grade"), foreign_key="Customer.grade_level_id")
)
contribute(
    Customer,
    "grade_history",
    relation("CustomerGrade", label=msg("Grades over time"), foreign_key="CustomerGrade.customer_id"),
)
_customer = Customer.__table__.c
Index(
    "ix_customer_grade_level_id_name_sort",
    _customer.grade_level_id,
    _customer.name_sort,
    _customer.id,
    postgresql_where=_customer.grade_level_id.is_not(None),
)
Index(
    "ix_customer_grade_rank",
    _customer.grade_rank,
    _customer.id,
    postgresql_where=_customer.grade_rank.is_not(None),
)
