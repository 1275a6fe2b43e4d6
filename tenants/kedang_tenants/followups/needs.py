"""What a contact was told the customer needs becomes a demand in one step (F3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change, change_internally
from kedang_tenants.changing.holding import Row, hold_for_change
from kedang_tenants.reading import Viewer

RECORD: Final = "follow_up_record"
LONGEST_TITLE: Final = 200
_OWNER: Final = "SELECT owner_id FROM customer WHERE id = $1"


class AlreadyTakenUp(KedangError):
    """What stands in this record has been taken up before."""


async def take_up(write: TenantWrite, viewer: Viewer, *, record_id: UUID, text: str, result: str) -> Row:
    """Lock a follow-up record that the viewer may change and whose ``text`` waits to be taken up as ``result``.

    Raises NotFound, Forbidden, Archived, Refused where the text is empty, AlreadyTakenUp.
    """
    row = await hold_for_change(write, viewer, RECORD, record_id)
    if row[result] is not None:
        message = msg("What stands in this record has been taken up already.")
        raise AlreadyTakenUp(message, path=("input", "id"))
    if not (row[text] or "").strip():
        raise Refused(
            [UserError("REQUIRED", msg("There is nothing in this record to take up."), ("input", "id"))]
        )
    return row


def title_of(text: str) -> str:
    """The first line of a text as a title."""
    line = text.strip().splitlines()[0].strip()
    return line if len(line) <= LONGEST_TITLE else f"{line[: LONGEST_TITLE - 1]}…"


async def raise_demand(
    write: TenantWrite,
    viewer: Viewer,
    *,
    record_id: UUID,
    values: Mapping[str, object],
    custom: Mapping[str, object] | None = None,
    clock: Clock,
) -> UUID:
    """Make a demand of the needs in a follow-up record, once; returns the demand's id.

    ``values`` are what is said of it beside (title, amount, day …); its customer and its need are the record's, its
    title the first line of the needs and its owner the customer's where none is said; ``custom`` are the company's own
    fields by their key. Raises as ``take_up``, and Refused for values that do not fit.
    """
    row = await take_up(write, viewer, record_id=record_id, text="needs", result="demand_id")
    said = {name: value for name, value in values.items() if value is not None}
    owner = await write.fetchval(_OWNER, row["customer_id"])
    given = {"title": title_of(row["needs"]), "owner_id": owner or viewer.member_id} | said
    given |= {"customer_id": row["customer_id"], "need": row["needs"]}
    new = Change("demand", "create", values=given, custom=custom or {})
    (made,) = await change(write, viewer, [new], clock=clock)
    link = Change(RECORD, "update", row["id"], values={"demand_id": made.id})
    await change_internally(write, viewer, [link], clock=clock)
    return made.id
