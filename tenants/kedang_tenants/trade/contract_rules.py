"""The rules of contracts that hold in every write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final, cast

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.changing import Draft, prepares
from kedang_tenants.customers.belonging import same_customer
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.contracts import DRAFT

_BEGUN: Final = ("signed_on", "starts_on")
"""What is known of every contract that has ever been in force."""
_NOT_BEFORE: Final = msg("This cannot be before the start.")


@prepares("contract")
async def guard_contracts(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], _clock: Clock) -> None:
    """An end is not before the start, what is in force was signed, and the day for a notice follows from both."""
    for draft in drafts:
        if draft.now("amount") is not None and draft.now("currency") is None:
            draft.values["currency"] = viewer.currency
        _check_days(draft)
        _place_notice(draft)
    await same_customer(write, drafts, "order_id", "sales_order")


def _check_days(draft: Draft) -> None:
    starts, ends = (cast("date | None", draft.now(name)) for name in ("starts_on", "ends_on"))
    if starts is not None and ends is not None and ends < starts:
        draft.refuse("ends_on", "ENDS_BEFORE_IT_STARTS", _NOT_BEFORE)
    if draft.now("state") == DRAFT:
        return
    for name in _BEGUN:
        if draft.now(name) is None:
            draft.refuse(name, "REQUIRED", msg("This must be filled in."))


def _place_notice(draft: Draft) -> None:
    ends, days = cast("date | None", draft.now("ends_on")), cast("int | None", draft.now("notice_days"))
    notice = notice_day(ends, days)
    if notice != draft.now("notice_on"):
        draft.values["notice_on"] = notice


def notice_day(ends_on: date | None, notice_days: int | None) -> date | None:
    """The last day on which notice can be given: the end itself where no days are said; None without an end."""
    if ends_on is None:
        return None
    days = timedelta(days=notice_days or 0)
    return ends_on - days if ends_on.toordinal() > days.days else ends_on
