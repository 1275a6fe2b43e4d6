"""Watching jobs: who watches one is told how far it is whenever that changes, and the subscription ends with the job.

While somebody watches any job of a company, this process looks once a second at all those that are watched there, in one
statement, however many watch. What ends a job may be a worker, a sweep or a change; the row knows in every case.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias
from uuid import UUID

import orjson
import structlog
from graphql.execution.collect_fields import collect_fields

from kedang_graphql.answering import id_inside
from kedang_graphql.engine.cost import Measure
from kedang_graphql.engine.roots import RootReader
from kedang_graphql.http import Asked
from kedang_graphql.jobs import JOB, SHOWN, Job
from kedang_graphql.services import Services
from kedang_graphql.throttling import throttled
from kedang_platform.database import TenantRead
from kedang_platform.errors import NotFound, Unauthenticated
from kedang_platform.i18n import Language, msg
from kedang_platform.identity.credentials import Identified
from kedang_platform.work import JobStatus
from kedang_platform.work.keeping import statuses_of
from kedang_tenants.catalogue import catalogue
from kedang_tenants.people.viewers import load_viewer

FIELD: Final = "job"
_EVERY: Final = 1.0
_ATTRIBUTES: Final = {
    "createdAt": "created_at",
    "finishedAt": "finished_at",
    "dueAt": "due_at",
    "cancelRequested": "cancel_requested",
}
_Shape: TypeAlias = Sequence[tuple[str, str, "_Shape | None"]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class JobWish:
    """Which job a subscription watches, and what it shows of it."""

    job_id: UUID
    key: str
    shape: _Shape
    measure: Measure


@dataclass(eq=False, slots=True)
class JobWatcher:
    """One subscription of one connection: ``push`` tells it, ``end`` completes it, ``fail`` ends it and says why."""

    wish: JobWish
    identified: Identified
    language: Language
    push: Callable[[bytes], None]
    end: Callable[[], None]
    fail: Callable[[Exception], None]
    size: int
    told: bytes = field(default=b"")


def job_wished(asked: Asked) -> JobWish | None:
    """What a valid subscription asks of a job; None for one of something else. Raises NotFound."""
    schema, operation, definition = asked.operations.schema, asked.operation, asked.definition
    root = schema.subscription_type
    assert root is not None
    collected = collect_fields(schema, operation.fragments, asked.variables, root, definition)
    fields = list(collected.grouped_field_set.items())
    if len(fields) != 1 or fields[0][1][0].node.name.value != FIELD:
        return None
    key, details = fields[0]
    reader = RootReader(schema, catalogue(), definition, operation.fragments, asked.variables)
    selections = reader.selections()
    arguments = selections.arguments(root.fields[FIELD], details[0].node).values(asked.variables)
    shape = [
        (
            shown,
            inner[0].node.name.value,
            [(k, d[0].node.name.value, None) for k, d in selections.fields_of("UserError", inner)]
            if inner[0].node.name.value == "error"
            else None,
        )
        for shown, inner in selections.fields_of("Job", details)
    ]
    measure = asked.operations.measure(operation, definition)
    return JobWish(id_inside(JOB, arguments["id"]), key, shape, measure)


class JobWatch:
    """The jobs that are watched in this process; used on one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._watchers: dict[UUID, set[JobWatcher]] = defaultdict(set)
        self._looking: dict[UUID, asyncio.Task[None]] = {}

    async def watch(self, watcher: JobWatcher) -> None:
        """Tell how far the job is, now and whenever that changes. Raises NotFound, Unauthenticated."""
        company = watcher.identified.company
        async with self._services.databases.tenant_read(company.ref) as read:
            await _still_a_member(read, watcher.identified)
            found = await statuses_of(read, [watcher.wish.job_id])
        status = found.get(watcher.wish.job_id)
        if status is None or status.kind not in SHOWN:
            raise NotFound(msg("There is no such job."))
        if await self._tell(watcher, status):
            return
        self._watchers[company.id].add(watcher)
        if company.id not in self._looking:
            self._looking[company.id] = asyncio.create_task(self._look(company.id))

    def ignore(self, watcher: JobWatcher) -> None:
        """Tell the watcher of nothing more."""
        self._watchers.get(watcher.identified.company.id, set()).discard(watcher)

    async def close(self) -> None:
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    async def _look(self, company_id: UUID) -> None:
        try:
            while True:
                await asyncio.sleep(_EVERY)
                watchers = list(self._watchers[company_id])
                if not watchers:
                    return
                try:
                    await self._look_once(watchers)
                except Exception as error:  # noqa: BLE001 - whatever it is, it is looked again in a second
                    log.warning("live.jobs_not_looked_at", error=type(error).__name__)
        finally:
            del self._looking[company_id]
            if not self._watchers[company_id]:
                del self._watchers[company_id]

    async def _look_once(self, watchers: Sequence[JobWatcher]) -> None:
        ids = list({watcher.wish.job_id for watcher in watchers})
        gone: list[tuple[JobWatcher, Exception]] = []
        async with self._services.databases.tenant_read(watchers[0].identified.company.ref) as read:
            found = await statuses_of(read, ids)
            members: dict[tuple[UUID, str], Exception | None] = {}
            for watcher in watchers:
                who = watcher.identified.member_id, watcher.identified.kind
                if who not in members:
                    members[who] = await _refusal(read, watcher.identified)
                if (error := members[who]) is not None:
                    gone.append((watcher, error))
        for watcher, error in gone:
            watcher.fail(error)
        refused = {watcher for watcher, _ in gone}
        for watcher in watchers:
            if watcher in refused:
                continue
            status = found.get(watcher.wish.job_id)
            if status is None:  # it ended long ago, and its row was removed since the last look
                self.ignore(watcher)
                watcher.end()
            else:
                await self._tell(watcher, status)

    async def _tell(self, watcher: JobWatcher, status: JobStatus) -> bool:
        """Tell what is new; True when the job has ended, and with it what the watcher is told."""
        wish = watcher.wish
        value = _value(Job.of(status, watcher.language), "Job", wish.shape)
        payload = orjson.dumps({"data": {wish.key: value}})
        if payload != watcher.told:
            buckets = self._services.buckets
            taken = await buckets.take(watcher.identified.credential_id.hex, 1)
            if not taken.granted:
                watcher.fail(throttled(buckets, 1, taken.available))
                return True
            watcher.told = payload
            watcher.push(payload)
        if status.finished:
            self.ignore(watcher)
            watcher.end()
        return status.finished


async def _still_a_member(read: TenantRead, identified: Identified) -> None:
    if (error := await _refusal(read, identified)) is not None:
        raise error


async def _refusal(read: TenantRead, identified: Identified) -> Exception | None:
    viewer = await load_viewer(
        read, company=identified.company, member_id=identified.member_id, via=identified.kind
    )
    if viewer is None:
        return Unauthenticated(msg("You are not an active member of this company."))
    return None


def _value(found: object, typename: str, shape: _Shape) -> dict[str, Any] | None:
    if found is None:
        return None
    return {key: _member(found, typename, name, inner) for key, name, inner in shape}


def _member(found: object, typename: str, name: str, inner: _Shape | None) -> object:
    if name == "__typename":
        return typename
    value = getattr(found, _ATTRIBUTES.get(name, name))
    if inner is not None:
        return _value(value, "UserError", inner)
    if isinstance(value, Enum):
        return value.name
    return value.isoformat() if isinstance(value, datetime) else value
