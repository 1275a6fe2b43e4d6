"""The one path of every write: authorise, lock, validate, update, audit, job - in one transaction.

A change is a batch: one record or thousands take the same handful of statements. What is refused
leaves nothing behind, because nothing is written before everything is checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from types import MappingProxyType
from typing import cast
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.changing import checking, storing
from kedang_tenants.changing.deriving import derive
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.changing.hooks import afterwards_steps, prepare_steps
from kedang_tenants.changing.locking import hold_first
from kedang_tenants.changing.requests import Change, Changed
from kedang_tenants.reading import Scope, Viewer


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each change of a batch, in its order: done, or refused with its errors."""

    changed: list[Changed | None] = field(default_factory=list)
    errors: list[list[UserError]] = field(default_factory=list)


async def change(
    write: TenantWrite, viewer: Viewer, changes: Sequence[Change], *, clock: Clock
) -> list[Changed]:
    """Make all changes, or none: raises Refused with every error found.

    Several kinds of records may be changed together; they are written in the order given, so that a
    later change may refer to a record that an earlier one creates.
    """
    outcome = await _change(write, viewer, changes, clock=clock, partial=False, internal=False)
    return [done for done in outcome.changed if done is not None]


async def change_accepted(
    write: TenantWrite, viewer: Viewer, changes: Sequence[Change], *, clock: Clock
) -> Outcome:
    """Make the changes that can be made; the others are refused one by one. For imports and batches."""
    return await _change(write, viewer, changes, clock=clock, partial=True, internal=False)


async def change_internally(
    write: TenantWrite, viewer: Viewer, changes: Sequence[Change], *, clock: Clock
) -> list[Changed]:
    """Make changes that the product itself decides: no right is asked for, read-only fields may be set.

    ``viewer`` is named as the actor all the same.
    """
    outcome = await _change(write, viewer, changes, clock=clock, partial=False, internal=True)
    return [done for done in outcome.changed if done is not None]


async def _change(
    write: TenantWrite,
    viewer: Viewer,
    changes: Sequence[Change],
    *,
    clock: Clock,
    partial: bool,
    internal: bool,
) -> Outcome:
    drafts = [_draft(one) for one in changes]
    for _, group in groupby(drafts, key=lambda draft: (draft.record.name, draft.action)):
        await _change_alike(write, viewer, list(group), clock=clock, partial=partial, internal=internal)
    return Outcome([_told(draft) for draft in drafts], [draft.errors for draft in drafts])


def _draft(one: Change) -> Draft:
    return Draft(catalogue().record(one.record), one, one.id or new_id())


async def _change_alike(
    write: TenantWrite,
    viewer: Viewer,
    drafts: list[Draft],
    *,
    clock: Clock,
    partial: bool,
    internal: bool,
) -> None:
    """Drafts of one record type and one action, all the way through."""
    if not internal:
        _authorise(viewer, drafts)
    await _hold_first(write, _alive(drafts))
    if drafts[0].action != "create":
        _refuse_second(_alive(drafts))
        await storing.lock(write, viewer, _alive(drafts), internal=internal)
    for draft in _alive(drafts):
        _apply(viewer, draft, clock, internal=internal)
    await checking.check_references(write, viewer, _alive(drafts))
    if drafts[0].action == "create" and not internal:
        await checking.check_scope_of_new(write, viewer, _alive(drafts))
    for step in prepare_steps(drafts[0].record.name):
        await step(write, viewer, _alive(drafts), clock)
    for draft in _alive(drafts):
        derive(viewer, draft)
    await checking.check_unique(write, _alive(drafts))
    if not partial:
        _stop_if_refused(drafts)
    written = [draft for draft in _alive(drafts) if storing.differs(draft)]
    await storing.store(write, viewer, written, clock=clock)
    for follow in afterwards_steps(drafts[0].record.name):
        await follow(write, viewer, written, clock)


async def _hold_first(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    if drafts:
        there = [draft.id for draft in drafts if draft.action != "create"]
        named = [draft.change.values.get("customer_id") for draft in drafts]
        await hold_first(write, drafts[0].record.name, there, named=named)


def _alive(drafts: Iterable[Draft]) -> list[Draft]:
    return [draft for draft in drafts if not draft.refused]


def _stop_if_refused(drafts: Sequence[Draft]) -> None:
    errors = [error for draft in drafts for error in draft.errors]
    if errors:
        raise Refused(errors)


def _authorise(viewer: Viewer, drafts: Sequence[Draft]) -> None:
    access = viewer.on(drafts[0].record.name)
    rights = {
        "create": access.create,
        "update": access.update,
        "archive": access.archive,
        "restore": access.archive,
    }
    for draft in drafts:
        offered = draft.action in draft.record.actions
        if not offered or rights[draft.action] is Scope.NONE:
            draft.refuse(None, "FORBIDDEN", msg("You may not do this."))


def _refuse_second(drafts: Sequence[Draft]) -> None:
    """One record is changed once in a batch: the second change would not know of the first."""
    seen: set[UUID] = set()
    for draft in drafts:
        if draft.id in seen:
            draft.refuse(None, "TWICE", msg("This record is changed twice in one request."))
        seen.add(draft.id)


def _apply(viewer: Viewer, draft: Draft, clock: Clock, *, internal: bool) -> None:
    """Put into the draft what its action sets."""
    if draft.action == "archive":
        if draft.now("archived_at") is None:
            draft.values["archived_at"] = clock.now()
    elif draft.action == "restore":
        if draft.now("archived_at") is not None:
            draft.values["archived_at"] = None
    else:
        if draft.now("archived_at") is not None and not internal:
            draft.refuse(None, "ARCHIVED", msg("This record is archived; restore it first."))
            return
        checking.check_values(viewer, draft, internal=internal)


def _told(draft: Draft) -> Changed | None:
    if draft.refused:
        return None
    changes = storing.differences(draft)
    version = cast("int", draft.now("version"))
    return Changed(draft.record.name, draft.action, draft.id, version, MappingProxyType(changes))


async def visible_record(read: TenantRead, viewer: Viewer, record: RecordType, record_id: UUID) -> bool:
    """Whether the viewer sees a record; for verbs that must answer "not found" before anything else."""
    return await storing.sees(read, viewer, record, record_id)
