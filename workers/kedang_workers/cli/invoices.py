"""What ``kedang invoices`` does: reads the books, issues credit notes, undoes payments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from uuid import UUID

from kedang_platform.clock import SystemClock
from kedang_platform.database import Databases
from kedang_platform.embedded import Echo
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg, translate
from kedang_platform.licensing.books import Account, Entry, account_of, list_entries
from kedang_platform.licensing.credit_notes import checked_remark
from kedang_platform.licensing.invoices import Invoice, UnknownInvoice
from kedang_platform.licensing.operating import correct_invoice, undo_payment
from kedang_platform.licensing.payment_errors import UnknownPayment
from kedang_platform.licensing.payments import Confirmation, Payment, Received
from kedang_platform.money import to_amount
from kedang_platform.settings import Settings
from kedang_tenants.people.operations import owners_of
from kedang_workers.cli.reaching import account, reach


class OptionWrong(BadUserInput):
    """An option whose text is no amount, or no day."""


def received(reference: str, *, amount: str | None, value_date: str | None, again: bool) -> Received:
    """What the options say has arrived. Raises ``OptionWrong``."""
    return Received(reference, amount=_amount(amount), value_date=_day(value_date), again=again)


def show_all(settings: Settings, *, company: str | None, owed: bool, echo: Echo, as_json: bool) -> None:
    """Tell the invoices and credit notes. Raises ``UnknownInvoice`` where ``company`` is no id."""
    company_id = _id(company, UnknownInvoice()) if company else None

    async def work(databases: Databases) -> list[Entry]:
        async with databases.control_read() as read:
            return await list_entries(read, company_id=company_id, owed=owed)

    entries = reach(settings, work)
    if as_json:
        print(json.dumps([_entry(entry) for entry in entries], ensure_ascii=False))
        return
    for entry in entries:
        invoice = entry.invoice
        echo(
            msg("{number} of {day}, {company}: {gross} {currency}, owed {owed}, {state}"),
            **_words(invoice) | {"owed": _plain(entry.owed, invoice), "state": _state(entry)},
        )


def show(settings: Settings, *, number: str, echo: Echo, as_json: bool) -> None:
    """Tell one with everything that belongs to it. Raises ``UnknownInvoice``."""

    async def work(databases: Databases) -> Account:
        async with databases.control_read() as read:
            return await account_of(read, number=number)

    found = reach(settings, work)
    if as_json:
        print(json.dumps(_account(found), ensure_ascii=False))
        return
    invoice = found.entry.invoice
    echo(
        msg("{number} of {day}, {company}: {gross} {currency}, owed {owed}, {state}"),
        **_words(invoice) | {"owed": _plain(found.entry.owed, invoice), "state": _state(found.entry)},
    )
    for line in invoice.lines:
        text = translate(line.text, "en", line.params)
        echo(
            msg("  {quantity} x {text}: {net}"),
            quantity=line.quantity,
            text=text,
            net=_plain(line.amount, invoice),
        )
    for payment in found.entry.payments:
        echo(
            msg("  payment {payment}: {amount} {currency} of {day}, {state}"),
            payment=payment.id,
            amount=_plain(payment.amount, invoice),
            currency=payment.currency,
            day=payment.value_date.isoformat(),
            state=payment.state,
        )
        for step in payment.steps:
            echo(
                msg("    {step} by {operator}, {at} {remark}"),
                step=step.step,
                operator=step.operator,
                at=step.at.isoformat(timespec="minutes"),
                remark=step.remark or "",
            )
    for note in found.entry.credit_notes:
        echo(msg("  credit note {number}: {gross} {currency}"), **_words(note))


def credit(
    settings: Settings, *, number: str, amount: str | None, remark: str, echo: Echo, as_json: bool
) -> None:
    """Issue a credit note. Raises ``RemarkMissing``, ``OptionWrong``, ``UnknownInvoice``, ``CreditTooLarge``."""
    given, why = _amount(amount), checked_remark(remark)

    async def work(databases: Databases) -> Invoice:
        return await correct_invoice(
            databases, number=number, amount=given, remark=why, settings=settings, clock=SystemClock()
        )

    note = reach(settings, work)
    if as_json:
        print(json.dumps(_invoice(note), ensure_ascii=False))
        return
    echo(msg("Credit note {number}: {gross} {currency}."), **_words(note))


def reverse_payment(
    settings: Settings, *, payment: str, operator: str | None, remark: str, echo: Echo, as_json: bool
) -> None:
    """Undo a payment. Raises ``RemarkMissing``, ``UnknownPayment``, ``PaymentReversed``."""
    payment_id, why = _id(payment, UnknownPayment()), checked_remark(remark)

    async def work(databases: Databases) -> Confirmation:
        return await undo_payment(
            databases,
            payment_id=payment_id,
            operator=operator or account(),
            remark=why,
            owners=owners_of,
            settings=settings,
            clock=SystemClock(),
        )

    done = reach(settings, work)
    if as_json:
        print(
            json.dumps(
                _payment(done.payment) | {"owed": done.owed, "credit": done.credit}, ensure_ascii=False
            )
        )
        return
    echo(
        msg("Undone: {amount} {currency}. Owed of invoice {number}: {owed} {currency}."),
        amount=_plain(done.payment.amount, done.invoice),
        currency=done.payment.currency,
        number=done.invoice.number,
        owed=_plain(done.owed, done.invoice),
    )


def _plain(minor: int, invoice: Invoice) -> str:
    return str(to_amount(minor=minor, currency=invoice.currency))


def _words(invoice: Invoice) -> dict[str, object]:
    return {
        "number": invoice.number,
        "day": invoice.issued_on.isoformat(),
        "company": invoice.buyer["name"],
        "gross": _plain(invoice.gross, invoice),
        "currency": invoice.currency,
    }


def _state(entry: Entry) -> str:
    if entry.invoice.kind == "credit_note":
        return "credit_note"
    return "overdue" if entry.overdue else entry.invoice.state


def _invoice(invoice: Invoice) -> dict[str, object]:
    """As programs read it; amounts are minor units."""
    return {
        "id": str(invoice.id),
        "number": invoice.number,
        "kind": invoice.kind,
        "company": str(invoice.company_id),
        "buyer": invoice.buyer["name"],
        "purpose": invoice.purpose,
        "reference": invoice.reference,
        "currency": invoice.currency,
        "net": invoice.net,
        "tax": invoice.tax,
        "gross": invoice.gross,
        "issuedOn": invoice.issued_on.isoformat(),
        "dueAt": invoice.due_at.isoformat() if invoice.due_at else None,
        "remark": invoice.remark,
    }


def _entry(entry: Entry) -> dict[str, object]:
    return _invoice(entry.invoice) | {"owed": entry.owed, "state": _state(entry)}


def _account(found: Account) -> dict[str, object]:
    lines = [
        {
            "text": translate(line.text, "en", line.params),
            "quantity": line.quantity,
            "unitPrice": line.unit_price,
            "period": [day.isoformat() for day in line.period] if line.period else None,
            "share": str(line.share),
            "net": line.amount,
            "tax": line.tax,
        }
        for line in found.entry.invoice.lines
    ]
    return _entry(found.entry) | {
        "lines": lines,
        "payments": [_payment(payment) for payment in found.entry.payments],
        "creditNotes": [_invoice(note) for note in found.entry.credit_notes],
        "credit": found.credit,
    }


def _payment(payment: Payment) -> dict[str, object]:
    steps: list[Mapping[str, object]] = [
        {"step": one.step, "operator": one.operator, "remark": one.remark, "at": one.at.isoformat()}
        for one in payment.steps
    ]
    return {
        "id": str(payment.id),
        "amount": payment.amount,
        "currency": payment.currency,
        "valueDate": payment.value_date.isoformat(),
        "state": payment.state,
        "steps": steps,
    }


def _amount(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise OptionWrong(msg("{text} is not an amount."), text=text) from error


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise OptionWrong(msg("{text} is not a day."), text=text) from error


def _id(text: str, unknown: Exception) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise unknown from error
