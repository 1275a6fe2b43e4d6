"""Money that arrives: noted, seen by a second operator where it is much, and undone by a row of its own (T4).

A payment is never changed. It is proposed, confirmed, perhaps reversed; each of these steps is a row with who and
when. It counts from its confirmation to its reversal.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal
from uuid import UUID

import asyncpg

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.ids import new_id
from kedang_platform.licensing import ledger, lifecycle, orders
from kedang_platform.licensing.bank_transfer import BankTransfer, PaymentProvider
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.invoices import Invoice, find_invoice, open_invoices
from kedang_platform.licensing.orders import SeatOrder
from kedang_platform.licensing.payment_errors import (
    AlreadyConfirmed,
    AmountWrong,
    MisreadReference,
    NothingOpen,
    PaymentDiffers,
    PaymentReversed,
    SameOperator,
    UnknownPayment,
    UnknownReference,
    ValueDateWrong,
)
from kedang_platform.licensing.seats import hold_seats
from kedang_platform.money import to_amount, to_minor

Step = Literal["proposed", "confirmed", "reversed"]
LARGEST: Final = 10**12
"""Major units that one payment may be of."""


@dataclass(frozen=True, slots=True)
class PaymentStep:
    """Who did what with a payment, and when."""

    step: Step
    operator: str
    remark: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that arrived under the reference of an invoice: minor units, and the day that the bank says."""

    id: UUID
    company_id: UUID
    invoice_id: UUID
    provider: str
    currency: str
    amount: int
    value_date: date
    noted_at: datetime
    steps: tuple[PaymentStep, ...]

    @property
    def state(self) -> Step:
        """How far it came: a payment counts while it is ``confirmed``."""
        return self.steps[-1].step

    @property
    def proposed_by(self) -> str:
        return self.steps[0].operator


@dataclass(frozen=True, slots=True)
class Received:
    """What the operator, or a provider, says has arrived: major units, as a bank's statement has them.

    Without an amount it is what is owed, without a day today. ``again`` says that it is a
    further payment although one of the same amount was confirmed, of the same day where a day is said.
    """

    reference: str
    amount: Decimal | None = None
    value_date: date | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What became of a payment: what is still owed of its invoice, and what the company has to its credit."""

    payment: Payment
    invoice: Invoice
    owed: int
    credit: int
    order: SeatOrder | None


async def receive(
    control: ControlTransaction,
    *,
    received: Received,
    operator: str,
    billing: Billing,
    now: datetime,
    provider: PaymentProvider | None = None,
) -> Confirmation:
    """Note a payment and let it pay; above the limit it is only proposed until a second operator confirms it.

    Raises ``MisreadReference``, ``UnknownReference``, ``AlreadyConfirmed``, ``NothingOpen``, ``AmountWrong``,
    ``ValueDateWrong``, ``SameOperator``, ``PaymentDiffers``; nothing is written then.
    """
    by = provider or BankTransfer.of(billing)
    exact = by.read_reference(received.reference)
    if exact is None:
        raise MisreadReference(received.reference)
    invoice = await _invoice_under(control, exact, billing=billing, now=now)
    payments = await payments_of(control, invoice_id=invoice.id)
    waiting = next((payment for payment in payments if payment.state == "proposed"), None)
    if waiting is not None:
        _ensure_second(waiting, received, operator)
        await _step(control, waiting.id, "confirmed", operator, now=now)
        payment = waiting
    else:
        owed = await ledger.open_of(control, invoice_id=invoice.id)
        amount = _amount(received, payments, owed, invoice, today=billing.day_of(now))
        payment = await _note(control, invoice, by.name, amount, received, operator, billing, now)
        if _needs_second(payments, amount, billing.second_operator_above.get(invoice.currency)):
            return await _told(control, payment.id, invoice.id)
        await _step(control, payment.id, "confirmed", operator, now=now)
    await _pay(control, payment.id, invoice, operator=operator, billing=billing, now=now)
    return await _told(control, payment.id, invoice.id)


async def reverse(
    control: ControlTransaction,
    *,
    payment_id: UUID,
    operator: str,
    remark: str,
    owners: Collection[UUID] = (),
    billing: Billing,
    now: datetime,
) -> Confirmation:
    """Undo a payment that was confirmed or proposed by mistake; what it paid is owed again.

    ``owners`` keep their seats first where some are taken. Other credit of the company takes its place as far as it goes. Raises ``UnknownPayment``, ``PaymentReversed``.
    """
    payment = await _held_payment(control, payment_id)
    if payment.state == "reversed":
        raise PaymentReversed(payment.steps[-1].at, payment.steps[-1].operator)
    await _step(control, payment.id, "reversed", operator, remark=remark, now=now)
    for again in await ledger.give_back(control, payment_id=payment.id, now=now):
        if not await ledger.use_credit(control, invoice_id=again, now=now):
            invoice = await find_invoice(control, invoice_id=again)
            await lifecycle.reopened(
                control,
                invoice=invoice,
                arrived_for=payment.invoice_id,
                owners=owners,
                billing=billing,
                now=now,
            )
            await orders.owe_again(control, invoice_id=again)
    return await _told(control, payment.id, payment.invoice_id)


async def settle_dues(
    control: ControlTransaction, *, company_id: UUID, billing: Billing, now: datetime
) -> list[Invoice]:
    """Pay by the company's credit what it owes, what is due first first; returns the invoices that are paid now.

    Orders of seats are left alone: they bind nobody, and credit is not spent on what may not be wanted any more.
    """
    settled: list[Invoice] = []
    for invoice in await open_invoices(control, company_id=company_id):
        if invoice.purpose == orders.PURCHASE:
            continue
        if await ledger.use_credit(control, invoice_id=invoice.id, now=now):
            paid = await find_invoice(control, invoice_id=invoice.id)
            await lifecycle.settled(control, invoice=paid, billing=billing, now=now)
            settled.append(paid)
    return settled


async def _invoice_under(
    control: ControlTransaction, reference: str, *, billing: Billing, now: datetime
) -> Invoice:
    """The invoice of a reference, under the lock of its company's seats; orders of old get theirs now."""
    found = await control.fetchrow(
        "SELECT company_id FROM platform.invoice WHERE reference = $1"
        " UNION SELECT company_id FROM platform.seat_order WHERE reference = $1",
        reference,
    )
    if found is None:
        raise UnknownReference(reference)
    try:
        await hold_seats(control, company_id=found["company_id"])
    except LookupError as error:  # the company is gone
        raise UnknownReference(reference) from error
    invoice_id = await control.fetchval("SELECT id FROM platform.invoice WHERE reference = $1", reference)
    if invoice_id is None:
        return await orders.invoice_order(control, reference=reference, billing=billing, now=now)
    return await find_invoice(control, invoice_id=invoice_id)


def _ensure_second(waiting: Payment, received: Received, operator: str) -> None:
    """The second operator is another one and says the same."""
    if waiting.proposed_by == operator:
        raise SameOperator(operator)
    given, day = exact_amount(received.amount, waiting.currency), received.value_date
    if (given is not None and given != waiting.amount) or (day is not None and day != waiting.value_date):
        raise PaymentDiffers(waiting.amount, waiting.currency, waiting.value_date, waiting.proposed_by)


def _amount(
    received: Received, payments: Sequence[Payment], owed: int, invoice: Invoice, *, today: date
) -> int:
    """What arrived, after everything that speaks against it."""
    day = received.value_date or today
    if day > today:
        raise ValueDateWrong
    confirmed = [payment for payment in payments if payment.state == "confirmed"]
    if received.amount is None:
        if owed == 0 and confirmed:
            raise AlreadyConfirmed(invoice.reference, confirmed[-1].steps[-1])
        if owed == 0:
            raise NothingOpen(invoice.number)
        return owed
    amount = exact_amount(received.amount, invoice.currency)
    assert amount is not None
    # Who says no day may mean the transfer that another noted on the day before.
    same = [
        one for one in confirmed if one.amount == amount and received.value_date in (None, one.value_date)
    ]
    if same and not received.again:
        raise AlreadyConfirmed(invoice.reference, same[-1].steps[-1])
    return amount


def exact_amount(given: Decimal | None, currency: str) -> int | None:
    """An amount in minor units. Raises ``AmountWrong`` for one that has more places than the currency, or is none."""
    if given is None:
        return None
    if not given.is_finite() or not 0 < given <= LARGEST:
        raise AmountWrong
    minor = to_minor(amount=given, currency=currency)
    if to_amount(minor=minor, currency=currency) != given:
        raise AmountWrong
    return minor


def _needs_second(payments: Sequence[Payment], amount: int, limit: int | None) -> bool:
    """Parts are added up, so that nobody comes below the limit by cutting a transfer in pieces."""
    arrived = sum(payment.amount for payment in payments if payment.state == "confirmed")
    return limit is not None and arrived + amount > limit


async def _pay(
    control: ControlTransaction,
    payment_id: UUID,
    invoice: Invoice,
    *,
    operator: str,
    billing: Billing,
    now: datetime,
) -> None:
    """Let a confirmed payment pay its own invoice, then what else is due."""
    if await ledger.use_credit(control, invoice_id=invoice.id, now=now, first=payment_id):
        await orders.note_paid(control, invoice_id=invoice.id, operator=operator, now=now)
        paid = await find_invoice(control, invoice_id=invoice.id)
        await lifecycle.settled(control, invoice=paid, billing=billing, now=now)
    await settle_dues(control, company_id=invoice.company_id, billing=billing, now=now)


async def _note(
    control: ControlTransaction,
    invoice: Invoice,
    provider: str,
    amount: int,
    received: Received,
    operator: str,
    billing: Billing,
    now: datetime,
) -> Payment:
    payment_id = new_id()
    await control.fetch(
        "INSERT INTO platform.payment (id, company_id, invoice_id, provider, currency, amount, value_date, noted_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        payment_id,
        invoice.company_id,
        invoice.id,
        provider,
        invoice.currency,
        amount,
        received.value_date or billing.day_of(now),
        now,
    )
    await _step(control, payment_id, "proposed", operator, now=now)
    return await find_payment(control, payment_id=payment_id)


async def _step(
    control: ControlTransaction,
    payment_id: UUID,
    step: Step,
    operator: str,
    *,
    remark: str | None = None,
    now: datetime,
) -> None:
    await control.fetch(
        "INSERT INTO platform.payment_step (payment_id, step, operator, remark, at) VALUES ($1, $2, $3, $4, $5)",
        payment_id,
        step,
        operator,
        remark,
        now,
    )


async def _held_payment(control: ControlTransaction, payment_id: UUID) -> Payment:
    """The payment, under the lock of its company's seats."""
    payment = await find_payment(control, payment_id=payment_id)
    try:
        await hold_seats(control, company_id=payment.company_id)
    except LookupError as error:
        raise UnknownPayment from error
    return await find_payment(control, payment_id=payment_id)


async def _told(control: ControlTransaction, payment_id: UUID, invoice_id: UUID) -> Confirmation:
    invoice = await find_invoice(control, invoice_id=invoice_id)
    return Confirmation(
        payment=await find_payment(control, payment_id=payment_id),
        invoice=invoice,
        owed=await ledger.open_of(control, invoice_id=invoice_id),
        credit=await ledger.credit_of(control, company_id=invoice.company_id, currency=invoice.currency),
        order=await orders.order_of_invoice(control, invoice_id=invoice_id),
    )


_PAYMENTS = """
SELECT p.*, s.step, s.operator, s.remark, s.at FROM platform.payment p
JOIN platform.payment_step s ON s.payment_id = p.id
WHERE p.{column} = ANY($1)
ORDER BY p.noted_at, p.id, array_position(ARRAY['proposed', 'confirmed', 'reversed'], s.step)
"""


async def payments_of(read: ControlRead, *, invoice_id: UUID) -> list[Payment]:
    """What arrived under the invoice's reference, the oldest first, undone payments too."""
    return await _payments(read, "invoice_id", [invoice_id])


async def payments_by_invoice(
    read: ControlRead, *, invoice_ids: Collection[UUID]
) -> dict[UUID, list[Payment]]:
    """As ``payments_of``, of many invoices at once; one without payments is not in it."""
    found: dict[UUID, list[Payment]] = {}
    for payment in await _payments(read, "invoice_id", invoice_ids):
        found.setdefault(payment.invoice_id, []).append(payment)
    return found


async def find_payment(read: ControlRead, *, payment_id: UUID) -> Payment:
    """Raises ``UnknownPayment``."""
    found = await _payments(read, "id", [payment_id])
    if not found:
        raise UnknownPayment
    return found[0]


async def _payments(
    read: ControlRead, column: Literal["id", "invoice_id"], values: Collection[UUID]
) -> list[Payment]:
    steps: dict[UUID, list[PaymentStep]] = {}
    heads: dict[UUID, asyncpg.Record] = {}
    for row in await read.fetch(_PAYMENTS.format(column=column), list(values)):
        heads.setdefault(row["id"], row)
        told = PaymentStep(row["step"], row["operator"], row["remark"], row["at"])
        steps.setdefault(row["id"], []).append(told)
    return [
        Payment(
            id=row["id"],
            company_id=row["company_id"],
            invoice_id=row["invoice_id"],
            provider=row["provider"],
            currency=row["currency"],
            amount=row["amount"],
            value_date=row["value_date"],
            noted_at=row["noted_at"],
            steps=tuple(steps[payment_id]),
        )
        for payment_id, row in heads.items()
    ]
