"""The life of a demand, and what holds in every write of demands and quotations (P2, P3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, Draft, change_internally, prepares
from kedang_tenants.changing.holding import hold_for_change
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.demands import LOST, OPEN, WON
from kedang_tenants.trade.quotations import ACCEPTED, DECLINED
from kedang_tenants.trade.quotations import DRAFT as UNSENT

RECORD: Final = "demand"
_REQUIRED: Final = msg("This must be filled in.")
_FUTURE: Final = msg("This lies in the future.")
_CLOSED: Final[Mapping[str, str]] = {
    WON: msg("This cannot be done: the demand was won."),
    LOST: msg("This cannot be done: the demand was lost."),
}


class DemandClosed(KedangError):
    """The demand was won or lost already; ``params["state"]`` says which."""

    def __init__(self, state: str) -> None:
        super().__init__(_CLOSED[state], path=("input", "id"), state=state)


async def win(
    write: TenantWrite,
    viewer: Viewer,
    *,
    demand_id: UUID,
    closed_on: date | None = None,
    order_id: UUID | None = None,
    reason: str | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note that a demand was won, and the order that came of it; today where no day is said.

    Raises NotFound, Forbidden, DemandClosed, and Refused for a day to come, or an order of another customer.
    """
    values = {"order_id": order_id} if order_id else {}
    await _close(
        write, viewer, demand_id, WON, closed_on, reason, version, clock, {**values, "probability": 100}
    )


async def lose(
    write: TenantWrite,
    viewer: Viewer,
    *,
    demand_id: UUID,
    reason: str,
    closed_on: date | None = None,
    competitors: Sequence[str] | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note that a demand was lost, why, and to whom where that is known; today where no day is said.

    Raises NotFound, Forbidden, DemandClosed, and Refused for a day to come or without a reason.
    """
    if not reason.strip():
        raise Refused([UserError("REQUIRED", _REQUIRED, ("input", "reason"))])
    values = {"competitors": list(competitors)} if competitors is not None else {}
    await _close(
        write, viewer, demand_id, LOST, closed_on, reason, version, clock, {**values, "probability": 0}
    )


async def _close(
    write: TenantWrite,
    viewer: Viewer,
    demand_id: UUID,
    state: str,
    closed_on: date | None,
    reason: str | None,
    version: int | None,
    clock: Clock,
    further: Mapping[str, object],
) -> None:
    row = await hold_for_change(write, viewer, RECORD, demand_id)
    if row["state"] != OPEN:
        raise DemandClosed(row["state"])
    day = closed_on or viewer.today(clock)
    values = {"state": state, "closed_on": day, "reason": reason, **further}
    await change_internally(
        write, viewer, [Change(RECORD, "update", demand_id, version, values)], clock=clock
    )


@prepares("demand")
async def guard_demands(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """What is open has neither an end nor a reason for it; what was lost has both."""
    for draft in drafts:
        _in_currency(viewer, draft)
        if draft.now("state") == OPEN:
            for name in ("closed_on", "reason"):
                if draft.now(name) is not None:
                    draft.refuse(name, "STILL_OPEN", msg("An open demand has no end yet."))
            continue
        if draft.now("closed_on") is None:
            draft.values["closed_on"] = viewer.today(clock)
        if draft.now("state") == LOST and draft.now("reason") is None:
            draft.refuse("reason", "REQUIRED", _REQUIRED)
        _not_in_future(viewer, draft, "closed_on", clock)
    await same_customer(write, drafts, "order_id", "sales_order")


@prepares("quotation")
async def guard_quotations(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], clock: Clock) -> None:
    """What was sent has its day, what was answered has two; a quotation does not end before it was sent."""
    for draft in drafts:
        _in_currency(viewer, draft)
        state, today = draft.now("state"), viewer.today(clock)
        if state != UNSENT and draft.now("sent_on") is None:
            draft.values["sent_on"] = today
        if state in {ACCEPTED, DECLINED} and draft.now("answered_on") is None:
            draft.values["answered_on"] = today
        if state not in {ACCEPTED, DECLINED} and draft.now("answered_on") is not None:
            draft.refuse(
                "answered_on", "NOT_ANSWERED", msg("Only what was accepted or declined was answered.")
            )
        for name in ("sent_on", "answered_on"):
            _not_in_future(viewer, draft, name, clock)
        sent = cast("date | None", draft.now("sent_on"))
        for name in ("valid_until", "answered_on"):
            day = cast("date | None", draft.now(name))
            if sent is not None and day is not None and day < sent:
                draft.refuse(name, "BEFORE_IT_WAS_SENT", msg("This cannot be before it was sent."))
    await same_customer(write, drafts, "demand_id", "demand")


def _in_currency(viewer: Viewer, draft: Draft) -> None:
    if draft.now("amount") is not None and draft.now("currency") is None:
        draft.values["currency"] = viewer.currency


def _not_in_future(viewer: Viewer, draft: Draft, name: str, clock: Clock) -> None:
    day = cast("date | None", draft.values.get(name))
    if day is not None and day > viewer.today(clock):
        draft.refuse(name, "IN_THE_FUTURE", _FUTURE)
