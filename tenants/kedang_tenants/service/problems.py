"""What a contact was told the customer complains of becomes a service request in one step (F3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.followups.needs import RECORD, take_up, title_of
from kedang_tenants.reading import Viewer
from kedang_tenants.service.requests import open_request

_CHANNELS: Final = {"CALL": "PHONE", "EMAIL": "EMAIL", "VISIT": "VISIT", "MEETING": "VISIT"}
"""By which way a request came that was told in a contact of that way."""


async def report_problems(
    write: TenantWrite,
    viewer: Viewer,
    *,
    record_id: UUID,
    values: Mapping[str, object],
    custom: Mapping[str, object] | None = None,
    clock: Clock,
) -> UUID:
    """Open a service request for the problems in a follow-up record, once; returns the request's id.

    ``values`` are what is said of it beside (kind, title, priority …); customer, contact, description and channel are the
    record's, the title is the first line of the problems where none is said; ``custom`` are the company's own fields by
    their key. Raises as ``take_up``, and Refused.
    """
    row = await take_up(write, viewer, record_id=record_id, text="problems", result="service_request_id")
    said = {name: value for name, value in values.items() if value is not None}
    given = {"title": title_of(row["problems"])} | said
    given |= {
        "customer_id": row["customer_id"],
        "contact_id": row["contact_id"],
        "description": row["problems"],
        "channel": _CHANNELS.get(row["way"], "OTHER"),
    }
    request_id = await open_request(write, viewer, values=given, custom=custom, clock=clock)
    link = Change(RECORD, "update", row["id"], values={"service_request_id": request_id})
    await change_internally(write, viewer, [link], clock=clock)
    return request_id
