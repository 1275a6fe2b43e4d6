"""An invoice as a paper: all texts in one language, set once as PDF and the same ever after (T4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from kedang_platform.database import CompanyRef, ControlRead, Databases
from kedang_platform.documents import Papers
from kedang_platform.files import FileMissing, FileStore, StoredFile
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.licensing.invoices import Invoice, TaxedLine, find_invoice
from kedang_platform.money import to_amount

TEMPLATE: Final = Path(__file__).parent / "invoice.typ"
_DAY: Final = timedelta(days=1)
_STORED = (
    "SELECT content_id, size, sha256 FROM platform.invoice_document WHERE invoice_id = $1 AND language = $2"
)
# Of two that set it at once the first is kept; one whose content was lost is replaced.
_KEEP = """
INSERT INTO platform.invoice_document AS kept (invoice_id, language, content_id, size, sha256, made_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (invoice_id, language) DO UPDATE
SET content_id = excluded.content_id, size = excluded.size, sha256 = excluded.sha256, made_at = excluded.made_at
WHERE kept.content_id = $7::uuid
RETURNING content_id
"""
_BY_CREDIT = """
SELECT coalesce(sum(amount), 0)::bigint FROM platform.allocation WHERE invoice_id = $1 AND at = $2
"""


async def paper_of(
    databases: Databases,
    papers: Papers,
    files: FileStore,
    *,
    company: CompanyRef,
    invoice: Invoice,
    language: Language,
    now: datetime,
) -> StoredFile:
    """The stored PDF of an invoice; made when it is first asked for. Raises ``FontsMissing``, ``PaperDelayed``."""
    async with databases.control_read() as read:
        found = await _stored(read, invoice, language)
        texts = await texts_of(read, invoice, language)
    if found is not None and await _is_there(files, company, found):
        return found
    made = await files.put(company, _whole(await papers.set(TEMPLATE, texts)))
    lost = found.content_id if found else None
    async with databases.control() as control:
        kept = await control.fetchval(
            _KEEP, invoice.id, language, made.content_id, made.size, made.sha256, now, lost
        )
        stored = await _stored(control, invoice, language)
    assert stored is not None
    if kept is None:
        await files.delete(company, made.content_id)
    return stored


async def _stored(read: ControlRead, invoice: Invoice, language: Language) -> StoredFile | None:
    row = await read.fetchrow(_STORED, invoice.id, language)
    return StoredFile(**dict(row)) if row else None


async def _is_there(files: FileStore, company: CompanyRef, file: StoredFile) -> bool:
    try:
        return await files.size(company, file.content_id) == file.size
    except FileMissing:
        return False


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def texts_of(read: ControlRead, invoice: Invoice, language: Language) -> dict[str, Any]:
    """All that is printed, in this language; nothing of it changes after the invoice was issued."""
    by_credit: int = await read.fetchval(_BY_CREDIT, invoice.id, invoice.issued_at)
    corrects = None
    if invoice.corrects is not None:
        corrects = (await find_invoice(read, invoice_id=invoice.corrects)).number
    return _Paper(invoice, language, by_credit if invoice.kind == "invoice" else 0, corrects).texts()


class _Paper:
    """The texts of one invoice in one language."""

    def __init__(self, invoice: Invoice, language: Language, by_credit: int, corrects: str | None) -> None:
        self._invoice = invoice
        self._language = language
        self._by_credit = by_credit
        self._corrects = corrects

    def texts(self) -> dict[str, Any]:
        invoice = self._invoice
        day = invoice.issued_on
        return {
            "lang": self._language.partition("-")[0],
            "region": self._language.partition("-")[2].lower() or None,
            "title": self._say(msg("Invoice") if invoice.kind == "invoice" else msg("Credit note")),
            "number": invoice.number,
            "year": day.year,
            "month": day.month,
            "day": day.day,
            "facts": self._facts(),
            "seller": self._party(msg("Sold by"), invoice.seller),
            "buyer": self._party(msg("Billed to"), invoice.buyer),
            "columns": [
                self._say(text)
                for text in (msg("Item"), msg("Quantity"), msg("Unit price"), msg("Share"), msg("Net amount"))
            ],
            "lines": [self._line(line) for line in invoice.lines],
            "totals": self._totals(),
            "pay": self._pay(),
            "remark": invoice.remark,
            "page": self._say(msg("Page {page} of {pages}")),
        }

    def _say(self, msgid: str, **params: object) -> str:
        return translate(msgid, self._language, params or None)

    def _money(self, minor: int) -> str:
        return f"{to_amount(minor=minor, currency=self._invoice.currency):,}"

    def _facts(self) -> list[tuple[str, str]]:
        invoice = self._invoice
        facts = [
            (self._say(msg("Number")), invoice.number),
            (self._say(msg("Date")), invoice.issued_on.isoformat()),
        ]
        if self._corrects:
            facts.append((self._say(msg("Corrects invoice")), self._corrects))
        if invoice.due_at is not None:
            facts.append((self._say(msg("Payable by")), self._due_on()))
        facts.append((self._say(msg("Currency")), invoice.currency))
        return facts

    def _due_on(self) -> str:
        assert self._invoice.due_at is not None
        return self._invoice.due_at.astimezone(ZoneInfo(self._invoice.time_zone)).date().isoformat()

    def _party(self, title: str, party: Any) -> dict[str, Any]:
        lines = [party["address"]] if party.get("address") else []
        if party.get("tax_number"):
            lines.append(self._say(msg("Tax number {number}"), number=party["tax_number"]))
        if party.get("email"):
            lines.append(party["email"])
        return {"title": self._say(title), "name": party["name"], "lines": lines}

    def _line(self, line: TaxedLine) -> dict[str, str]:
        period = ""
        if line.period:
            first, last = line.period[0], line.period[1] - _DAY
            period = self._say(msg("{first} to {last}"), first=first.isoformat(), last=last.isoformat())
        return {
            "text": self._say(line.text, **line.params) if line.params else self._say(line.text),
            "period": period,
            "quantity": f"{line.quantity:,}",
            "price": self._money(line.unit_price),
            "share": "" if line.share == 1 else str(line.share),
            "net": self._money(line.amount),
        }

    def _totals(self) -> list[tuple[str, str]]:
        """Net, tax, gross; and where credit paid some of it, what is left to be paid. The last one is the bold one."""
        invoice = self._invoice
        rate = f"{Decimal(invoice.tax_rate).normalize():f}"
        totals = [(self._say(msg("Net")), self._money(invoice.net))]
        if invoice.tax_rate:
            totals.append((self._say(msg("Tax {rate}%"), rate=rate), self._money(invoice.tax)))
        gross = (self._say(msg("Total {currency}"), currency=invoice.currency), self._money(invoice.gross))
        totals.append(gross)
        if self._by_credit:
            totals.append((self._say(msg("Paid by credit")), self._money(-self._by_credit)))
            left = self._money(invoice.gross - self._by_credit)
            totals.append((self._say(msg("To be paid {currency}"), currency=invoice.currency), left))
        return totals

    def _pay(self) -> list[tuple[str, str]]:
        """How it is paid; nothing where nothing is to be paid."""
        invoice = self._invoice
        if invoice.kind != "invoice" or invoice.gross == self._by_credit:
            return []
        pay = [(self._say(msg("Reference of the transfer")), invoice.reference or "")]
        if invoice.seller.get("bank_account"):
            pay.append((self._say(msg("Account")), invoice.seller["bank_account"] or ""))
        return pay
