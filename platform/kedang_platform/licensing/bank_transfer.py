"""How the product is paid: a port for whoever brings money, and the bank transfer behind it (T4).

A provider says how an invoice is paid, and reads the reference under which money arrives. What arrives is noted by
``payments.receive``, whoever brought it: a card's provider would call it from its notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.references import read_reference

TRANSFER: Final = "bank_transfer"


@dataclass(frozen=True, slots=True)
class HowToPay:
    """What a buyer needs: where to, under which reference, or a page of the provider."""

    provider: str
    reference: str
    account: str | None = None
    url: str | None = None


class PaymentProvider(Protocol):
    @property
    def name(self) -> str:
        """As it stands beside each payment."""
        ...

    def how_to_pay(self, reference: str) -> HowToPay:
        """What the buyer of the invoice with this reference is told."""
        ...

    def read_reference(self, text: str) -> str | None:
        """The reference as we wrote it, however it arrived; None where it cannot be one of ours."""
        ...


@dataclass(frozen=True, slots=True)
class BankTransfer:
    """Paid to an account under a reference with a check character; the operator says what arrived."""

    account: str | None
    name: str = TRANSFER

    @classmethod
    def of(cls, billing: Billing) -> BankTransfer:
        return cls(billing.seller.bank_account)

    def how_to_pay(self, reference: str) -> HowToPay:
        return HowToPay(self.name, reference, account=self.account)

    def read_reference(self, text: str) -> str | None:
        return read_reference(text)
