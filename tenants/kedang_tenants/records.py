"""Every feature's models, imported in the order of the layers: what migrations and the catalogue see."""

from kedang_tenants.changing import tables as changing_tables
from kedang_tenants.customers import models as customers
from kedang_tenants.people import models as people

__all__ = ["changing_tables", "customers", "people"]
