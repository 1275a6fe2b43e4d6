"""Recording a repair: it stays in the customer's archive, whatever becomes of the request (S2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change, visible_record
from kedang_tenants.reading import Viewer
from kedang_tenants.service.requests import RECORD

_TAKEN_OVER: Final = frozenset({"customer_id", "product_id", "owned_product_id"})


async def record_repair(
    write: TenantWrite, viewer: Viewer, *, values: Mapping[str, object], clock: Clock
) -> tuple[UUID, UUID]:
    """Record a repair, of the request's customer, product and owned product where only a request is named.

    Returns the ids of the record and of its customer; the request stays as it is. Raises Refused, and
    NotFound for such a request.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if "request_id" in given and not given.keys() >= _TAKEN_OVER:
        given = await _of_request(write, viewer, cast("UUID", given["request_id"])) | given
    (made,) = await change(write, viewer, [Change("repair_record", "create", values=given)], clock=clock)
    return made.id, cast("UUID", given["customer_id"])


async def _of_request(write: TenantWrite, viewer: Viewer, request_id: UUID) -> dict[str, object]:
    if not await visible_record(write, viewer, catalogue().record(RECORD), request_id):
        raise NotFound(msg("There is no such record."), path=("input", "requestId"))
    row = await write.fetchrow(
        "SELECT customer_id, product_id, owned_product_id FROM service_request WHERE id = $1", request_id
    )
    assert row is not None
    return {name: value for name, value in row.items() if value is not None}
