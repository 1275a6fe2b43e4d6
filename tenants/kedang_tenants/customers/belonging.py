"""What the features around customers share: whose a row is, and naming a customer that one does not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import cast
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft
from kedang_tenants.people.policy import FULL
from kedang_tenants.reading import Viewer


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


def referring_to_all(viewer: Viewer) -> Viewer:
    """The viewer as an actor who may name a customer that lies outside of their reach: the one that a step is about."""
    return replace(viewer, access={**viewer.access, "customer": FULL}, closed=False, known_masks={})
