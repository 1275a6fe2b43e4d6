"""The life of a contract: signed, in force, ended or terminated; each step is one transaction (P4).

Every step raises NotFound, Forbidden, WrongContractState, and Refused for values that do not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import KedangError, Refused, UserError
from kedang_platform.i18n import msg
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.holding import Row, hold_for_change
from kedang_tenants.reading import Viewer
from kedang_tenants.trade.contracts import DRAFT, ENDED, IN_FORCE, TERMINATED

RECORD: Final = "contract"
_NOT_WHILE: Final[Mapping[str, str]] = {
    DRAFT: msg("This cannot be done while the contract is a draft."),
    IN_FORCE: msg("This cannot be done: the contract is in force."),
    ENDED: msg("This cannot be done: the contract has ended."),
    TERMINATED: msg("This cannot be done: the contract was terminated."),
}


class WrongContractState(KedangError):
    """A contract in this state does not allow the step; ``params["state"]`` names it."""

    def __init__(self, state: str) -> None:
        super().__init__(_NOT_WHILE[state], path=("input", "id"), state=state)


class NotEndedYet(KedangError):
    """The contract still holds on this day: it ends by its last day, or by being terminated."""


async def sign(
    write: TenantWrite,
    viewer: Viewer,
    *,
    contract_id: UUID,
    signed_on: date | None = None,
    starts_on: date | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Put a draft in force: signed today where no day is said, from its own start, else from that day on."""
    row = await _held(write, viewer, contract_id, DRAFT)
    today = viewer.today(clock)
    signed = signed_on or row["signed_on"] or today
    if signed > today:
        raise Refused([UserError("IN_THE_FUTURE", msg("This lies in the future."), ("input", "signedOn"))])
    starts = starts_on or row["starts_on"] or signed
    await _move(
        write, viewer, row, {"state": IN_FORCE, "signed_on": signed, "starts_on": starts}, version, clock
    )


async def end(
    write: TenantWrite, viewer: Viewer, *, contract_id: UUID, version: int | None = None, clock: Clock
) -> None:
    """Note that a contract in force has come to its end; raises NotEndedYet while it still holds."""
    row = await _held(write, viewer, contract_id, IN_FORCE)
    if row["ends_on"] is None or row["ends_on"] >= viewer.today(clock):
        raise NotEndedYet(msg("The contract still holds; terminate it instead."), path=("input", "id"))
    await _move(write, viewer, row, {"state": ENDED}, version, clock)


async def terminate(
    write: TenantWrite,
    viewer: Viewer,
    *,
    contract_id: UUID,
    reason: str,
    terminated_on: date | None = None,
    version: int | None = None,
    clock: Clock,
) -> None:
    """Note that a contract in force ends before its time, with its last day (today where none is said) and why."""
    row = await _held(write, viewer, contract_id, IN_FORCE)
    last = terminated_on or viewer.today(clock)
    path = ("input", "terminatedOn")
    if last < row["starts_on"]:
        raise Refused([UserError("ENDS_BEFORE_IT_STARTS", msg("This cannot be before the start."), path)])
    if row["ends_on"] is not None and last > row["ends_on"]:
        raise Refused([UserError("AFTER_THE_END", msg("The contract ends by itself before this day."), path)])
    if not reason.strip():
        raise Refused([UserError("REQUIRED", msg("This must be filled in."), ("input", "reason"))])
    values = {"state": TERMINATED, "terminated_on": last, "termination_reason": reason}
    await _move(write, viewer, row, values, version, clock)


async def _held(write: TenantWrite, viewer: Viewer, contract_id: UUID, state: str) -> Row:
    row = await hold_for_change(write, viewer, RECORD, contract_id)
    if row["state"] != state:
        raise WrongContractState(row["state"])
    return row


async def _move(
    write: TenantWrite,
    viewer: Viewer,
    row: Row,
    values: Mapping[str, object],
    version: int | None,
    clock: Clock,
) -> None:
    step = Change(RECORD, "update", row["id"], version, values)
    await change_internally(write, viewer, [step], clock=clock)
