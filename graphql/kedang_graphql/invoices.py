"""What the company is invoiced for its seats: invoices, credit notes, their papers, and what stands on them.

They are named apart from the invoices that a company writes to its own customers.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside
from kedang_graphql.context import Context
from kedang_graphql.engine.types import PageInfo, UserError
from kedang_graphql.files import FileDownload, refusal, served, usable_company
from kedang_graphql.inputs import given
from kedang_graphql.invoice_types import INVOICE, PaperLanguage, SubscriptionInvoice
from kedang_graphql.scalars import MinorUnits
from kedang_graphql.services import Services
from kedang_platform.errors import BadUserInput, KedangError, NotFound
from kedang_platform.i18n import Language, msg
from kedang_platform.licensing import billing_details as details
from kedang_platform.licensing import invoices
from kedang_platform.licensing.invoice_document import paper_of
from kedang_platform.licensing.invoice_links import read_invoice_link
from kedang_platform.secrets import load_secret_key
from kedang_tenants.files import FileContent
from kedang_tenants.people import invoices as company_invoices
from kedang_tenants.reading import BadCursor

_PAGE: Final = 20
MOST_ON_A_PAGE: Final = 100
_COLUMNS: Final = {"taxNumber": "tax_number"}
_CURSOR: Final = struct.Struct(">q16s")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LANGUAGES: Final[Mapping[PaperLanguage, Language]] = {PaperLanguage.EN: "en", PaperLanguage.ZH_CN: "zh-CN"}


@strawberry.type
class SubscriptionInvoiceConnection:
    nodes: list[SubscriptionInvoice]
    page_info: PageInfo


@strawberry.type(
    description="What stands on the company's next invoices; those that were issued stay as they are."
)
class BillingDetails:
    title: str | None = strawberry.field(description="In place of the company's name.")
    tax_number: str | None = strawberry.field(
        description="The number that the tax office knows the company by."
    )
    address: str | None = strawberry.field(description="On one line.")
    email: str | None = strawberry.field(description="Where invoices are mailed to, in place of the owners.")

    @classmethod
    def of(cls, found: details.BillingDetails) -> Self:
        return cls(title=found.title, tax_number=found.tax_number, address=found.address, email=found.email)


@strawberry.input(description="What is not given stays as it is; null takes it away.")
class UpdateBillingDetailsInput:
    title: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 200 characters, in place of the company's name."
    )
    tax_number: str | None = strawberry.field(default=strawberry.UNSET, description="At most 50 characters.")
    address: str | None = strawberry.field(default=strawberry.UNSET, description="At most 500 characters.")
    email: str | None = strawberry.field(
        default=strawberry.UNSET, description="Where invoices are mailed to, in place of the owners."
    )


@strawberry.type
class UpdateBillingDetailsPayload:
    billing_details: BillingDetails | None = strawberry.field(description="As they are now.")
    user_errors: list[UserError]


async def answer_invoices(
    info: Info[Context, None], first: int = _PAGE, after: str | None = None
) -> SubscriptionInvoiceConnection:
    context = info.context
    context.require_scope("read")
    if not 0 <= first <= MOST_ON_A_PAGE:
        raise BadUserInput(
            msg("A page holds between 0 and {limit} records."), path=("first",), limit=MOST_ON_A_PAGE
        )
    page = await company_invoices.list_invoices(
        context.identity,
        await context.viewer(),
        after=_read_cursor(after) if after is not None else None,
        count=first,
    )
    cursors = [_cursor(entry.invoice) for entry in page.entries]
    return SubscriptionInvoiceConnection(
        nodes=[SubscriptionInvoice.of(entry, context) for entry in page.entries],
        page_info=PageInfo(
            has_next_page=page.more,
            has_previous_page=after is not None,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    )


async def answer_invoice(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
) -> SubscriptionInvoice | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    try:
        entry = await company_invoices.show_invoice(
            context.identity, viewer, invoice_id=id_inside(INVOICE, id)
        )
    except NotFound:
        return None
    return SubscriptionInvoice.of(entry, context)


async def answer_invoice_download(
    info: Info[Context, None],
    id: strawberry.ID,  # noqa: A002 - the API's word
    language: Annotated[
        PaperLanguage | None, strawberry.argument(description="The asker's own where none is said.")
    ] = None,
) -> FileDownload | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    wanted = _LANGUAGES[language] if language else context.language
    try:
        link = await company_invoices.link_to_invoice(
            context.identity, viewer, invoice_id=id_inside(INVOICE, id), language=wanted
        )
    except NotFound:
        return None
    return FileDownload(url=f"{context.settings.base_url}/invoices/{link.token}", expires_at=link.expires_at)


async def answer_credit(
    info: Info[Context, None],
    currency: Annotated[
        str | None, strawberry.argument(description="ISO 4217; the company's where none is said.")
    ] = None,
) -> MinorUnits:
    context = info.context
    context.require_scope("read")
    credit = await company_invoices.credit_shown(
        context.identity, await context.viewer(), currency=currency or context.company.currency
    )
    return MinorUnits(credit)


async def answer_billing_details(info: Info[Context, None]) -> BillingDetails:
    context = info.context
    context.require_scope("read")
    found = await company_invoices.billing_details(context.identity, await context.viewer())
    return BillingDetails.of(found)


async def answer_update_billing_details(
    info: Info[Context, None],
    input: UpdateBillingDetailsInput,  # noqa: A002 - the API's word
) -> UpdateBillingDetailsPayload:
    context = info.context
    context.require_scope("write")
    said = {_COLUMNS.get(name, name): value for name, value in given(input).items()}
    work = company_invoices.update_billing_details(context.identity, await context.viewer(), given=said)
    changed, errors = await attempt(context, work)
    return UpdateBillingDetailsPayload(
        billing_details=BillingDetails.of(changed) if changed else None, user_errors=errors
    )


@strawberry.type
class InvoiceQuery:
    subscription_invoices: SubscriptionInvoiceConnection = strawberry.field(
        resolver=answer_invoices,
        description=(
            "Invoices and credit notes for the company's seats, the newest first; for owner, administrators,"
            " general manager and finance."
        ),
    )
    subscription_invoice: SubscriptionInvoice | None = strawberry.field(
        resolver=answer_invoice, description="One of them."
    )
    subscription_invoice_download: FileDownload | None = strawberry.field(
        resolver=answer_invoice_download,
        description=(
            "An address to fetch one as PDF by, for ten minutes, in the asker's language unless another is said;"
            " for owner, administrators and finance."
        ),
    )
    subscription_credit: MinorUnits = strawberry.field(
        resolver=answer_credit,
        description=(
            "What the company paid, or was credited, and no invoice has used yet: the next one uses it. In the"
            " company's currency unless another is said."
        ),
    )
    billing_details: BillingDetails = strawberry.field(
        resolver=answer_billing_details, description="What stands on the company's next invoices."
    )


@strawberry.type
class InvoiceMutation:
    update_billing_details: UpdateBillingDetailsPayload = strawberry.mutation(
        resolver=answer_update_billing_details,
        description="Say what stands on the next invoices; for owner and administrators.",
    )


async def _fetch(request: Request) -> Response:
    """GET: the PDF that a link gives, as an attachment."""
    services: Services = request.app.state.services
    try:
        secret, now = load_secret_key(services.settings), services.clock.now()
        grant = read_invoice_link(secret, request.path_params["token"], now=now)
        company = await usable_company(services, grant.company_id)
        async with services.databases.control_read() as read:
            invoice = await invoices.find_invoice(read, invoice_id=grant.invoice_id, company_id=company.id)
        paper = await paper_of(
            services.databases,
            services.papers,
            services.files,
            company=company.ref,
            invoice=invoice,
            language=grant.language,
            now=now,
        )
        file = FileContent(
            id=invoice.id,
            name=f"{invoice.number}.pdf",
            kind="PDF",
            content_type="application/pdf",
            size=paper.size,
            sha256=paper.sha256,
            content_id=paper.content_id,
        )
        return await served(services, company, file)
    except KedangError as error:
        return refusal(request, error)


routes = (Route("/invoices/{token}", _fetch, methods=["GET"]),)


def _cursor(invoice: invoices.Invoice) -> str:
    """Where an invoice stands in the list: the microsecond of its issue and its id."""
    micros = (invoice.issued_at - _EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(_CURSOR.pack(micros, invoice.id.bytes)).rstrip(b"=").decode()


def _read_cursor(text: str) -> tuple[datetime, UUID]:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        micros, raw = _CURSOR.unpack(packed)
        return _EPOCH + timedelta(microseconds=micros), UUID(bytes=raw)
    except (binascii.Error, struct.error, ValueError, OverflowError) as error:
        raise BadCursor(msg("This cursor does not belong to this list.")) from error
