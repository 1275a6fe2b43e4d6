"""What a company wants on its invoices: title, tax number, address, and where they are mailed to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kedang_platform.database import ControlRead, ControlTransaction
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.identity.emails import normalise
from kedang_platform.licensing.invoice_tables import billing_details

LONGEST: Final[Mapping[str, int]] = {"title": 200, "tax_number": 50, "address": 500}


class BillingDetailTooLong(BadUserInput):
    """A text that does not fit an invoice."""

    def __init__(self, name: str, longest: int) -> None:
        api_name = {"tax_number": "taxNumber"}.get(name, name)
        super().__init__(msg("At most {longest} characters."), path=(api_name,), longest=longest)


@dataclass(frozen=True, slots=True)
class BillingDetails:
    """``title`` stands in place of the company's name; invoices are mailed to ``email`` in place of the owners."""

    title: str | None = None
    tax_number: str | None = None
    address: str | None = None
    email: str | None = None


async def details_of(read: ControlRead, *, company_id: UUID, hold: bool = False) -> BillingDetails:
    """What the company said, or nothing. With ``hold`` nobody else changes it until the transaction ends."""
    lock = " FOR UPDATE" if hold else ""
    row = await read.fetchrow(
        f"SELECT title, tax_number, address, email FROM platform.billing_details WHERE company_id = $1{lock}",
        company_id,
    )
    return BillingDetails(**dict(row)) if row else BillingDetails()


def changed_details(before: BillingDetails, given: Mapping[str, str | None]) -> BillingDetails:
    """``before`` with what is given; nothing but spaces is nothing. Raises ``BillingDetailTooLong``, ``InvalidEmail``."""
    return replace(before, **{name: _cleaned(name, value) for name, value in given.items()})


def _cleaned(name: str, value: str | None) -> str | None:
    plain = " ".join((value or "").split())
    if not plain:
        return None
    if name == "email":
        return normalise(plain)
    if len(plain) > LONGEST[name]:
        raise BillingDetailTooLong(name, LONGEST[name])
    return plain


async def keep_details(
    control: ControlTransaction, details: BillingDetails, *, company_id: UUID, by: UUID, now: datetime
) -> None:
    """Store them for the next invoices."""
    values = {
        "title": details.title,
        "tax_number": details.tax_number,
        "address": details.address,
        "email": details.email,
        "updated_by": by,
        "updated_at": now,
    }
    statement = insert(billing_details).values(company_id=company_id, **values)
    await control.execute(statement.on_conflict_do_update(index_elements=["company_id"], set_=values))
