"""Invoices as PDF: in Chinese and English, the same bytes for ever, for those who may have them (T4, T6)."""

import asyncio
import io
import os
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pypdf
import pytest

from kedang_platform.clock import FixedClock
from kedang_platform.documents import Papers
from kedang_platform.files import LinkExpired, LinkInvalid, open_files
from kedang_platform.i18n import translate
from kedang_platform.ids import new_id
from kedang_platform.licensing.invoice_document import paper_of
from kedang_platform.licensing.invoice_links import InvoiceGrant, read_invoice_link, sign_invoice_link
from kedang_platform.licensing.invoices import Line
from kedang_platform.secrets import SecretKey
from kedang_tenants.files.sweeping import SAFE_AGE, sweep_part
from tests.invoices.conftest import NOW

KEY = SecretKey(b"the secret of these tests")
PERIOD = (date(2026, 11, 22), date(2026, 12, 22))


class Press:
    """Sets the papers of one company's books."""

    def __init__(self, books, settings):
        self.books, self.papers, self.files = books, Papers(), open_files(settings)

    async def paper(self, invoice, language="en"):
        stored = await paper_of(
            self.books.databases,
            self.papers,
            self.files,
            company=self.books.company.ref,
            invoice=invoice,
            language=language,
            now=self.books.now,
        )
        return stored, b"".join(
            [one async for one in self.files.open(self.books.company.ref, stored.content_id)]
        )

    async def text(self, invoice, language="en"):
        _, content = await self.paper(invoice, language)
        return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


@pytest.fixture
def press(books, database_settings, tmp_path):
    return Press(books, database_settings.model_copy(update={"var": tmp_path}))


def charged(text="Further seats, by the month"):
    return Line(text, {}, 3, 4900, PERIOD, Fraction(18, 30), 8820)


@pytest.mark.requirement("T4", "T6")
async def test_a_paper_says_everything_in_both_languages(press):
    press.books.with_rules(tax_rates={"CN": Decimal(13)})
    invoice = await press.books.issue(lines=[charged()])
    english = await press.text(invoice)
    for wanted in (
        "Invoice",
        "INV-2026-000001",
        "2026-11-22",
        "2026-12-06",
        "Northwind Traders",
        "Kedang Ltd",
        "Further seats, by the month",
        "2026-11-22 to 2026-12-21",
        "3/5",
        "88.20",
        "Tax 13%",
        "11.47",
        "Total CNY",
        "99.67",
        invoice.reference,
        "Kedang Ltd, First Bank, 1001 2345",
        "Page 1 of 1",
    ):
        assert wanted in english, (wanted, english)
    chinese = await press.text(invoice, "zh-CN")
    said = [translate(text, "zh-CN") for text in ("Invoice", "Payable by", "Unit price", "Billed to")]
    for wanted in (*said, "INV-2026-000001", "88.20", "99.67", invoice.reference):
        assert wanted in chinese, (wanted, chinese)


async def test_the_paper_of_a_credit_note_says_what_it_corrects_and_why(press):
    invoice = await press.books.issue(1000)
    text = await press.text(await press.books.credit(invoice, 300, "两个月已停用"))
    for wanted in ("Credit note", "CN-2026-000001", "INV-2026-000001", "3.00", "两个月已停用"):
        assert wanted in text, (wanted, text)
    assert "Reference of the transfer" not in text


async def test_credit_that_paid_is_printed_with_what_is_left(press):
    await press.books.receive(await press.books.issue(1000), 1400)
    text = await press.text(await press.books.issue(1000))
    for wanted in ("10.00", "-4.00", "To be paid CNY", "6.00"):
        assert wanted in text, (wanted, text)


@pytest.mark.requirement("T4")
async def test_it_is_made_once_and_the_same_ever_after(press):
    invoice = await press.books.issue(1000)
    first, content = await press.paper(invoice)
    press.books.now += timedelta(days=40)
    await press.books.receive(invoice)
    paid = await press.books.found(invoice)
    again = await asyncio.gather(*(press.paper(paid) for _ in range(3)))
    assert all(one == (first, content) for one in again)
    # Lost from the store, it is made again, to the byte.
    await press.files.delete(press.books.company.ref, first.content_id)
    anew, same = await press.paper(invoice)
    assert (same, anew.sha256) == (content, first.sha256)
    assert anew.content_id != first.content_id


async def test_of_several_who_ask_first_at_once_one_paper_is_kept(press, tmp_path):
    invoice = await press.books.issue(1000)
    made = await asyncio.gather(*(press.paper(invoice) for _ in range(4)))
    assert len({stored.content_id for stored, _ in made}) == 1
    assert len([one for one in tmp_path.rglob("*") if one.is_file()]) == 1


def test_a_link_gives_one_paper_until_it_expires():
    grant = InvoiceGrant(new_id(), new_id(), "zh-CN")
    token = sign_invoice_link(KEY, grant, expires_at=NOW + timedelta(minutes=10))
    assert read_invoice_link(KEY, token, now=NOW) == grant
    with pytest.raises(LinkExpired):
        read_invoice_link(KEY, token, now=NOW + timedelta(minutes=10))
    forged = [token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token[1:], "", "é", "x" * 300]
    for text in forged:
        with pytest.raises(LinkInvalid):
            read_invoice_link(KEY, text, now=NOW)
    with pytest.raises(LinkInvalid):
        read_invoice_link(SecretKey(b"another secret"), token, now=NOW)


async def test_nothing_that_is_written_is_read_as_markup(press):
    nasty = '#strong[b] *x* $y$ <b> \\ #panic("x")'
    invoice = await press.books.issue(1000)
    text = await press.text(await press.books.credit(invoice, 1, nasty))
    assert nasty in text


async def test_papers_are_no_rubbish_though_no_record_of_the_company_names_them(press):
    stored, content = await press.paper(await press.books.issue(1000))
    company = press.books.company.ref
    async with press.files.local_path(company, stored.content_id) as path:
        at = (NOW - SAFE_AGE - timedelta(days=1)).timestamp()
        os.utime(path, (at, at))
    swept = await sweep_part(press.books.databases, press.files, company, after=None, clock=FixedClock(NOW))
    assert (swept.seen, swept.changed) == (1, 0)
    assert b"".join([one async for one in press.files.open(company, stored.content_id)]) == content
