"""Rules go through approval: submitting, withdrawing, throwing away and repealing their versions (T8)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg, translate
from kedang_tenants import rules
from kedang_tenants.approvals.asking import NotWaiting, ask, close, resubmit, withdraw
from kedang_tenants.approvals.kinds import Request, register_approval_kind
from kedang_tenants.approvals.models import APPROVED, REFUSED, RETURNED
from kedang_tenants.approvals.requests import hold_unsettled
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.reading import Viewer
from kedang_tenants.rules import life
from kedang_tenants.rules.drafting import Held, ensure_may_edit, ensure_state, hold_version
from kedang_tenants.rules.models import APPROVED as RULE_APPROVED
from kedang_tenants.rules.models import IN_FORCE, SUBMITTED

VERSION: Final = "rule.version"
REPEAL: Final = "rule.repeal"
_APPROVERS: Final = frozenset({"GENERAL_MANAGER", "OWNER"})


async def submit_rule(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> UUID:
    """Submit a draft for approval; returns the id of the request.

    Neither the submitter nor anybody who has drafted or edited it decides. What was returned is asked
    for again. Raises Forbidden, NotFound, RuleSettled, and Refused with what is wrong with the content.
    """
    subject = ("rule_version", version_id)
    unsettled = await hold_unsettled(write, kind=VERSION, subject=subject)
    returned = [request for request in unsettled if request.state == RETURNED]
    own = next((request for request in returned if request.asked_by == viewer.member_id), None)
    if own is not None:
        return await resubmit(write, viewer, request_id=own.id, clock=clock)
    for request in returned:  # asked by somebody else: the new asker begins anew
        await close(write, viewer, request, clock=clock)
    held = await life.submit(write, viewer, version_id=version_id, clock=clock)
    return await ask(
        write,
        viewer,
        kind=VERSION,
        subject=subject,
        summary=_summary(msg("Version {number} of the rule “{rule}”"), held),
        barred=_prepared_by(held),
        clock=clock,
    )


async def withdraw_rule(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> UUID:
    """Take a submitted version back: it is a draft again. For whoever submitted it.

    Returns the id of the request. Raises NotFound, Forbidden, NotWaiting.
    """
    requests = await hold_unsettled(write, kind=VERSION, subject=("rule_version", version_id))
    if not requests:
        await hold_version(write, viewer, version_id)
        raise NotWaiting(
            msg("This request is not in a state in which this can be done."), path=("input", "id")
        )
    return await withdraw(write, viewer, request_id=requests[0].id, clock=clock)


async def discard_rule(write: TenantWrite, viewer: Viewer, *, version_id: UUID, clock: Clock) -> UUID:
    """Throw a draft away, and with it the request by which it was returned. Raises as ``discard_rule_draft``."""
    returned = await hold_unsettled(write, kind=VERSION, subject=("rule_version", version_id))
    await rules.discard_rule_draft(write, viewer, version_id=version_id, clock=clock)
    for held in returned:
        await close(write, viewer, held, clock=clock)
    return version_id


async def repeal_rule(
    write: TenantWrite, viewer: Viewer, *, version_id: UUID, reason: str | None, clock: Clock
) -> UUID:
    """Ask for a version that is in force, or waits for its day, to be repealed; returns the id of the request.

    Raises Forbidden, NotFound, RuleSettled, AlreadyAsked.
    """
    await hold_unsettled(write, kind=REPEAL, subject=("rule_version", version_id))
    held = await hold_version(write, viewer, version_id)
    ensure_may_edit(viewer, held)
    ensure_state(held, IN_FORCE, RULE_APPROVED)
    return await ask(
        write,
        viewer,
        kind=REPEAL,
        subject=("rule_version", version_id),
        summary=_summary(msg("Repeal of version {number} of the rule “{rule}”"), held),
        payload={"reason": reason},
        remark=reason,
        clock=clock,
    )


def _summary(msgid: str, held: Held) -> dict[str, str]:
    label = rules.rule_kind(held.kind).label
    return in_our_languages(
        lambda language: translate(
            msgid, language, {"number": held.number, "rule": translate(label, language)}
        )
    )


def _prepared_by(held: Held) -> set[UUID]:
    return {member for member in (held.drafted_by_id, *held.editors) if member is not None}


async def _version_decided(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> None:
    version_id = _version_of(request)
    if request.state == APPROVED:
        await life.approve(
            write,
            viewer,
            version_id=version_id,
            approved_by=request.decided_by,
            remark=request.remark,
            clock=clock,
        )
    elif request.state == REFUSED:
        await life.refuse(write, viewer, version_id=version_id, remark=request.remark, clock=clock)
    else:
        version = await rules.rule_version(write, version_id)
        if version is not None and version.state == SUBMITTED:  # what was returned is a draft already
            await life.give_back(write, viewer, version_id=version_id, remark=request.remark, clock=clock)


async def _version_resubmitted(
    write: TenantWrite, viewer: Viewer, request: Request, clock: Clock
) -> set[UUID]:
    return _prepared_by(await life.submit(write, viewer, version_id=_version_of(request), clock=clock))


async def _repeal_decided(write: TenantWrite, viewer: Viewer, request: Request, clock: Clock) -> None:
    if request.state == APPROVED:
        reason = request.payload.get("reason")
        await life.repeal(write, viewer, version_id=_version_of(request), remark=reason, clock=clock)


def _version_of(request: Request) -> UUID:
    assert request.subject is not None
    return request.subject[1]


register_approval_kind(
    VERSION,
    label=msg("A version of a rule"),
    on_decided=_version_decided,
    on_resubmitted=_version_resubmitted,
    alone="APPROVE",
    final_roles=_APPROVERS,
    sensitive=True,
)
register_approval_kind(
    REPEAL,
    label=msg("The repeal of a rule"),
    on_decided=_repeal_decided,
    alone="APPROVE",
    final_roles=_APPROVERS,
    sensitive=True,
)
