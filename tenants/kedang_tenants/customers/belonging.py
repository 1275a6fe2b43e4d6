"""A rule of customers that the features around them share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft


async def same_customer(write: TenantWrite, drafts: Sequence[Draft], field: str, table: str) -> None:
    """Refuse drafts whose ``field`` names a row of ``table`` that belongs to another customer than theirs."""
    wanted = {cast("UUID", draft.values[field]) for draft in drafts if draft.values.get(field)}
    if not wanted:
        return
    rows = await write.fetch(f"SELECT id, customer_id FROM {table} WHERE id = ANY($1::uuid[])", list(wanted))
    customer_of = {row["id"]: row["customer_id"] for row in rows}
    for draft in drafts:
        chosen = draft.values.get(field)
        if chosen is not None and customer_of.get(chosen) != draft.now("customer_id"):
            draft.refuse(field, "OF_ANOTHER_CUSTOMER", msg("This belongs to another customer."))
