"""Says one more field of a customer, once, before anything has read the catalogue (``pytest -p``)."""

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import TextKind, contribute, field
from kedang_tenants.customers.models import Customer

contribute(
    Customer,
    "favourite_drink",
    field(TextKind(40), label=msg("Favourite drink"), sensitivity="phone", description="What to pour"),
)
