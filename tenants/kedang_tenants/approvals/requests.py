"""Requests under lock: who may know of one, what it is, and every write to it and to its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.approvals.deciders import Question
from kedang_tenants.approvals.flows import Flow, from_document
from kedang_tenants.approvals.kinds import Request
from kedang_tenants.approvals.models import OPEN
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.changing.locking import hold_rows
from kedang_tenants.reading import Viewer

_COLUMNS = """
id, kind, about, summary, amount, asked_by_id, state, stage, step, steps, flow_version, waiting_since, escalation,
payload, barred, archived_at
"""
_ABOUT = "SELECT about FROM approval_request WHERE id = $1"
_ONE = f"SELECT {_COLUMNS} FROM approval_request WHERE id = $1 FOR UPDATE"
_OPEN = f"""
SELECT {_COLUMNS} FROM approval_request
WHERE state = '{OPEN}' AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2 FOR UPDATE
"""
_UNSETTLED = f"""
SELECT {_COLUMNS} FROM approval_request
WHERE kind = $1 AND about = $2 AND state IN ('OPEN', 'RETURNED') AND archived_at IS NULL ORDER BY id FOR UPDATE
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A request that this transaction has locked; ``step`` counts from 1."""

    id: UUID
    kind: str
    about: str | None
    summary: Mapping[str, str]
    amount: int | None
    asked_by: UUID | None
    state: str
    stage: int
    step: int
    flow: Flow
    waiting_since: date | None
    escalation: int
    payload: Mapping[str, Any]
    barred: frozenset[UUID]

    def question(self, step: int | None = None, escalation: int | None = None) -> Question:
        """Who may decide the open step, or another one."""
        return Question(
            step=self.flow.steps[(step or self.step) - 1],
            flow=self.flow,
            asked_by=self.asked_by,
            barred=self.barred,
            amount=self.amount,
            escalation=self.escalation if escalation is None else escalation,
        )

    def told(
        self,
        state: str,
        *,
        decided_by: UUID | None = None,
        in_place_of: UUID | None = None,
        nobody_else: bool = False,
        remark: str | None = None,
    ) -> Request:
        """As the feature sees it that asked."""
        return Request(
            id=self.id,
            kind=self.kind,
            subject=subject_of(self.about),
            state=state,
            payload=self.payload,
            amount=self.amount,
            asked_by=self.asked_by,
            decided_by=decided_by,
            in_place_of=in_place_of,
            nobody_else=nobody_else,
            remark=remark,
        )


def subject_of(about: str | None) -> tuple[str, UUID] | None:
    """The record that a public id names."""
    prefix, _, digits = (about or "").partition("_")
    record = catalogue().by_prefix(prefix)
    return (record.name, UUID(hex=digits)) if record else None


def public_id(record: str, record_id: UUID) -> str:
    return f"{catalogue().record(record).prefix}_{record_id.hex}"


async def hold(write: TenantWrite, request_id: UUID) -> Held:
    """Lock a request; raises NotFound where there is none. Whether the viewer may know of it is asked elsewhere.

    What it is about is locked before it, as by whoever changes that and finds that something is asked for.
    """
    subject = subject_of(await write.fetchval(_ABOUT, request_id))
    if subject is not None:
        await hold_rows(write, subject[0], [subject[1]])
    row = await write.fetchrow(_ONE, request_id)
    if row is None:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    return _held(row)


async def hold_open(write: TenantWrite, *, after: UUID | None = None, limit: int) -> list[Held]:
    """Lock the next open requests behind one, in the order of their ids."""
    return [_held(row) for row in await write.fetch(_OPEN, after, limit)]


async def hold_unsettled(write: TenantWrite, *, kind: str, subject: tuple[str, UUID]) -> list[Held]:
    """Lock what has been asked about a record and is not decided."""
    return [_held(row) for row in await write.fetch(_UNSETTLED, kind, public_id(*subject))]


async def count_open(read: TenantRead) -> int:
    return int(await read.fetchval("SELECT count(*) FROM approval_request WHERE state = 'OPEN'") or 0)


def _held(row: asyncpg.Record) -> Held:
    barred = frozenset(UUID(hex=each) for each in orjson.loads(row["barred"]).get("members", ()))
    asked_by = row["asked_by_id"]
    return Held(
        id=row["id"],
        kind=row["kind"],
        about=row["about"],
        summary=orjson.loads(row["summary"]),
        amount=row["amount"],
        asked_by=asked_by,
        state=row["state"],
        stage=row["stage"],
        step=row["step"],
        flow=from_document(orjson.loads(row["steps"]), version=row["flow_version"]),
        waiting_since=row["waiting_since"],
        escalation=row["escalation"],
        payload=orjson.loads(row["payload"]),
        barred=barred | ({asked_by} if asked_by else set()),
    )


async def update(
    write: TenantWrite, viewer: Viewer, held: Held, values: Mapping[str, object], *, clock: Clock
) -> Held:
    """Change a request; returns it as it is now."""
    change = Change("approval_request", "update", held.id, values=values)
    await change_internally(write, viewer, [change], clock=clock)
    kept = {name: value for name, value in values.items() if name in _FOLLOWED}
    return replace(held, **kept)  # type: ignore[arg-type]


_FOLLOWED = frozenset(
    {"state", "stage", "step", "waiting_since", "escalation", "summary", "amount", "payload"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of a request's history."""

    kind: str
    step: int
    member_id: UUID | None = None
    for_member_id: UUID | None = None
    remark: str | None = None


async def note(
    write: TenantWrite, viewer: Viewer, held: Held, happenings: Sequence[Happening], *, clock: Clock
) -> None:
    """Write into a request's history, at its present stage."""
    changes = [
        Change(
            "approval_event",
            "create",
            values={
                "request_id": held.id,
                "kind": one.kind,
                "stage": held.stage,
                "step": one.step,
                "member_id": one.member_id,
                "for_member_id": one.for_member_id,
                "remark": one.remark,
            },
        )
        for one in happenings
    ]
    await change_internally(write, viewer, changes, clock=clock)
