"""Credit notes: an invoice is corrected by a paper of its own, in whole or in part, never changed (T4)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final

from kedang_platform.database import ControlTransaction
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.licensing import ledger
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.invoices import CreditTooLarge, Invoice, TaxedLine, issue
from kedang_platform.money import round_half_up

CORRECTION: Final = "correction"
CANCELLATION: Final = "cancellation"
_LONGEST_REMARK: Final = 500
_TEXT = msg("Correction of invoice {number}")


class RemarkMissing(BadUserInput):
    """Why is not said, or at too great a length."""

    def __init__(self) -> None:
        super().__init__(
            msg("Please say why, in at most {most} characters."), most=_LONGEST_REMARK, path=("remark",)
        )


async def credit(
    control: ControlTransaction,
    *,
    billing: Billing,
    invoice: Invoice,
    amount: int | None,
    remark: str | None,
    purpose: str = CORRECTION,
    now: datetime,
) -> Invoice:
    """Credit ``amount`` of an invoice, tax included, or with None all that is left of it; returns the credit note.

    What is owed of the invoice becomes less by it; what was paid stands to the company's credit. Call it under the
    lock of the company's seats. Raises ``CreditTooLarge``; then nothing is written.
    """
    left = await ledger.left_of(control, invoice_id=invoice.id)
    gross = left.gross if amount is None else amount
    if invoice.kind != "invoice" or not 0 < gross <= left.gross:
        raise CreditTooLarge(invoice.number)
    net = _net_of(gross, left, invoice.tax_rate)
    params: dict[str, str | int] = {"number": invoice.number}
    line = TaxedLine(_TEXT, params, 1, net, None, Fraction(1), net, tax=gross - net)
    return await issue(
        control,
        billing=billing,
        company_id=invoice.company_id,
        kind="credit_note",
        currency=invoice.currency,
        lines=[line],
        due_at=None,
        purpose=purpose,
        corrects=invoice.id,
        remark=remark,
        now=now,
    )


async def cancel(
    control: ControlTransaction, *, billing: Billing, invoice: Invoice, now: datetime
) -> Invoice | None:
    """Credit what is still owed of an invoice; None where nothing is."""
    owed = await ledger.open_of(control, invoice_id=invoice.id)
    if not owed:
        return None
    return await credit(
        control,
        billing=billing,
        invoice=invoice,
        amount=owed,
        remark=None,
        purpose=CANCELLATION,
        now=now,
    )


def checked_remark(text: str | None) -> str:
    """Why something is corrected, which has to be said. Raises ``RemarkMissing``."""
    plain = " ".join((text or "").split())
    if not 0 < len(plain) <= _LONGEST_REMARK:
        raise RemarkMissing
    return plain


def _net_of(gross: int, left: ledger.Left, rate: Decimal) -> int:
    """The part without tax of a gross amount: with the tax beside it exactly ``gross``, both within what is left."""
    if gross == left.gross:
        return left.net
    net = min(round_half_up(gross / (1 + rate / 100)), left.net, gross)
    return gross - min(gross - net, left.tax)
