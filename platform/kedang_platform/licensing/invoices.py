"""Invoices and credit notes: written once, numbered without a gap, never changed (T4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Literal
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.licensing import ledger
from kedang_platform.licensing.billing import Billing
from kedang_platform.licensing.numbers import take_number
from kedang_platform.licensing.references import new_reference
from kedang_platform.money import round_half_up
from kedang_platform.registry.company import columns_of, company_from
from kedang_platform.work import NewJob, enqueue

Kind = Literal["invoice", "credit_note"]
State = Literal["open", "paid", "credited"]
TELL_JOB: Final = "licensing.tell_invoice"
_HUNDRED: Final = Decimal(100)


class UnknownInvoice(NotFound):
    """There is no such invoice, or it is another company's."""

    def __init__(self, number: str = "") -> None:
        super().__init__(msg("There is no invoice {number}."), number=number)


class InvoiceNegative(KedangError):
    """An invoice whose lines add up to less than nothing: that would be a credit note."""

    def __init__(self) -> None:
        super().__init__(msg("An invoice cannot be of less than nothing."))


class CreditTooLarge(KedangError):
    """More than is left of an invoice after earlier credit notes, or nothing at all."""

    def __init__(self, number: str) -> None:
        super().__init__(
            msg("A credit note is of at least one unit and at most what is left of invoice {number}."),
            number=number,
            path=("amount",),
        )


@dataclass(frozen=True, slots=True)
class Line:
    """What is charged, or in a credit note given back. Amounts are minor units without tax.

    ``text`` is a msgid filled from ``params``; ``period`` is half open, days of the company, None where it is
    not fixed yet. ``amount`` is what ``quantity * unit_price * share`` came to after its one rounding.
    """

    text: str
    params: Mapping[str, str | int]
    quantity: int
    unit_price: int
    period: tuple[date, date] | None
    share: Fraction
    amount: int


@dataclass(frozen=True, slots=True)
class TaxedLine(Line):
    """A line as it stands in an invoice; ``tax`` was rounded by itself, half up."""

    tax: int = 0

    @property
    def gross(self) -> int:
        return self.amount + self.tax


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note. ``net``, ``tax``, ``gross`` are minor units of ``currency``, never negative.

    ``tax_rate`` is in percent. A credit note takes its amounts off the invoice ``corrects``; only an invoice has a
    ``reference`` to be paid under and a ``due_at``. ``seller`` and ``buyer`` are as they were when it was issued.
    """

    id: UUID
    company_id: UUID
    kind: Kind
    series: str
    year: int
    sequence: int
    number: str
    purpose: str
    corrects: UUID | None
    reference: str | None
    currency: str
    tax_rate: Decimal
    net: int
    tax: int
    gross: int
    issued_at: datetime
    issued_on: date
    due_at: datetime | None
    language: str
    time_zone: str
    seller: Mapping[str, str | None]
    buyer: Mapping[str, str | None]
    remark: str | None = None
    paid_at: datetime | None = None
    credited_at: datetime | None = None
    overdue_at: datetime | None = None
    lines: tuple[TaxedLine, ...] = field(default=())

    @property
    def state(self) -> State:
        """``credited`` when credit notes took all of it away, ``paid`` when nothing of the rest is owed."""
        if self.credited_at is not None:
            return "credited"
        return "open" if self.paid_at is None and self.kind == "invoice" else "paid"


async def issue(
    control: ControlTransaction,
    *,
    billing: Billing,
    company_id: UUID,
    kind: Kind,
    currency: str,
    lines: Sequence[Line],
    due_at: datetime | None,
    purpose: str,
    corrects: UUID | None = None,
    reference: str | None = None,
    remark: str | None = None,
    from_credit: bool = True,
    tax_rate: Decimal | None = None,
    now: datetime,
) -> Invoice:
    """Write an invoice, or a credit note that ``corrects`` one, with the next number of its series.

    Call it late, under the lock of the company's seats: everybody who takes a number waits for this transaction.
    What the company has to its credit pays an invoice at once; where that is all of it, ``paid_at`` is set, and
    the caller does what a paid invoice asks for; ``from_credit`` leaves credit alone. ``tax_rate`` takes the place of
    that of the buyer's country. Raises ``InvoiceNegative``, ``CreditTooLarge``, ``UnknownInvoice``.
    """
    if kind == "credit_note":
        assert corrects is not None
        original = await find_invoice(control, invoice_id=corrects, company_id=company_id)
        taxed = _credit_lines(lines, original, await ledger.left_of(control, invoice_id=corrects))
        rate, currency, due_at, reference = original.tax_rate, original.currency, None, None
    else:
        rate = tax_rate if tax_rate is not None else await _rate(control, billing, company_id)
        taxed = tuple(taxed_line(line, rate) for line in lines)
        reference = reference or new_reference()
    net, tax = sum(line.amount for line in taxed), sum(line.tax for line in taxed)
    if net < 0 or net + tax < 0:
        raise InvoiceNegative
    company = await _company(control, company_id)
    day = billing.day_of(now)
    series = billing.invoice_series if kind == "invoice" else billing.credit_note_series
    number = await take_number(control, series=series, year=day.year, billing=billing)
    issued = Invoice(
        id=new_id(),
        company_id=company_id,
        kind=kind,
        series=number.series,
        year=number.year,
        sequence=number.sequence,
        number=number.text,
        purpose=purpose,
        corrects=corrects,
        reference=reference,
        currency=currency,
        tax_rate=rate,
        net=net,
        tax=tax,
        gross=net + tax,
        issued_at=now,
        issued_on=day,
        due_at=due_at,
        language=company["language"],
        time_zone=company["time_zone"],
        seller=asdict(billing.seller),
        buyer=_buyer(company),
        remark=remark,
        lines=taxed,
    )
    await _write(control, issued)
    await _ask_to_tell(control, issued, company)
    if kind == "credit_note":
        await _take_off(control, issued, now=now)
        return issued
    return await _use_credit(control, issued, now=now) if from_credit else issued


async def _use_credit(control: ControlTransaction, invoice: Invoice, *, now: datetime) -> Invoice:
    """Pay an invoice by what the company has to its credit, as far as that goes."""
    paid = await ledger.use_credit(control, invoice_id=invoice.id, now=now)
    return replace(invoice, paid_at=now) if paid else invoice


async def _take_off(control: ControlTransaction, note: Invoice, *, now: datetime) -> None:
    """What is owed of the corrected invoice becomes less; what was paid of it stands to the company's credit."""
    assert note.corrects is not None
    if await ledger.take_off(control, invoice_id=note.corrects, credit_note_id=note.id, now=now):
        await control.fetch(_WITHDRAW, note.corrects)


_WITHDRAW = "UPDATE platform.seat_order SET state = 'withdrawn' WHERE invoice_id = $1 AND state = 'pending'"


async def _ask_to_tell(control: ControlTransaction, invoice: Invoice, company: asyncpg.Record) -> None:
    ref = company_from(company).ref
    job = NewJob(TELL_JOB, {"invoice": str(invoice.id)}, key=f"invoice:{invoice.id}", company=ref)
    await enqueue(control, job)


def taxed_line(line: Line, rate: Decimal) -> TaxedLine:
    """The line with its tax: amount x rate, rounded half up once."""
    return _taxed(line, round_half_up(line.amount * rate / _HUNDRED))


def _taxed(line: Line, tax: int) -> TaxedLine:
    return TaxedLine(
        line.text, line.params, line.quantity, line.unit_price, line.period, line.share, line.amount, tax
    )


def _credit_lines(lines: Sequence[Line], original: Invoice, left: ledger.Left) -> tuple[TaxedLine, ...]:
    """Lines of a credit note, with as much tax as is left of the invoice and no more.

    Parts that were rounded by themselves may come to another sum than the whole: the last part takes the rest,
    where the tax of its lines was not given.
    """
    taxed: list[TaxedLine] = []
    room = left.tax
    for line in lines:
        exact = round_half_up(line.amount * original.tax_rate / _HUNDRED)
        tax = line.tax if isinstance(line, TaxedLine) else min(room, exact)
        room -= tax
        taxed.append(_taxed(line, tax))
    net = sum(line.amount for line in taxed)
    if taxed and net == left.net and not isinstance(lines[-1], TaxedLine):
        taxed[-1], room = _taxed(taxed[-1], taxed[-1].tax + room), 0
    within = room >= 0 and net <= left.net and all(line.amount >= 0 and line.tax >= 0 for line in taxed)
    if original.kind != "invoice" or not within or not any(line.gross for line in taxed):
        raise CreditTooLarge(original.number)
    return tuple(taxed)


_COMPANY = f"""
SELECT {columns_of("c")}, d.title, d.tax_number AS buyer_tax_number, d.address AS buyer_address,
       d.email AS buyer_email
FROM platform.company c LEFT JOIN platform.billing_details d ON d.company_id = c.id WHERE c.id = $1
"""


async def _company(control: ControlRead, company_id: UUID) -> asyncpg.Record:
    row = await control.fetchrow(_COMPANY, company_id)
    if row is None:
        raise NotFound(msg("There is no such company."))
    return row


async def _rate(control: ControlRead, billing: Billing, company_id: UUID) -> Decimal:
    country = await control.fetchval("SELECT country FROM platform.company WHERE id = $1", company_id)
    return billing.tax_rate(country=country or "")


def _buyer(company: asyncpg.Record) -> dict[str, str | None]:
    return {
        "name": company["title"] or company["name"],
        "tax_number": company["buyer_tax_number"],
        "address": company["buyer_address"],
        "email": company["buyer_email"],
        "country": company["country"],
    }


_COLUMNS: Final = (
    "id, company_id, kind, series, year, sequence, number, purpose, corrects, reference, currency, tax_rate, net,"
    " tax, gross, issued_at, issued_on, due_at, language, time_zone, seller, buyer, remark"
)
_WRITE = f"""
INSERT INTO platform.invoice ({_COLUMNS})
VALUES ({", ".join(f"${number}" for number in range(1, 24))})
"""
_WRITE_LINES = """
INSERT INTO platform.invoice_line (invoice_id, position, text, params, quantity, unit_price, period_start,
                                   period_end, share_numerator, share_denominator, net, tax, gross)
SELECT $1, given.* FROM unnest($2::integer[], $3::text[], $4::jsonb[], $5::integer[], $6::bigint[], $7::date[],
                               $8::date[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
                               $13::bigint[]) AS given
"""


async def _write(control: ControlTransaction, invoice: Invoice) -> None:
    values = [getattr(invoice, name) for name in _COLUMNS.split(", ")]
    await control.fetch(_WRITE, *(_stored(value) for value in values))
    rows = [_line_row(position, line) for position, line in enumerate(invoice.lines, start=1)]
    columns = [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(12)]
    await control.fetch(_WRITE_LINES, invoice.id, *columns)


def _stored(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, Mapping) else value


def _line_row(position: int, line: TaxedLine) -> tuple[object, ...]:
    start, end = line.period or (None, None)
    return (
        position,
        line.text,
        _stored(line.params),
        line.quantity,
        line.unit_price,
        start,
        end,
        line.share.numerator,
        line.share.denominator,
        line.amount,
        line.tax,
        line.gross,
    )


_LINES = "SELECT * FROM platform.invoice_line WHERE invoice_id = ANY($1) ORDER BY invoice_id, position"


async def invoices_from(read: ControlRead, rows: Sequence[asyncpg.Record]) -> list[Invoice]:
    """Rows of ``platform.invoice`` with their lines."""
    lines: dict[UUID, list[TaxedLine]] = {row["id"]: [] for row in rows}
    for row in await read.fetch(_LINES, list(lines)):
        lines[row["invoice_id"]].append(_line_from(row))
    return [_invoice_from(row, tuple(lines[row["id"]])) for row in rows]


def _line_from(row: asyncpg.Record) -> TaxedLine:
    period = (row["period_start"], row["period_end"]) if row["period_start"] else None
    return TaxedLine(
        text=row["text"],
        params=orjson.loads(row["params"]),
        quantity=row["quantity"],
        unit_price=row["unit_price"],
        period=period,
        share=Fraction(row["share_numerator"], row["share_denominator"]),
        amount=row["net"],
        tax=row["tax"],
    )


def _invoice_from(row: asyncpg.Record, lines: tuple[TaxedLine, ...]) -> Invoice:
    values = dict(row)
    values |= {name: orjson.loads(values[name]) for name in ("seller", "buyer")}
    return Invoice(**values, lines=lines)


async def find_invoice(read: ControlRead, *, invoice_id: UUID, company_id: UUID | None = None) -> Invoice:
    """The invoice or credit note, of this company where one is said. Raises ``UnknownInvoice``."""
    row = await read.fetchrow(
        "SELECT * FROM platform.invoice WHERE id = $1 AND ($2::uuid IS NULL OR company_id = $2)",
        invoice_id,
        company_id,
    )
    return await _one(read, row, "")


_OPEN = """
SELECT * FROM platform.invoice
WHERE company_id = $1 AND kind = 'invoice' AND paid_at IS NULL AND credited_at IS NULL ORDER BY due_at, id
"""


async def open_invoices(read: ControlRead, *, company_id: UUID) -> list[Invoice]:
    """Invoices of which something is owed, what is due first first; how much of each ``ledger.open_of`` tells."""
    return await invoices_from(read, await read.fetch(_OPEN, company_id))


async def find_by_number(read: ControlRead, *, number: str) -> Invoice:
    """The invoice or credit note of this number, however it is spaced. Raises ``UnknownInvoice``."""
    plain = number.strip().upper()
    return await _one(
        read, await read.fetchrow("SELECT * FROM platform.invoice WHERE number = $1", plain), plain
    )


async def _one(read: ControlRead, row: asyncpg.Record | None, number: str) -> Invoice:
    if row is None:
        raise UnknownInvoice(number)
    return (await invoices_from(read, [row]))[0]
