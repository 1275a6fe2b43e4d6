"""An invoice for seats, its lines and its payments, as the API has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Final, Self
from uuid import UUID

import strawberry

from kedang_graphql.answering import opaque_id
from kedang_graphql.context import Context
from kedang_graphql.scalars import DecimalString, MinorUnits
from kedang_platform.i18n import translate
from kedang_platform.licensing import Billing, books, invoices
from kedang_platform.licensing.bank_transfer import BankTransfer

INVOICE: Final = "siv"


@strawberry.enum
class SubscriptionInvoiceKind(Enum):
    INVOICE = strawberry.enum_value("invoice", description="Is to be paid.")
    CREDIT_NOTE = strawberry.enum_value(
        "credit_note", description="Takes its amounts off the invoice that it corrects."
    )


@strawberry.enum
class SubscriptionInvoiceState(Enum):
    OPEN = strawberry.enum_value("open", description="Something is owed.")
    PAID = strawberry.enum_value("paid", description="Nothing is owed.")
    CREDITED = strawberry.enum_value("credited", description="Credit notes took all of it back.")


@strawberry.enum(description="Language of a paper.")
class PaperLanguage(Enum):
    EN = strawberry.enum_value("en", description="English.")
    ZH_CN = strawberry.enum_value("zh-CN", description="Chinese, simplified.")


@strawberry.type(description="Who sells or buys, as it was when the invoice was issued.")
class InvoiceParty:
    name: str = strawberry.field(description="The title that the invoice is made out to or by.")
    tax_number: str | None = strawberry.field(description="The number that the tax office knows it by.")
    address: str | None = strawberry.field(description="On one line.")
    email: str | None = strawberry.field(description="Where it is reached about invoices.")

    @classmethod
    def of(cls, party: Mapping[str, str | None]) -> Self:
        return cls(
            name=party["name"] or "",
            tax_number=party["tax_number"],
            address=party["address"],
            email=party["email"],
        )


@strawberry.type(description="What is charged, or in a credit note given back.")
class SubscriptionInvoiceLine:
    text: str = strawberry.field(description="In the language of the asker.")
    quantity: int = strawberry.field(description="How many seats.")
    unit_price: MinorUnits = strawberry.field(description="Of one seat and interval, without tax.")
    period_from: date | None = strawberry.field(
        description="The first day; null where it begins with the payment."
    )
    period_to: date | None = strawberry.field(description="The last day of the period.")
    share: str = strawberry.field(description="Which part of the unit price is charged: `1`, or as `18/31`.")
    net: MinorUnits = strawberry.field(description="Without tax.")
    tax: MinorUnits = strawberry.field(description="Rounded half up for this line.")
    gross: MinorUnits = strawberry.field(description="With tax.")

    @classmethod
    def of(cls, line: invoices.TaxedLine, language: str) -> Self:
        start, end = line.period or (None, None)
        return cls(
            text=translate(line.text, language, line.params),
            quantity=line.quantity,
            unit_price=MinorUnits(line.unit_price),
            period_from=start,
            period_to=end - timedelta(days=1) if end else None,
            share=str(line.share),
            net=MinorUnits(line.amount),
            tax=MinorUnits(line.tax),
            gross=MinorUnits(line.gross),
        )


@strawberry.type(description="Money that arrived under the reference of an invoice, and counts.")
class SubscriptionPayment:
    amount: MinorUnits = strawberry.field(description="What arrived.")
    currency: str = strawberry.field(description="ISO 4217")
    value_date: date = strawberry.field(description="The day that the bank says.")
    confirmed_at: datetime = strawberry.field(description="When it began to count.")


@strawberry.type(
    description="An invoice for seats, or a credit note. It is never changed once it was issued."
)
class SubscriptionInvoice:
    id: strawberry.ID
    number: str = strawberry.field(description="Without a gap in its series and year.")
    kind: SubscriptionInvoiceKind = strawberry.field(description="An invoice, or what corrects one.")
    state: SubscriptionInvoiceState = strawberry.field(description="Whether it is paid.")
    is_overdue: bool = strawberry.field(description="Something is owed, and it was due.")
    currency: str = strawberry.field(description="ISO 4217")
    tax_rate: DecimalString = strawberry.field(description="In percent.")
    net: MinorUnits = strawberry.field(description="Without tax.")
    tax: MinorUnits = strawberry.field(description="The sum of the tax of its lines.")
    gross: MinorUnits = strawberry.field(description="With tax.")
    owed: MinorUnits = strawberry.field(description="What is still to be paid.")
    issued_on: date = strawberry.field(description="Its day, where the seller is.")
    issued_at: datetime = strawberry.field(description="When it was issued.")
    due_at: datetime | None = strawberry.field(description="Until when it is to be paid.")
    paid_at: datetime | None = strawberry.field(description="Since when nothing of it is owed.")
    reference: str | None = strawberry.field(description="To be named in the bank transfer.")
    pay_to: str | None = strawberry.field(description="The account to transfer to.")
    remark: str | None = strawberry.field(description="Why something was corrected.")
    seller: InvoiceParty = strawberry.field(description="Who sells the seats.")
    buyer: InvoiceParty = strawberry.field(description="The company, by its billing details of that day.")
    lines: list[SubscriptionInvoiceLine] = strawberry.field(description="What is charged, line by line.")
    payments: list[SubscriptionPayment] = strawberry.field(
        description="What arrived under its reference, the oldest first."
    )
    credit_note_ids: list[strawberry.ID] = strawberry.field(description="The credit notes that correct it.")
    corrects_id: strawberry.ID | None = strawberry.field(
        description="The invoice that a credit note corrects."
    )

    @classmethod
    def of(cls, entry: books.Entry, context: Context) -> Self:
        one = entry.invoice
        pay = BankTransfer.of(Billing.of(context.settings)).how_to_pay(one.reference or "")
        return cls(
            id=_public(one.id),
            number=one.number,
            kind=SubscriptionInvoiceKind(one.kind),
            state=SubscriptionInvoiceState(one.state),
            is_overdue=entry.overdue_at(context.clock.now()),
            currency=one.currency,
            tax_rate=DecimalString(f"{Decimal(one.tax_rate).normalize():f}"),
            net=MinorUnits(one.net),
            tax=MinorUnits(one.tax),
            gross=MinorUnits(one.gross),
            owed=MinorUnits(entry.owed),
            issued_on=one.issued_on,
            issued_at=one.issued_at,
            due_at=one.due_at,
            paid_at=one.paid_at,
            reference=one.reference,
            pay_to=pay.account if one.reference else None,
            remark=one.remark,
            seller=InvoiceParty.of(one.seller),
            buyer=InvoiceParty.of(one.buyer),
            lines=[SubscriptionInvoiceLine.of(line, context.language) for line in one.lines],
            payments=[
                SubscriptionPayment(
                    amount=MinorUnits(paid.amount),
                    currency=paid.currency,
                    value_date=paid.value_date,
                    confirmed_at=paid.steps[-1].at,
                )
                for paid in entry.payments
                if paid.state == "confirmed"
            ],
            credit_note_ids=[_public(note.id) for note in entry.credit_notes],
            corrects_id=_public(one.corrects) if one.corrects else None,
        )


def _public(invoice_id: UUID) -> strawberry.ID:
    return strawberry.ID(opaque_id(INVOICE, invoice_id))
