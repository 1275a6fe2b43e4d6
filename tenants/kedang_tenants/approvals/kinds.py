"""The kinds of requests that there are; the feature that needs an approval registers its kind (T11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.approvals.flows import ROLE, Flow, Step, faults_of
from kedang_tenants.reading import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as the feature sees that asked for it.

    ``decided_by`` is None where nobody else could decide, and where it was withdrawn; ``in_place_of`` is
    the member whose deputy decided. ``remark`` belongs to what just happened.
    """

    id: UUID
    kind: str
    subject: tuple[str, UUID] | None
    state: str
    payload: Mapping[str, Any]
    amount: int | None
    asked_by: UUID | None
    decided_by: UUID | None
    in_place_of: UUID | None
    nobody_else: bool
    remark: str | None


OnDecided: TypeAlias = Callable[[TenantWrite, Viewer, Request, Clock], Awaitable[None]]
OnResubmitted: TypeAlias = Callable[[TenantWrite, Viewer, Request, Clock], Awaitable[Collection[UUID]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalKind:
    """``on_decided`` hears of APPROVED, REFUSED, RETURNED and WITHDRAWN in the transaction of the decision.

    What it raises undoes the decision and is told to whoever decided. Its viewer is who acted; where
    nobody else could decide, the asker. ``on_resubmitted`` may refuse that what was returned is asked for
    again, and returns who may not decide from now on, beside those who were barred. ``takes_amount`` allows limits. ``alone`` says what becomes of a request that nobody but the
    asker could decide: it is approved at once and says so, or it is not taken. ``final_roles`` bounds
    what a company may make of the flow: the last step is decided by some of these. ``sensitive``: to
    decide, one has to have proved lately who one is.
    """

    code: str
    label: str
    on_decided: OnDecided
    flow: Flow
    takes_amount: bool
    alone: Literal["APPROVE", "REFUSE"]
    on_resubmitted: OnResubmitted | None
    final_roles: frozenset[str]
    sensitive: bool


class UnknownApprovalKind(BadUserInput):
    """There are no requests of this kind."""


GENERAL_MANAGER_DECIDES: Final = (Step(by=ROLE, roles=("GENERAL_MANAGER",)),)
_kinds: dict[str, ApprovalKind] = {}


def register_approval_kind(
    code: str,
    *,
    label: str,
    on_decided: OnDecided,
    steps: tuple[Step, ...] = GENERAL_MANAGER_DECIDES,
    limits: Mapping[str, int | None] | None = None,
    takes_amount: bool = False,
    alone: Literal["APPROVE", "REFUSE"] = "REFUSE",
    on_resubmitted: OnResubmitted | None = None,
    final_roles: frozenset[str] = frozenset(),
    sensitive: bool = False,
) -> ApprovalKind:
    """Make a kind known (at import) with the flow that holds where a company has none of its own.

    ``label`` is a msgid. Raises ``ValueError`` for a kind that is known already or a flow that cannot be.
    """
    flow = Flow(steps=steps, limits=limits or {})
    faults = faults_of(flow, takes_amount=takes_amount, final_roles=final_roles, path=())
    if code in _kinds or faults:
        raise ValueError(f"{code}: {faults or 'known already'}")
    _kinds[code] = ApprovalKind(
        code=code,
        label=label,
        on_decided=on_decided,
        flow=flow,
        takes_amount=takes_amount,
        alone=alone,
        on_resubmitted=on_resubmitted,
        final_roles=final_roles,
        sensitive=sensitive,
    )
    return _kinds[code]


def approval_kind(code: str, *, path: tuple[str | int, ...] = ("input", "kind")) -> ApprovalKind:
    """The kind of this name; raises UnknownApprovalKind."""
    try:
        return _kinds[code]
    except KeyError:
        message = msg("There are no approvals of the kind “{kind}”.")
        raise UnknownApprovalKind(message, path=path, kind=code[:50]) from None


def approval_kinds() -> list[ApprovalKind]:
    """All kinds, by their code."""
    return [_kinds[code] for code in sorted(_kinds)]
