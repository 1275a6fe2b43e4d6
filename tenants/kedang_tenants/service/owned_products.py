"""What customers own (已购产品, P5), when it is maintained, and the one follow-up that each due day makes."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    DayKind,
    FlagKind,
    IntegerKind,
    Record,
    ReferenceKind,
    Searchable,
    TextKind,
    contribute,
    field,
    relation,
    unique_among_living,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.followups.models import FollowUpPlan
from kedang_tenants.service.models import RepairRecord, ServiceRequest
from kedang_tenants.trade.models import Order, Product

MOST_COUNTED = 10**9


class OwnedProduct(Record, Searchable):
    """A product that stands at a customer: of ours, or of others (then ``model`` says which).

    ``maintenance_due_on`` follows from the last service, or from the day that the counting begins; it is
    stored, and moved by each service. See ``service.maintenance``.
    """

    __tablename__ = "owned_product"
    __prefix__ = "opr"
    __labels__ = (msg("Owned product"), msg("Owned products"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("product_id", "serial_number")
    __order__ = ("installed_on",)

    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    product_id: Mapped[UUID | None] = field(
        ReferenceKind("product"),
        label=msg("Product"),
        references="product.id",
        description="Empty for a product that we do not sell; then the model is said",
    )
    model: Mapped[str | None] = field(TextKind(200), label=msg("Model"), search=True)
    serial_number: Mapped[str | None] = field(
        TextKind(100),
        label=msg("Serial number"),
        search=True,
        description="No two living ones of a product have the same",
    )
    order_id: Mapped[UUID | None] = field(
        ReferenceKind("order"), label=msg("Order"), references="sales_order.id", index=True
    )
    bought_on: Mapped[date | None] = field(DayKind(), label=msg("Bought on"))
    installed_on: Mapped[date | None] = field(DayKind(), label=msg("Installed on"))
    place: Mapped[str | None] = field(TextKind(300), label=msg("Place"))
    warranty_until: Mapped[date | None] = field(
        DayKind(), label=msg("Warranty until"), description="The last day of the warranty"
    )
    retired_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Retired on"),
        description="Since when it is no longer in use; nothing is due of it then",
    )
    maintenance_months: Mapped[int | None] = field(
        IntegerKind(1, 600),
        label=msg("Maintenance every (months)"),
        description="Counted from the last service; on the last day of a month that is too short",
    )
    maintenance_from: Mapped[date | None] = field(
        DayKind(),
        label=msg("Maintenance counts from"),
        description="The day of installation, else of purchase, where nothing is said; a later service counts instead",
    )
    maintenance_counts: Mapped[int | None] = field(
        IntegerKind(1, MOST_COUNTED),
        label=msg("Maintenance every (counter)"),
        description="How far the counter may run from one service to the next: hours, kilometres, pieces",
    )
    counter: Mapped[int | None] = field(IntegerKind(0, MOST_COUNTED), label=msg("Counter"))
    counter_read_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Counter read on"),
        description="Today where a counter is said without the day of its reading",
    )
    last_serviced_on: Mapped[date | None] = field(
        DayKind(), label=msg("Last service"), read_only=True, description="By the repair records"
    )
    last_serviced_at_counter: Mapped[int | None] = field(
        IntegerKind(0, MOST_COUNTED), label=msg("Counter at the last service"), read_only=True
    )
    maintenance_due_on: Mapped[date | None] = field(
        DayKind(),
        label=msg("Maintenance due on"),
        read_only=True,
        description="The earlier of the interval's day and the day on which the counter was read to have run so far",
    )
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation(
        "Customer", label=msg("Customer"), foreign_key="OwnedProduct.customer_id"
    )
    product: Mapped[Product | None] = relation(
        "Product", label=msg("Product"), foreign_key="OwnedProduct.product_id"
    )
    order: Mapped[Order | None] = relation("Order", label=msg("Order"), foreign_key="OwnedProduct.order_id")
    repair_records: Mapped[list[RepairRecord]] = relation(
        "RepairRecord", label=msg("Repair records"), foreign_key="RepairRecord.owned_product_id"
    )
    follow_up_plans: Mapped[list[FollowUpPlan]] = relation(
        "FollowUpPlan", label=msg("Follow-up plans"), foreign_key="FollowUpPlan.owned_product_id"
    )

    __table_args__ = (
        Index("ix_owned_product_customer_id_installed_on", "customer_id", "installed_on", "id"),
        Index("ix_owned_product_product_id", "product_id"),
        Index(
            "ix_owned_product_maintenance_due_on",
            "maintenance_due_on",
            "id",
            postgresql_where=text("maintenance_due_on IS NOT NULL AND archived_at IS NULL"),
        ),
        Index(
            "ix_owned_product_warranty_until",
            "warranty_until",
            "id",
            postgresql_where=text("warranty_until IS NOT NULL AND archived_at IS NULL"),
        ),
    )


unique_among_living(OwnedProduct, ("product_id", "serial_number"))

contribute(
    ServiceRequest,
    "owned_product_id",
    field(
        ReferenceKind("owned_product"),
        label=msg("Owned product"),
        references="owned_product.id",
        description="What it is about; closing a request for maintenance keeps the service in the archive",
    ),
)
contribute(
    ServiceRequest,
    "owned_product",
    relation("OwnedProduct", label=msg("Owned product"), foreign_key="ServiceRequest.owned_product_id"),
)
contribute(
    RepairRecord,
    "owned_product_id",
    field(
        ReferenceKind("owned_product"),
        label=msg("Owned product"),
        references="owned_product.id",
        create_only=True,
    ),
)
contribute(
    RepairRecord,
    "maintained",
    field(
        FlagKind(),
        label=msg("Maintenance was done"),
        required=True,
        default=True,
        server_default="true",
        description="Whether the owned product's next maintenance counts from here",
    ),
)
contribute(
    RepairRecord,
    "counter",
    field(
        IntegerKind(0, MOST_COUNTED),
        label=msg("Counter"),
        description="What the owned product's counter stood at; as last read where nothing is said",
    ),
)
contribute(
    RepairRecord,
    "owned_product",
    relation("OwnedProduct", label=msg("Owned product"), foreign_key="RepairRecord.owned_product_id"),
)
contribute(
    FollowUpPlan,
    "owned_product_id",
    field(
        ReferenceKind("owned_product"),
        label=msg("Owned product"),
        references="owned_product.id",
        read_only=True,
        description="What is to be maintained",
    ),
)
contribute(
    FollowUpPlan,
    "maintenance_on",
    field(
        DayKind(),
        label=msg("Maintenance due on"),
        read_only=True,
        description="The due day of which this is the one follow-up",
    ),
)
contribute(
    FollowUpPlan,
    "owned_product",
    relation("OwnedProduct", label=msg("Owned product"), foreign_key="FollowUpPlan.owned_product_id"),
)
contribute(
    Customer,
    "owned_products",
    relation("OwnedProduct", label=msg("Owned products"), foreign_key="OwnedProduct.customer_id"),
)
_request, _repair, _plan = ServiceRequest.__table__.c, RepairRecord.__table__.c, FollowUpPlan.__table__.c
Index(
    "ix_service_request_owned_product_id",
    _request.owned_product_id,
    postgresql_where=_request.owned_product_id.is_not(None),
)
Index(
    "ix_repair_record_owned_product_id",
    _repair.owned_product_id,
    _repair.repaired_on,
    postgresql_where=_repair.owned_product_id.is_not(None),
)
# Each due day makes exactly one follow-up, whatever became of it (P5).
Index(
    "uq_follow_up_plan_maintenance",
    _plan.owned_product_id,
    _plan.maintenance_on,
    unique=True,
    postgresql_where=_plan.maintenance_on.is_not(None),
)
