"""Who sells, what tax is added, and what may stand in a number: the installation's side of every invoice (T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, Self
from zoneinfo import ZoneInfo

from kedang_platform.clock import Clock
from kedang_platform.settings import Settings

NO_TAX: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Seller:
    """Who sells seats, as an invoice names it."""

    name: str
    address: str | None = None
    tax_number: str | None = None
    email: str | None = None
    bank_account: str | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """What issuing an invoice needs of the settings.

    ``tax_rates`` are percents by the buyer's country (ISO 3166-1 alpha-2); ``second_operator_above`` are minor
    units by currency; the day and the year of an invoice are those of ``zone``.
    """

    seller: Seller
    tax_rates: Mapping[str, Decimal] = field(default_factory=dict)
    second_operator_above: Mapping[str, int] = field(default_factory=dict)
    invoice_series: str = "INV"
    credit_note_series: str = "CN"
    time_zone: str = "UTC"
    payable_in: timedelta = timedelta(days=14)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        seller = Seller(
            name=settings.seller_name,
            address=settings.seller_address,
            tax_number=settings.seller_tax_number,
            email=settings.seller_email,
            bank_account=settings.bank_account,
        )
        return cls(
            seller=seller,
            tax_rates=settings.tax_rates,
            second_operator_above=settings.second_operator_above,
            invoice_series=settings.invoice_series,
            credit_note_series=settings.credit_note_series,
            time_zone=settings.seller_time_zone,
            payable_in=timedelta(days=settings.invoice_days),
        )

    def tax_rate(self, *, country: str) -> Decimal:
        """Percent that is added for a buyer of this country."""
        return self.tax_rates.get(country, NO_TAX)

    def day_of(self, instant: datetime) -> date:
        """The day that an instant belongs to where the seller is."""
        return instant.astimezone(ZoneInfo(self.time_zone)).date()

    def today(self, clock: Clock) -> date:
        return self.day_of(clock.now())
