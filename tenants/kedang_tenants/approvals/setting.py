"""The flows of a company: the kind's own until an owner or administrator sets another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, Refused
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.approvals.flows import Flow, faults_of, from_document, to_document
from kedang_tenants.approvals.kinds import ApprovalKind, approval_kind
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Scope, Viewer

_FLOW = "SELECT id, steps, version FROM approval_flow WHERE kind = $1 AND archived_at IS NULL"
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('approval flows'), hashtext($1))"


async def flow_of(read: TenantRead, kind: ApprovalKind) -> Flow:
    """The flow by which what is asked now is decided."""
    row = await read.fetchrow(_FLOW, kind.code)
    if row is None:
        return kind.flow
    flow = from_document(orjson.loads(row["steps"]), version=row["version"])
    # A release may bound a kind more tightly than the company's flow was made: the product's own holds then.
    bounded = not faults_of(flow, takes_amount=kind.takes_amount, final_roles=kind.final_roles, path=())
    return flow if flow.steps and bounded else kind.flow


async def set_flow(
    write: TenantWrite, viewer: Viewer, *, kind: str, flow: Flow, version: int | None = None, clock: Clock
) -> UUID:
    """Set how requests of a kind are decided from now on; what is asked already keeps its flow.

    ``version`` is the flow's that the caller has seen, 0 for the product's own. Returns the flow's id.
    Raises Forbidden, UnknownApprovalKind, and Refused with all that is wrong with the flow.
    """
    if viewer.on("approval_flow").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    known = approval_kind(kind)
    faults: Sequence[object] = faults_of(
        flow, takes_amount=known.takes_amount, final_roles=known.final_roles, path=("input",)
    )
    if faults:
        raise Refused(list(faults))  # type: ignore[arg-type]
    await write.fetch(_ONE_AT_A_TIME, f"{write.company.schema}:{kind}")
    row = await write.fetchrow(_FLOW, kind)
    values = {"steps": to_document(replace(flow, version=0)), "set_by_id": viewer.member_id}
    if row is None:
        change = Change("approval_flow", "create", new_id(), values={"kind": kind, **values})
    else:
        change = Change("approval_flow", "update", row["id"], version, values=values)
    (done,) = await change_internally(write, viewer, [change], clock=clock)
    return done.id
