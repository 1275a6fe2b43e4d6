"""Bringing an installation to the release: the shared schemas, then every company's, many at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from kedang_migrations import rendering
from kedang_migrations.applying import (
    Wall,
    apply_append_only,
    apply_job_wall,
    apply_shared,
    apply_tenant,
    note_failure,
    only_migrator,
)
from kedang_migrations.environments import PLATFORM, TENANT, WORK
from kedang_migrations.rendering import Step
from kedang_migrations.spares import build_spares
from kedang_platform.database import Databases
from kedang_platform.database.databases import MAIN
from kedang_platform.embedded import Echo, silent
from kedang_platform.i18n import msg

__all__ = ["FailedSchema", "MigrationReport", "build_spares", "migrate", "migrate_schemas"]

CONNECTIONS = 4
_PROGRESS_EVERY = 100


@dataclass(frozen=True, slots=True)
class FailedSchema:
    """A company's schema that stayed behind, and why; the next run tries it again."""

    schema: str
    error: str


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """Where a run led: the revisions, how many schemas it changed, and those that failed.

    ``untried`` counts schemas that were left alone because the first one, the canary, failed.
    """

    platform: str
    work: str
    tenant: str
    migrated: int
    failed: tuple[FailedSchema, ...]
    untried: int

    @property
    def complete(self) -> bool:
        return not self.failed and not self.untried


async def migrate(databases: Databases, *, echo: Echo = silent) -> MigrationReport:
    """Migrate ``platform``, ``work`` and all schemas of companies and spares; only what is behind changes.

    Each schema changes in one transaction together with its status row, so a run that was ended
    anywhere is continued by the next. A second migrator waits for the first. Errors in the shared
    schemas are raised; those of a company's schema are in the report.
    """
    async with only_migrator(databases, waiting=lambda: echo(msg("Waiting for another migration ..."))):
        await _migrate_shared(databases, echo)
        return await migrate_schemas(databases, steps=rendering.steps(TENANT), echo=echo)


async def migrate_schemas(
    databases: Databases, *, steps: Sequence[Step], echo: Echo = silent
) -> MigrationReport:
    """Bring the schemas of companies and spares to the last of ``steps``, under the caller's migration lock."""
    run = _TenantRun(databases, steps, echo)
    await run.all(await _behind(databases, steps))
    return MigrationReport(
        platform=PLATFORM.head(),
        work=WORK.head(),
        tenant=steps[-1].revision if steps else "",
        migrated=run.migrated,
        failed=tuple(run.failed),
        untried=run.untried,
    )


async def _migrate_shared(databases: Databases, echo: Echo) -> None:
    async with databases.owner() as connection:
        for environment in (PLATFORM, WORK):
            steps = rendering.steps(environment)
            before = await apply_shared(connection, environment.name, database=MAIN, steps=steps)
            if steps and steps[-1].revision > before:
                echo(
                    msg("Schema {name} is now at revision {revision}."),
                    name=environment.name,
                    revision=steps[-1].revision,
                )
        await apply_append_only(connection, wall=Wall.of(databases))
        await apply_job_wall(connection, database=MAIN, wall=Wall.of(databases))


async def _behind(databases: Databases, steps: Sequence[Step]) -> list[str]:
    """Each schema that is behind: the canary first, spares last."""
    if not steps:
        return []
    async with databases.control_read() as read:
        rows = await read.fetch(
            "SELECT name FROM platform.tenant_schema WHERE revision < $1"
            " ORDER BY state <> 'claimed', created_at, name",
            steps[-1].revision,
        )
    return [row["name"] for row in rows]


class _TenantRun:
    """One pass over the schemas that are behind."""

    def __init__(self, databases: Databases, steps: Sequence[Step], echo: Echo) -> None:
        self._databases = databases
        self._steps = steps
        self._echo = echo
        self.migrated = 0
        self.failed: list[FailedSchema] = []
        self.untried = 0
        self._total = 0

    async def all(self, schemas: Sequence[str]) -> None:
        """The canary alone, then, when it succeeded, the others over several connections."""
        if not schemas:
            return
        self._total = len(schemas)
        self._echo(msg("Migrating {count} company schemas ..."), count=self._total)
        await self._lane(iter(schemas[:1]))
        if self.failed:
            self.untried = len(schemas) - 1
            return
        queue = iter(schemas[1:])
        ends = await asyncio.gather(*(self._lane(queue) for _ in range(CONNECTIONS)), return_exceptions=True)
        for end in ends:  # a lane that lost its connection; the others have done the rest by now
            if isinstance(end, BaseException):
                raise end

    async def _lane(self, queue: Iterator[str]) -> None:
        """Schemas off the shared queue, one after the other, over one connection."""
        wall = Wall.of(self._databases)
        async with self._databases.owner() as connection:
            for schema in queue:
                try:
                    await apply_tenant(connection, schema, steps=self._steps, wall=wall)
                except asyncpg.PostgresError as error:
                    await note_failure(connection, schema, error)
                    self.failed.append(FailedSchema(schema, str(error)))
                else:
                    self._done()

    def _done(self) -> None:
        self.migrated += 1
        if self.migrated % _PROGRESS_EVERY == 0 or self.migrated == self._total:
            self._echo(
                msg("{done} of {total} company schemas migrated."), done=self.migrated, total=self._total
            )
