"""The read planner: the one place where scope and masks are applied to what is read."""

from kedang_tenants.reading.errors import BadCursor, CircularFilter, MaskedField
from kedang_tenants.reading.groups import Figure, Grouping, GroupKey, Groups, read_groups
from kedang_tenants.reading.reader import PageOfRows, Read, read_listing, read_lookup
from kedang_tenants.reading.request import (
    EVERYTHING,
    All,
    AnyOf,
    Compare,
    Filter,
    Kept,
    Listing,
    Lookup,
    Not,
    Order,
    Page,
    ReadRequest,
    Related,
    Search,
    Select,
)
from kedang_tenants.reading.viewer import NO_ACCESS, Access, Scope, Viewer

__all__ = [
    "EVERYTHING",
    "NO_ACCESS",
    "Access",
    "All",
    "AnyOf",
    "BadCursor",
    "CircularFilter",
    "Compare",
    "Figure",
    "Filter",
    "GroupKey",
    "Grouping",
    "Groups",
    "Kept",
    "Listing",
    "Lookup",
    "MaskedField",
    "Not",
    "Order",
    "Page",
    "PageOfRows",
    "Read",
    "ReadRequest",
    "Related",
    "Scope",
    "Search",
    "Select",
    "Viewer",
    "read_groups",
    "read_listing",
    "read_lookup",
]
