"""Invoices of a company: who sees them, what stands on the next ones, and the letters that bring them (T4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.database import ControlRead, TenantRead
from kedang_platform.i18n import Language, choose_language, msg
from kedang_platform.identity import IdentityServices
from kedang_platform.licensing import ledger
from kedang_platform.licensing.billing_details import (
    BillingDetails,
    changed_details,
    details_of,
    keep_details,
)
from kedang_platform.licensing.books import Entry, entry_of, page_of
from kedang_platform.licensing.invoice_links import InvoiceGrant, sign_invoice_link
from kedang_platform.licensing.invoices import Invoice, find_invoice
from kedang_platform.mail import Letter, Line, Outgoing
from kedang_platform.money import to_amount
from kedang_platform.registry import Company
from kedang_platform.secrets import SecretKey
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.changing import audit
from kedang_tenants.people.seats import BUY, SEE, require_role
from kedang_tenants.reading import Viewer

FETCH: Final = frozenset({"OWNER", "ADMIN", "FINANCE"})
"""Roles that may fetch the paper itself, as the policy's row "company, seats, subscription" has it."""
LINK_LIFETIME: Final = timedelta(minutes=10)
MAILED_LINK_LIFETIME: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """Where the paper of an invoice is fetched, with nothing but this token."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class InvoicePage:
    """Invoices and credit notes, the newest first; ``more`` where others follow."""

    entries: list[Entry]
    more: bool


async def list_invoices(
    services: IdentityServices, viewer: Viewer, *, after: tuple[datetime, UUID] | None, count: int
) -> InvoicePage:
    """A page of the company's invoices and credit notes. Raises ``Forbidden``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        found = await page_of(read, company_id=viewer.company.id, after=after, count=count + 1)
    return InvoicePage(found[:count], len(found) > count)


async def show_invoice(services: IdentityServices, viewer: Viewer, *, invoice_id: UUID) -> Entry:
    """One of the company's invoices or credit notes. Raises ``Forbidden``, ``UnknownInvoice``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        return await entry_of(
            read, await find_invoice(read, invoice_id=invoice_id, company_id=viewer.company.id)
        )


async def credit_shown(services: IdentityServices, viewer: Viewer, *, currency: str) -> int:
    """What the company paid, or was credited, and no invoice has used yet. Raises ``Forbidden``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        return await ledger.credit_of(read, company_id=viewer.company.id, currency=currency)


async def link_to_invoice(
    services: IdentityServices, viewer: Viewer, *, invoice_id: UUID, language: Language
) -> InvoiceFile:
    """A link to the PDF for a few minutes. Raises ``Forbidden``, ``UnknownInvoice``."""
    require_role(viewer, FETCH)
    async with services.databases.control_read() as read:
        invoice = await find_invoice(read, invoice_id=invoice_id, company_id=viewer.company.id)
    expires_at = services.clock.now() + LINK_LIFETIME
    grant = InvoiceGrant(invoice.company_id, invoice.id, language)
    return InvoiceFile(sign_invoice_link(services.key, grant, expires_at=expires_at), expires_at)


async def billing_details(services: IdentityServices, viewer: Viewer) -> BillingDetails:
    """What stands on the company's next invoices. Raises ``Forbidden``."""
    require_role(viewer, SEE)
    async with services.databases.control_read() as read:
        return await details_of(read, company_id=viewer.company.id)


async def update_billing_details(
    services: IdentityServices, viewer: Viewer, *, given: Mapping[str, str | None]
) -> BillingDetails:
    """Change what is given and note who did it; issued invoices stay as they are.

    Raises ``Forbidden``, ``BillingDetailTooLong``, ``InvalidEmail``; nothing is written then.
    """
    require_role(viewer, BUY)
    assert viewer.member_id is not None
    now = services.clock.now()
    async with services.databases.control() as control:
        before = await details_of(control, company_id=viewer.company.id, hold=True)
        after = changed_details(before, given)
        await keep_details(control, after, company_id=viewer.company.id, by=viewer.member_id, now=now)
        told = {
            name: [getattr(before, name), value]
            for name, value in asdict(after).items()
            if value != getattr(before, name)
        }
        if told:
            async with services.databases.tenant_write(viewer.company) as write:
                await audit(
                    write,
                    viewer,
                    [("member", "billing_details_changed", viewer.member_id, told)],
                    clock=services.clock,
                )
    return after


_OWNERS = """
SELECT name, email, language FROM member
WHERE 'OWNER' = ANY(roles) AND state = 'ACTIVE' AND archived_at IS NULL AND email IS NOT NULL ORDER BY id
"""


async def letters_of(
    control: ControlRead,
    read: TenantRead,
    company: Company,
    *,
    invoice_id: UUID,
    overdue: bool,
    secret: SecretKey,
    base_url: str,
    now: datetime,
) -> list[Outgoing]:
    """The letters that bring an invoice, or say that it is overdue: to the billing address, else to each owner.

    Nothing where it is another company's, or is overdue no more.
    """
    invoice = await find_invoice(control, invoice_id=invoice_id, company_id=company.id)
    owed = await ledger.open_of(control, invoice_id=invoice.id)
    if overdue and not owed:
        return []
    details = await details_of(control, company_id=company.id)
    if details.email:
        readers = [(company.name, details.email, choose_language(company.language))]
    else:
        rows = await read.fetch(_OWNERS)
        readers = [(row["name"], row["email"], language_of(row["language"])) for row in rows]
    kind = "overdue" if overdue else "issued"
    letters: list[Outgoing] = []
    for name, email, language in readers:
        expires_at = now + MAILED_LINK_LIFETIME
        grant = InvoiceGrant(invoice.company_id, invoice.id, language)
        link = f"{base_url}/invoices/{sign_invoice_link(secret, grant, expires_at=expires_at)}"
        letter = _letter(
            invoice, company, name=name, owed=owed, overdue=overdue, link=link, expires_at=expires_at
        )
        letters.append(Outgoing(letter, email, language, key=f"invoice:{invoice.id}:{kind}:{email}"))
    return letters


def _letter(
    invoice: Invoice,
    company: Company,
    *,
    name: str,
    owed: int,
    overdue: bool,
    link: str,
    expires_at: datetime,
) -> Letter:
    zone = ZoneInfo(company.time_zone)
    params: dict[str, object] = {
        "name": name,
        "company": company.name,
        "number": invoice.number,
        "amount": str(to_amount(minor=invoice.gross, currency=invoice.currency)),
        "owed": str(to_amount(minor=owed, currency=invoice.currency)),
        "currency": invoice.currency,
        "reference": invoice.reference or "",
        "due": invoice.due_at.astimezone(zone).date().isoformat() if invoice.due_at else "",
        "until": expires_at.astimezone(zone).date().isoformat(),
    }
    subject, paragraphs = _words(invoice, owed=owed, overdue=overdue)
    closing = [msg("The link needs no sign-in and serves until {until}: please do not pass it on.")]
    account = invoice.seller.get("bank_account")
    return Letter(
        subject=subject,
        paragraphs=(msg("Hello {name},"), *paragraphs),
        params=params,
        lines=(Line(account),) if account and owed else (),
        action=msg("Fetch the PDF"),
        url=link,
        closing=tuple(closing),
    )


def _words(invoice: Invoice, *, owed: int, overdue: bool) -> tuple[str, tuple[str, ...]]:
    if invoice.kind == "credit_note":
        return msg("Credit note {number}"), (
            msg("Credit note {number} of {amount} {currency} for {company} was issued."),
        )
    pay = msg("Please transfer {owed} {currency} by {due} and name the reference {reference}.")
    if overdue:
        return msg("Invoice {number} is overdue"), (
            msg("Of invoice {number} for {company}, {owed} {currency} were to be paid by {due}."),
            msg("Please transfer {owed} {currency} now and name the reference {reference}."),
        )
    issued = msg("Invoice {number} of {amount} {currency} for {company} was issued.")
    return msg("Invoice {number}"), ((issued, pay) if owed else (issued, msg("It is paid by your credit.")))
