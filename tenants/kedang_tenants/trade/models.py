"""Trade: what a company sells, what its customers ordered, and what was delivered (P1, P4)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    CurrencyKind,
    DayKind,
    DecimalKind,
    FlagKind,
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
    unique_among_living,
)
from kedang_tenants.customers.models import Customer
from kedang_tenants.people.models import Member

OPEN, DELIVERED, CANCELLED = "OPEN", "DELIVERED", "CANCELLED"
ORDER_STATES = (
    Option(OPEN, msg("To be delivered")),
    Option(DELIVERED, msg("Delivered")),
    Option(CANCELLED, msg("Cancelled")),
)
DELIVERY_STATES = (
    Option("PLANNED", msg("Planned")),
    Option("SHIPPED", msg("Shipped")),
    Option("RECEIVED", msg("Received")),
    Option("CANCELLED", msg("Cancelled")),
)
PROFIT_TIERS = (
    Option("HIGH", msg("High profit")),
    Option("MEDIUM", msg("Medium profit")),
    Option("LOW", msg("Low profit")),
    Option("LOSS", msg("Loss")),
)
PROMOTIONS = (Option("PROMOTE", msg("To be promoted")), Option("RESTRICT", msg("To be restricted")))
PRICE = DecimalKind(Decimal(0), Decimal(10**9))
_LONG = TextKind(10_000, multiline=True)
_STOCK = IntegerKind(0, 10**9)


class ProductCategory(Record):
    """A group of products."""

    __tablename__ = "product_category"
    __prefix__ = "pca"
    __labels__ = (msg("Product category"), msg("Product categories"))
    __plural__ = "productCategories"
    __key__ = ("name",)
    __order__ = ("name",)

    name: Mapped[str] = field(TextKind(100), label=msg("Name"), required=True, unique=True, name_level=True)
    description: Mapped[str | None] = field(
        TextKind(2000, multiline=True), label=msg("Description"), sort=False
    )

    products: Mapped[list[Product]] = relation(
        "Product", label=msg("Products"), foreign_key="Product.category_id"
    )


class Product(Record, Searchable):
    """Something that the company sells."""

    __tablename__ = "product"
    __prefix__ = "pro"
    __labels__ = (msg("Product"), msg("Products"))
    __key__ = ("number",)
    __order__ = ("name",)

    number: Mapped[str] = field(
        TextKind(40), label=msg("Number"), required=True, unique=True, search=True, name_level=True
    )
    name: Mapped[str] = field(
        TextKind(200), label=msg("Name"), required=True, search=True, name_level=True, sort_key="name_sort"
    )
    category_id: Mapped[UUID | None] = field(
        ReferenceKind("product_category"),
        label=msg("Product category"),
        references="product_category.id",
        index=True,
        name_level=True,
    )
    supplier_id: Mapped[UUID | None] = field(
        ReferenceKind("customer"), label=msg("Supplier"), references="customer.id", index=True
    )
    quantity_per_unit: Mapped[str | None] = field(TextKind(100), label=msg("Quantity per unit"))
    currency: Mapped[str | None] = field(
        CurrencyKind(), label=msg("Currency"), description="ISO 4217; the company's where none is said"
    )
    list_price: Mapped[Decimal | None] = field(PRICE, label=msg("List price"), currency="currency")
    cost: Mapped[Decimal | None] = field(
        PRICE,
        label=msg("Cost"),
        sensitivity="cost",
        description="Empty means unknown, never zero",
        currency="currency",
    )
    floor_price: Mapped[Decimal | None] = field(
        PRICE,
        label=msg("Floor price"),
        currency="currency",
        description="The lowest unit price at which it is sold without asking",
    )
    margin: Mapped[Decimal | None] = field(
        DecimalKind(),
        label=msg("Margin"),
        read_only=True,
        sensitivity="profit",
        description="What the list price leaves over the cost, as a fraction of the list price; empty: unknown",
    )
    profit_tier: Mapped[str | None] = field(
        ChoiceKind(PROFIT_TIERS),
        label=msg("Profit tier"),
        read_only=True,
        sensitivity="profit",
        description=(
            "By the margin and the company's rule; without one from 0.4 on high, from 0.2 on medium, below 0 a loss"
        ),
    )
    promotion: Mapped[str | None] = field(ChoiceKind(PROMOTIONS), label=msg("Promotion"))
    features: Mapped[str | None] = field(_LONG, label=msg("Features"), sort=False)
    cautions: Mapped[str | None] = field(_LONG, label=msg("Cautions"), sort=False)
    conditions_of_use: Mapped[str | None] = field(_LONG, label=msg("Conditions of use"), sort=False)
    care_points: Mapped[str | None] = field(_LONG, label=msg("Care points"), sort=False)
    units_in_stock: Mapped[int | None] = field(_STOCK, label=msg("In stock"))
    units_on_order: Mapped[int | None] = field(_STOCK, label=msg("On order"))
    reorder_level: Mapped[int | None] = field(_STOCK, label=msg("Reorder level"))
    discontinued: Mapped[bool] = field(FlagKind(), label=msg("Discontinued"), required=True, default=False)
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    category: Mapped[ProductCategory | None] = relation(
        "ProductCategory", label=msg("Product category"), foreign_key="Product.category_id"
    )
    supplier: Mapped[Customer | None] = relation(
        "Customer", label=msg("Supplier"), foreign_key="Product.supplier_id"
    )
    order_lines: Mapped[list[OrderLine]] = relation(
        "OrderLine", label=msg("Order lines"), foreign_key="OrderLine.product_id"
    )

    __table_args__ = (Index("ix_product_name_sort", "name_sort", "id"),)


class Order(Record):
    """What a customer ordered (订单). ``total`` is the sum of its lines, without freight."""

    __tablename__ = "sales_order"  # "order" is a word of SQL
    __record__ = "order"
    __prefix__ = "ord"
    __labels__ = (msg("Order"), msg("Orders"))
    __owner__ = ("customer", "owner_id")
    __key__ = ("number",)
    __brings__ = ("lines",)
    __order__ = ("ordered_on",)

    number: Mapped[str] = field(
        TextKind(40), label=msg("Number"), required=True, unique=True, name_level=True
    )
    customer_id: Mapped[UUID] = field(
        ReferenceKind("customer"),
        label=msg("Customer"),
        required=True,
        references="customer.id",
        create_only=True,
        name_level=True,
    )
    seller_id: Mapped[UUID | None] = field(
        ReferenceKind("member"), label=msg("Seller"), references="member.id", index=True
    )
    state: Mapped[str] = field(ChoiceKind(ORDER_STATES), label=msg("State"), required=True, default=OPEN)
    ordered_on: Mapped[date] = field(DayKind(), label=msg("Ordered on"), required=True)
    required_on: Mapped[date | None] = field(DayKind(), label=msg("Required on"))
    currency: Mapped[str] = field(
        CurrencyKind(),
        label=msg("Currency"),
        required=True,
        default="",  # the rule of trade puts the company's currency in its place
        create_only=True,
        description="ISO 4217; the company's where none is said",
    )
    total: Mapped[int] = field(
        MoneyKind(), label=msg("Total"), required=True, default=0, read_only=True, currency="currency"
    )
    profit: Mapped[int | None] = field(
        MoneyKind(),
        label=msg("Profit contribution"),
        default=0,
        read_only=True,
        sensitivity="profit",
        currency="currency",
        description="The sum of what its lines leave over their cost; empty: unknown, since a line's cost is",
    )
    freight: Mapped[int | None] = field(MoneyKind(0), label=msg("Freight"), currency="currency")
    ship_name: Mapped[str | None] = field(TextKind(200), label=msg("Ship to: name"))
    ship_address: Mapped[str | None] = field(TextKind(300), label=msg("Ship to: address"))
    ship_city: Mapped[str | None] = field(TextKind(100), label=msg("Ship to: city"))
    ship_region: Mapped[str | None] = field(TextKind(100), label=msg("Ship to: region"))
    ship_postal_code: Mapped[str | None] = field(TextKind(20), label=msg("Ship to: postal code"))
    ship_country: Mapped[str | None] = field(TextKind(100), label=msg("Ship to: country"))
    note: Mapped[str | None] = field(TextKind(10_000, multiline=True), label=msg("Note"), sort=False)

    customer: Mapped[Customer] = relation("Customer", label=msg("Customer"), foreign_key="Order.customer_id")
    seller: Mapped[Member | None] = relation("Member", label=msg("Seller"), foreign_key="Order.seller_id")
    lines: Mapped[list[OrderLine]] = relation(
        "OrderLine", label=msg("Order lines"), foreign_key="OrderLine.order_id"
    )
    deliveries: Mapped[list[Delivery]] = relation(
        "Delivery", label=msg("Deliveries"), foreign_key="Delivery.order_id"
    )

    __table_args__ = (
        Index("ix_sales_order_customer_id_ordered_on", "customer_id", "ordered_on", "id"),
        Index("ix_sales_order_ordered_on", "ordered_on", "id"),
    )


class OrderLine(Record):
    """One product of an order. ``amount`` is rounded half up once; see ``kedang_platform.money.line_amount``."""

    __tablename__ = "order_line"
    __prefix__ = "oli"
    __labels__ = (msg("Order line"), msg("Order lines"))
    __owner__ = ("order", "customer", "owner_id")
    __key__ = ("order_id", "position")
    __order__ = ("position",)

    order_id: Mapped[UUID] = field(
        ReferenceKind("order"),
        label=msg("Order"),
        required=True,
        references="sales_order.id",
        create_only=True,
    )
    position: Mapped[int] = field(
        IntegerKind(1, 100_000),
        label=msg("Position"),
        required=True,
        default=0,  # the rule of trade puts the next free position in its place
        create_only=True,
        description="The next free one where none is said",
    )
    product_id: Mapped[UUID] = field(
        ReferenceKind("product"),
        label=msg("Product"),
        required=True,
        references="product.id",
        index=True,
    )
    quantity: Mapped[Decimal] = field(
        DecimalKind(Decimal(0), Decimal(10**9)), label=msg("Quantity"), required=True
    )
    unit_price: Mapped[Decimal] = field(
        PRICE, label=msg("Unit price"), required=True, currency="order.currency"
    )
    discount: Mapped[Decimal] = field(
        DecimalKind(Decimal(0), Decimal(1)),
        label=msg("Discount"),
        required=True,
        default=Decimal(0),
        description="A fraction: 0.15 is fifteen percent off",
    )
    amount: Mapped[int] = field(
        MoneyKind(), label=msg("Amount"), required=True, default=0, read_only=True, currency="order.currency"
    )
    unit_cost: Mapped[Decimal | None] = field(
        PRICE,
        label=msg("Unit cost"),
        sensitivity="cost",
        currency="order.currency",
        description="The product's cost when it was ordered, where none is said; empty means unknown, never zero",
    )
    profit: Mapped[int | None] = field(
        MoneyKind(),
        label=msg("Profit contribution"),
        read_only=True,
        sensitivity="profit",
        currency="order.currency",
        description="The amount less the cost of the quantity; empty: unknown",
    )

    order: Mapped[Order] = relation("Order", label=msg("Order"), foreign_key="OrderLine.order_id")
    product: Mapped[Product] = relation("Product", label=msg("Product"), foreign_key="OrderLine.product_id")


unique_among_living(OrderLine, ("order_id", "position"))


class Delivery(Record):
    """A shipment of an order (发货)."""

    __tablename__ = "delivery"
    __prefix__ = "del"
    __labels__ = (msg("Delivery"), msg("Deliveries"))
    __plural__ = "deliveries"
    __owner__ = ("order", "customer", "owner_id")
    __key__ = ("number",)
    __order__ = ("number",)

    number: Mapped[str] = field(TextKind(40), label=msg("Number"), required=True, unique=True)
    order_id: Mapped[UUID] = field(
        ReferenceKind("order"),
        label=msg("Order"),
        required=True,
        references="sales_order.id",
        create_only=True,
        index=True,
    )
    state: Mapped[str] = field(
        ChoiceKind(DELIVERY_STATES), label=msg("State"), required=True, default="PLANNED"
    )
    carrier: Mapped[str | None] = field(TextKind(100), label=msg("Carrier"))
    shipped_on: Mapped[date | None] = field(DayKind(), label=msg("Shipped on"))
    delivered_on: Mapped[date | None] = field(DayKind(), label=msg("Delivered on"))
    note: Mapped[str | None] = field(TextKind(2000, multiline=True), label=msg("Note"), sort=False)

    order: Mapped[Order] = relation("Order", label=msg("Order"), foreign_key="Delivery.order_id")


contribute(Customer, "orders", relation("Order", label=msg("Orders"), foreign_key="Order.customer_id"))
contribute(
    Customer,
    "supplied_products",
    relation("Product", label=msg("Products supplied"), foreign_key="Product.supplier_id"),
)
