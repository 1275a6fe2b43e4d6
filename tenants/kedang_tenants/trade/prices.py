"""Price steps (P1): the unit price of a product from a quantity on, for everybody or for the customers of a grade."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy.orm import Mapped

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    DecimalKind,
    Record,
    ReferenceKind,
    contribute,
    field,
    relation,
)
from kedang_tenants.trade.models import PRICE, Product


class PriceStep(Record):
    """A unit price of a product, in the product's currency, from a quantity on."""

    __tablename__ = "price_step"
    __prefix__ = "pst"
    __labels__ = (msg("Price step"), msg("Price steps"))
    __key__ = ("product_id", "from_quantity")
    __order__ = ("from_quantity",)

    product_id: Mapped[UUID] = field(
        ReferenceKind("product"),
        label=msg("Product"),
        required=True,
        references="product.id",
        create_only=True,
    )
    from_quantity: Mapped[Decimal] = field(
        DecimalKind(Decimal(0), Decimal(10**9)), label=msg("From quantity"), required=True
    )
    unit_price: Mapped[Decimal] = field(
        PRICE, label=msg("Unit price"), required=True, currency="product.currency"
    )

    product: Mapped[Product] = relation("Product", label=msg("Product"), foreign_key="PriceStep.product_id")


contribute(
    Product,
    "price_steps",
    relation("PriceStep", label=msg("Price steps"), foreign_key="PriceStep.product_id"),
)
