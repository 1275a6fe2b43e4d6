"""Putting many customers into a class at once (G4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change, visible_record
from kedang_tenants.classing.guards import dimension_key
from kedang_tenants.reading import Viewer

MOST_CLASSIFIED: Final = 5_000
"""How many customers are put into a class by one request."""


async def classify(
    write: TenantWrite, viewer: Viewer, *, class_id: UUID, customer_ids: Sequence[UUID], clock: Clock
) -> int:
    """Put customers into a class, out of whichever class of its dimension they are in; all or none.

    Returns how many were not in it before. Raises NotFound, BadUserInput for too many, Refused.
    """
    if not await visible_record(write, viewer, catalogue().record("customer_class"), class_id):
        raise NotFound(msg("There is no such record."), path=("input", "classId"))
    if len(customer_ids) > MOST_CLASSIFIED:
        raise BadUserInput(
            msg("At most {limit} entries are allowed here."),
            path=("input", "customerIds"),
            limit=MOST_CLASSIFIED,
        )
    known = await _present(write, class_id, customer_ids)
    places = {customer: n for n, customer in enumerate(customer_ids)}
    changes = []
    for customer, place in places.items():
        membership, present = known.get(customer, (None, None))
        if present == class_id:
            continue
        path = ("input", "customerIds", place)
        changes.append(
            Change("classified_customer", "update", membership, values={"class_id": class_id}, path=path)
            if membership
            else Change(
                "classified_customer",
                "create",
                values={"customer_id": customer, "class_id": class_id},
                path=path,
            )
        )
    # Alike changes stand together, so that each kind is one batch.
    changes.sort(key=lambda one: one.action)
    return len(await change(write, viewer, changes, clock=clock))


async def _present(
    write: TenantWrite, class_id: UUID, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[UUID, UUID]]:
    """Of each customer, the membership in the dimension of the class, and the class that it is of."""
    (row,) = await write.fetch("SELECT dimension, own_dimension FROM customer_class WHERE id = $1", class_id)
    rows = await write.fetch(
        "SELECT id, customer_id, class_id FROM classified_customer"
        " WHERE customer_id = ANY($1::uuid[]) AND dimension = $2 AND archived_at IS NULL",
        list(customer_ids),
        dimension_key(row["dimension"], row["own_dimension"]),
    )
    return {found["customer_id"]: (found["id"], found["class_id"]) for found in rows}
