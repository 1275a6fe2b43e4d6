"""How a kind of request is decided: its steps, who decides in each, from which amount on and up to which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, cast

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_tenants.people.roles import ROLES

ROLE: Final = "ROLE"
SUPERIOR: Final = "SUPERIOR"
MOST_STEPS: Final = 10
LONGEST: Final = 60
"""Working days until somebody is reminded, or a step is passed on."""

_ROLES: Final = frozenset(role.code for role in ROLES) - {"VIEW_ONLY"}
_LARGEST: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Any one of those who may decide settles it.

    By ``ROLE``: whoever has one of ``roles``. By ``SUPERIOR``: the asker's, or the next one up the line
    who may. ``from_amount`` leaves the step out for smaller amounts (minor units of the company's currency).
    Days are working days: after ``remind_after`` those whose turn it is are reminded daily, after
    ``escalate_after`` their superiors may decide as well; None: never.
    """

    by: Literal["ROLE", "SUPERIOR"]
    roles: tuple[str, ...] = ()
    from_amount: int | None = None
    remind_after: int | None = 1
    escalate_after: int | None = 3

    def applies(self, amount: int | None) -> bool:
        return self.from_amount is None or (amount is not None and amount >= self.from_amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """``limits`` says up to which amount each role may decide, None without end; empty: no limits at all.

    Where there are limits, a role that is not among them decides on no amount; the owner always may.
    ``version`` 0 is the product's own flow.
    """

    steps: tuple[Step, ...]
    limits: Mapping[str, int | None] = field(default_factory=lambda: MappingProxyType({}))
    version: int = 0


def to_document(flow: Flow) -> dict[str, Any]:
    """The flow as a request and a company keep it; the version stands beside."""
    steps = [
        {
            "by": step.by,
            "roles": list(step.roles),
            "fromAmount": step.from_amount,
            "remindAfter": step.remind_after,
            "escalateAfter": step.escalate_after,
        }
        for step in flow.steps
    ]
    return {"steps": steps, "limits": dict(flow.limits)}


def from_document(document: Mapping[str, Any], *, version: int) -> Flow:
    steps = tuple(_step(step) for step in document.get("steps", ()))
    limits = cast("dict[str, int | None]", document.get("limits", {}))
    return Flow(steps=steps, limits=MappingProxyType(limits), version=version)


def _step(document: Mapping[str, Any]) -> Step:
    return Step(
        by=document["by"],
        roles=tuple(document["roles"]),
        from_amount=document["fromAmount"],
        remind_after=document["remindAfter"],
        escalate_after=document["escalateAfter"],
    )


def faults_of(
    flow: Flow, *, takes_amount: bool, final_roles: frozenset[str], path: tuple[str | int, ...]
) -> list[UserError]:
    """Everything that keeps a flow from being used for a kind; see ``ApprovalKind``."""
    faults = list(_faults_of_steps(flow.steps, path, takes_amount=takes_amount))
    faults += _faults_of_limits(flow.limits, path, takes_amount=takes_amount)
    last = flow.steps[-1] if flow.steps else None
    if final_roles and last is not None and not (last.by == ROLE and set(last.roles) <= final_roles):
        message = msg("The last step of this kind is decided by: {roles}.")
        roles = ", ".join(sorted(final_roles))
        faults.append(UserError("WRONG_LAST_STEP", message, (*path, "steps"), {"roles": roles}))
    return faults


def _faults_of_steps(
    steps: Sequence[Step], path: tuple[str | int, ...], *, takes_amount: bool
) -> Iterator[UserError]:
    if not 1 <= len(steps) <= MOST_STEPS:
        message = msg("A flow has 1 to {limit} steps.")
        yield UserError("WRONG_NUMBER_OF_STEPS", message, (*path, "steps"), {"limit": MOST_STEPS})
    for place, step in enumerate(steps):
        at = (*path, "steps", place)
        if (step.by == ROLE) != bool(step.roles):
            yield UserError(
                "WRONG_ROLES", msg("A step by role names roles, one by superior none."), (*at, "roles")
            )
        yield from _unknown_roles(step.roles, (*at, "roles"))
        if step.from_amount is not None and not takes_amount:
            yield UserError("NO_AMOUNTS", msg("Requests of this kind have no amount."), (*at, "fromAmount"))
        elif step.from_amount is not None and not 0 <= step.from_amount <= _LARGEST:
            yield _out_of_range((*at, "fromAmount"), 0, _LARGEST)
        for name, days in (("remindAfter", step.remind_after), ("escalateAfter", step.escalate_after)):
            if days is not None and not 1 <= days <= LONGEST:
                yield _out_of_range((*at, name), 1, LONGEST)


def _faults_of_limits(
    limits: Mapping[str, int | None], path: tuple[str | int, ...], *, takes_amount: bool
) -> Iterator[UserError]:
    at = (*path, "limits")
    if limits and not takes_amount:
        yield UserError("NO_AMOUNTS", msg("Requests of this kind have no amount."), at)
    for place, (role, most) in enumerate(limits.items()):
        yield from _unknown_roles((role,), (*at, place, "role"))
        if most is not None and not 0 <= most <= _LARGEST:
            yield _out_of_range((*at, place, "upTo"), 0, _LARGEST)


def _unknown_roles(roles: Sequence[str], path: tuple[str | int, ...]) -> Iterator[UserError]:
    for role in roles:
        if role not in _ROLES:
            yield UserError(
                "UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), path, {"value": role[:50]}
            )


def _out_of_range(path: tuple[str | int, ...], minimum: int, maximum: int) -> UserError:
    message = msg("This must lie between {minimum} and {maximum}.")
    return UserError("OUT_OF_RANGE", message, path, {"minimum": minimum, "maximum": maximum})
