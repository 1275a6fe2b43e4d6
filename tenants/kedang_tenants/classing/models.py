"""Beside grades: classes with their treatment, the regions and routes of customers, and segments (G4, G5, G6)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    ColourKind,
    DecimalKind,
    DocumentKind,
    InstantKind,
    IntegerKind,
    LocalisedKind,
    Option,
    Record,
    ReferenceKind,
    TextKind,
    TreeReferenceKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.catalogue.models import CustomFieldDefinition
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member

VALUE, NEED, RELATIONSHIP, OWN = "VALUE", "NEED", "RELATIONSHIP", "OWN"
DIMENSIONS: Final = (
    Option(VALUE, msg("Value")),
    Option(NEED, msg("Need")),
    Option(RELATIONSHIP, msg("Relationship")),
    Option(OWN, msg("The company's own")),
)
VISIT, SALES, DELIVERY = "VISIT", "SALES", "DELIVERY"
PURPOSES: Final = (
    Option(VISIT, msg("Visits")),
    Option(SALES, msg("Sales")),
    Option(DELIVERY, msg("Deliveries")),
)
LIVE, FROZEN = "LIVE", "FROZEN"
SEGMENT_KINDS: Final = (Option(LIVE, msg("Live")), Option(FROZEN, msg("Frozen")))

LATITUDE: Final = DecimalKind(Decimal(-90), Decimal(90))
LONGITUDE: Final = DecimalKind(Decimal(-180), Decimal(180))
QUINTILE: Final = IntegerKind(1, 5)


class CustomerClass(Record):
    """A class that customers are put into beside their grades, with how they are treated for it (G4).

    A customer is in at most one class of each dimension; dimensions of the company's own are told apart by name.
    """

    __tablename__ = "customer_class"
    __prefix__ = "ccl"
    __labels__ = (msg("Customer class"), msg("Customer classes"))
    __plural__ = "customerClasses"
    __key__ = ("code",)
    __order__ = ("dimension", "position")

    code: Mapped[str] = field(TextKind(40), label=msg("Code"), required=True, unique=True, name_level=True)
    name: Mapped[dict[str, str]] = field(
        LocalisedKind(100), label=msg("Name"), required=True, name_level=True
    )
    dimension: Mapped[str] = field(
        ChoiceKind(DIMENSIONS), label=msg("Dimension"), required=True, create_only=True, name_level=True
    )
    own_dimension: Mapped[str | None] = field(
        TextKind(40),
        label=msg("Dimension of the company's own"),
        description=msg(
            "By what it divides customers, such as the industry; only where the dimension is OWN."
        ),
        create_only=True,
        name_level=True,
    )
    colour: Mapped[str] = field(ColourKind(), label=msg("Colour"), required=True, name_level=True)
    position: Mapped[int] = field(
        IntegerKind(1, 1000), label=msg("Position"), required=True, default=1, name_level=True
    )
    treatment: Mapped[dict[str, str] | None] = field(
        LocalisedKind(2000, multiline=True),
        label=msg("Treatment"),
        description=msg("What is done for customers of this class."),
    )
    cycle_days: Mapped[int | None] = field(
        IntegerKind(1, 3650),
        label=msg("Follow-up cycle in days"),
        description=msg("Empty: the class asks for no follow-ups of its own."),
    )

    customers: Mapped[list[ClassifiedCustomer]] = relation(
        "ClassifiedCustomer", label=msg("Customers"), foreign_key="ClassifiedCustomer.class_id"
    )


contribute(
    CustomFieldDefinition,
    "customer_class_id",
    field(
        ReferenceKind("customer_class"),
        label=msg("Only of customers of"),
        references="customer_class.id",
        index=True,
        name_level=True,
        description=msg("It is on the form of customers of this class alone; empty: on that of all."),
    ),
)
contribute(
    CustomFieldDefinition,
    "customer_class",
    relation(
        "CustomerClass",
        label=msg("Only of customers of"),
        foreign_key="CustomFieldDefinition.customer_class_id",
    ),
)


class ClassifiedCustomer(Record):
    """A customer in a class of a dimension: put into another by another ``class_id``; taken out, it is put in anew."""

    __tablename__ = "classified_customer"
    __prefix__ = "clc"
    __labels__ = (msg("Class of a customer"), msg("Classes of customers"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("customer_id", "class_id")
    __actions__ = frozenset({"create", "update", "archive"})

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
    )
    class_id: Mapped[UUID] = field(
        ReferenceKind("customer_class"),
        label=msg("Customer class"),
        required=True,
        references="customer_class.id",
        index=True,
    )
    dimension: Mapped[str] = field(
        TextKind(60),
        label=msg("Dimension"),
        description=msg("The dimension of the class; one of the company's own as OWN, a colon and its name."),
        required=True,
        default="",  # the rule of classes puts that of the class in its place
        read_only=True,
    )

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="ClassifiedCustomer.customer_id"
    )
    customer_class: Mapped[CustomerClass] = relation(
        "CustomerClass", label=msg("Customer class"), foreign_key="ClassifiedCustomer.class_id"
    )


unique_among_living(ClassifiedCustomer, ("customer_id", "dimension"))


class Region(Record):
    """A region in which customers are sold to; regions lie in one another (G5)."""

    __tablename__ = "region"
    __prefix__ = "reg"
    __labels__ = (msg("Sales region"), msg("Sales regions"))
    __key__ = ("name",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True, unique=True, name_level=True)
    parent_id: Mapped[UUID | None] = field(
        TreeReferenceKind("region"),
        label=msg("Lies in"),
        references="region.id",
        index=True,
        name_level=True,
    )
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)

    parent: Mapped[Region | None] = relation(
        "Region", label=msg("Lies in"), foreign_key="Region.parent_id", remote_side="Region.id"
    )
    parts: Mapped[list[Region]] = relation(
        "Region", label=msg("Regions in it"), foreign_key="Region.parent_id"
    )
    customers: Mapped[list[Customer]] = relation(
        "Customer", label=msg("Customers"), foreign_key="Customer.region_id"
    )


class Route(Record):
    """A way from customer to customer (客户路线), in an order that saves way and cost (G5)."""

    __tablename__ = "route"
    __prefix__ = "rou"
    __labels__ = (msg("Route"), msg("Routes"))
    __owner__ = ("owner_id",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True)
    purpose: Mapped[str] = field(ChoiceKind(PURPOSES), label=msg("Purpose"), required=True, default=VISIT)
    region_id: Mapped[UUID | None] = field(
        TreeReferenceKind("region"), label=msg("Sales region"), references="region.id", index=True
    )
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Owner"), references="member.id", index=True
    )
    start_latitude: Mapped[Decimal | None] = field(
        LATITUDE,
        label=msg("Start: latitude"),
        description=msg("Where the route begins, in degrees (WGS 84); empty: at one of its customers."),
        sort=False,
    )
    start_longitude: Mapped[Decimal | None] = field(LONGITUDE, label=msg("Start: longitude"), sort=False)
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)

    sales_region: Mapped[Region | None] = relation(
        "Region", label=msg("Sales region"), foreign_key="Route.region_id"
    )
    owner: Mapped[Member | None] = relation("Member", label=msg("Owner"), foreign_key="Route.owner_id")
    stops: Mapped[list[RouteStop]] = relation(
        "RouteStop", label=msg("Stops"), foreign_key="RouteStop.route_id"
    )


class RouteStop(Record):
    """A customer on a route. What a route passes is said for the whole of it; a stop of its own may be noted at."""

    __tablename__ = "route_stop"
    __prefix__ = "rst"
    __labels__ = (msg("Stop of a route"), msg("Stops of routes"))
    __owner__ = ("route", "owner_id")
    __order__ = ("position",)
    __actions__ = frozenset({"update"})

    route_id: Mapped[UUID] = field(
        ReferenceKind("route"), label=msg("Route"), required=True, references="route.id", read_only=True
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
        index=True,
    )
    position: Mapped[int] = field(IntegerKind(1, 1000), label=msg("Position"), required=True, read_only=True)
    note: Mapped[str | None] = field(TextKind(1000, multiline=True), label=msg("Note"), sort=False)

    route: Mapped[Route] = relation("Route", label=msg("Route"), foreign_key="RouteStop.route_id")
    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="RouteStop.customer_id"
    )


unique_among_living(RouteStop, ("route_id", "customer_id"))


def _everything() -> dict[str, Any]:
    """The filter that every customer fulfils, as ``reading.stored`` keeps it."""
    return {"all": []}


class Segment(Record):
    """Customers who have something in common (G6): whoever fulfils a filter now, or whoever did when it was frozen.

    ``stored_filter`` is the filter as reading has it, ``conditions`` the same as the API took it.
    """

    __tablename__ = "segment"
    __prefix__ = "seg"
    __labels__ = (msg("Segment"), msg("Segments"))
    __owner__ = ("owner_id",)
    __order__ = ("name",)
    __actions__ = frozenset({"update", "archive", "restore"})

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True)
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)
    owner_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Owner"), references="member.id", index=True
    )
    kind: Mapped[str] = field(
        ChoiceKind(SEGMENT_KINDS), label=msg("Kind"), required=True, default=LIVE, read_only=True
    )
    conditions: Mapped[dict[str, Any]] = field(
        DocumentKind(),
        label=msg("Filter"),
        description=msg("In the shape of the where of customers."),
        required=True,
        default=dict,
        read_only=True,
        exported=False,
    )
    stored_filter: Mapped[dict[str, Any]] = field(
        DocumentKind(), label=msg("Filter as stored"), required=True, default=_everything, hidden=True
    )
    frozen_at: Mapped[datetime | None] = field(InstantKind(), label=msg("Frozen at"), read_only=True)
    frozen_count: Mapped[int | None] = field(
        IntegerKind(0), label=msg("Members when it was frozen"), read_only=True
    )

    owner: Mapped[Member | None] = relation("Member", label=msg("Owner"), foreign_key="Segment.owner_id")
    members: Mapped[list[SegmentMember]] = relation(
        "SegmentMember", label=msg("Members"), foreign_key="SegmentMember.segment_id"
    )


class SegmentMember(Record):
    """A customer who belongs to a frozen segment."""

    __tablename__ = "segment_member"
    __prefix__ = "sgm"
    __labels__ = (msg("Member of a segment"), msg("Members of segments"))
    __owner__ = ("customer", "owner_id")
    __actions__ = frozenset()

    segment_id: Mapped[UUID] = field(
        ReferenceKind("segment"), label=msg("Segment"), required=True, references="segment.id", read_only=True
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        read_only=True,
        index=True,
    )

    segment: Mapped[Segment] = relation(
        "Segment", label=msg("Segment"), foreign_key="SegmentMember.segment_id"
    )
    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="SegmentMember.customer_id"
    )

    __table_args__ = (Index("ix_segment_member_segment_id", "segment_id", "id"),)


unique_among_living(SegmentMember, ("segment_id", "customer_id"))

contribute(
    Customer,
    "region_id",
    field(
        TreeReferenceKind("region"),
        label=msg("Sales region"),
        references="region.id",
        name_level=True,
    ),
)
contribute(
    Customer,
    "latitude",
    field(LATITUDE, label=msg("Latitude"), description=msg("In degrees, north is positive (WGS 84).")),
)
contribute(
    Customer,
    "longitude",
    field(LONGITUDE, label=msg("Longitude"), description=msg("In degrees, east is positive (WGS 84).")),
)
for _name, _label, _help in (
    (
        "rfm_recency",
        msg("RFM: recency"),
        msg("5 is the fifth of the buyers who bought last, 1 who bought longest ago."),
    ),
    ("rfm_frequency", msg("RFM: frequency"), msg("5 is the fifth who ordered most often in twelve months.")),
    (
        "rfm_monetary",
        msg("RFM: money"),
        msg(
            "5 is the fifth who ordered for most in twelve months; empty where an order is in another currency."
        ),
    ),
):
    contribute(Customer, _name, field(QUINTILE, label=_label, description=_help, read_only=True))
contribute(
    Customer,
    "sales_region",
    relation("Region", label=msg("Sales region"), foreign_key="Customer.region_id"),
)
contribute(
    Customer,
    "classes",
    relation("ClassifiedCustomer", label=msg("Classes"), foreign_key="ClassifiedCustomer.customer_id"),
)
contribute(
    Customer,
    "segment_memberships",
    relation("SegmentMember", label=msg("Frozen segments"), foreign_key="SegmentMember.customer_id"),
)
contribute(
    Customer,
    "route_stops",
    relation("RouteStop", label=msg("Stops of routes"), foreign_key="RouteStop.customer_id"),
)
_customer = Customer.__table__.c
Index(
    "ix_customer_region_id_name_sort",
    _customer.region_id,
    _customer.name_sort,
    _customer.id,
    postgresql_where=_customer.region_id.is_not(None),
)
