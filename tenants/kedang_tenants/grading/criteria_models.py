"""What customers are graded by that stands in the archive itself: credit rating and purchasing power (A2, G2)."""

from __future__ import annotations

from typing import Final

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import ChoiceKind, Option, contribute, field
from kedang_tenants.customers.models import Customer

CREDIT_RATINGS: Final = tuple(
    Option(code, code) for code in ("AAA", "AA", "A", "BBB", "BB", "B", "CCC", "CC", "C", "D")
)
"""From the best to the worst, as rating agencies write them."""

PURCHASING_POWERS: Final = (
    Option("VERY_HIGH", msg("Very high")),
    Option("HIGH", msg("High")),
    Option("MEDIUM", msg("Medium")),
    Option("LOW", msg("Low")),
)
"""From the best to the worst."""

contribute(
    Customer,
    "credit_rating",
    field(
        ChoiceKind(CREDIT_RATINGS),
        label=msg("Credit rating"),
        sensitivity="credit",
        description="From AAA to D; empty: not rated",
    ),
)
contribute(
    Customer,
    "purchasing_power",
    field(
        ChoiceKind(PURCHASING_POWERS),
        label=msg("Purchasing power"),
        description="Empty: not known",
    ),
)
