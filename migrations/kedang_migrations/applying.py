"""Applying rendered revisions: each schema in one transaction, never waiting long for a lock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from kedang_migrations.rendering import Step
from kedang_migrations.wall import fingerprint, job_statements, table_grants
from kedang_platform.database import Databases, Roles
from kedang_platform.database.append_only import restrictions
from kedang_platform.database.company import checked_schema
from kedang_platform.database.pools import Connection

# A migration that waits for a lock makes everybody behind it wait too: give up early, come back later.
LOCK_TIMEOUT = "1s"
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.5
_LOCK = 0x6B65_6461_6E68


@dataclass(frozen=True, slots=True)
class Wall:
    """For whom rights are granted: the installation's roles, and whether companies have roles."""

    roles: Roles
    as_role: bool

    @classmethod
    def of(cls, databases: Databases) -> Wall:
        return cls(databases.roles(), databases.settings.tenant_roles == "role")


@asynccontextmanager
async def only_migrator(databases: Databases, *, waiting: Callable[[], None] | None) -> AsyncIterator[bool]:
    """Hold the installation's one migration lock; with ``waiting`` None give False instead of waiting.

    The lock lives in a transaction, so that it also holds through a pooler in transaction mode.
    """
    async with databases.owner() as connection, connection.transaction():
        free = await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({_LOCK})")
        if not free and waiting is not None:
            waiting()
            await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            free = True
        yield free


async def patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Run a transaction again while it meets locks, up to about half a minute."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            await work()
            return
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            if attempt == _ATTEMPTS:
                raise
            await asyncio.sleep(_PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - a pause


async def apply_shared(
    connection: Connection, component: str, *, database: str, steps: Sequence[Step]
) -> str:
    """Bring schema ``platform`` or ``work`` to the last step; returns the revision it had before."""
    before = await _shared_revision(connection, component, database)
    for step in steps:
        if step.revision > before:
            await patiently(lambda step=step: _shared_step(connection, component, database, step))  # type: ignore[misc]
    return before


async def apply_job_wall(connection: Connection, *, database: str, wall: Wall) -> None:
    """Grant companies their own jobs, when what is granted has changed since the last time."""
    current = fingerprint(roles=wall.roles, as_role=wall.as_role)
    if await _shared_revision(connection, "work wall", database) == current:
        return

    async def apply() -> None:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            policies = await connection.fetch(
                "SELECT policyname FROM pg_policies WHERE schemaname = 'work' AND tablename = 'job'"
            )
            for row in policies:
                await connection.execute(f'DROP POLICY "{row["policyname"]}" ON work.job')
            for statement in job_statements(roles=wall.roles, as_role=wall.as_role):
                await connection.execute(statement)
            await _note_shared(connection, "work wall", database, current)

    await patiently(apply)


async def apply_append_only(connection: Connection, *, wall: Wall) -> None:
    """Take from the product's role what it may not do to the tables that tell what was; safe to repeat."""

    async def apply() -> None:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            for statement in restrictions(wall.roles.control):
                await connection.execute(statement)

    await patiently(apply)


async def apply_tenant(connection: Connection, schema: str, *, steps: Sequence[Step], wall: Wall) -> None:
    """Bring a company's (or a spare) schema to the last step, in one transaction with its status row."""

    async def apply() -> None:
        async with connection.transaction():
            before = await connection.fetchval(
                "SELECT revision FROM platform.tenant_schema WHERE name = $1 FOR UPDATE", schema
            )
            await run_steps(connection, schema, steps=[s for s in steps if s.revision > before], wall=wall)
            await _note_tenant(connection, schema, steps[-1].revision)

    await patiently(apply)


async def run_steps(connection: Connection, schema: str, *, steps: Sequence[Step], wall: Wall) -> None:
    """The statements of ``steps`` inside ``schema``, one a call, in the transaction that is open."""
    await connection.execute(
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL search_path TO \"{checked_schema(schema)}\""
    )
    for step in steps:
        for statement in step.statements:
            await connection.execute(statement)
    for statement in table_grants(schema, roles=wall.roles, as_role=wall.as_role):
        await connection.execute(statement)


async def note_failure(connection: Connection, schema: str, error: Exception) -> None:
    """Keep in the status row why a schema stayed behind."""
    await connection.execute(
        "UPDATE platform.tenant_schema SET error = $2, attempts = attempts + 1 WHERE name = $1",
        schema,
        f"{type(error).__name__}: {error}",
    )


async def _shared_step(connection: Connection, component: str, database: str, step: Step) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        for statement in step.statements:
            await connection.execute(statement)
        await _note_shared(connection, component, database, step.revision)


async def _shared_revision(connection: Connection, component: str, database: str) -> str:
    if await connection.fetchval("SELECT to_regclass('platform.revision') IS NULL"):
        return ""
    found: str | None = await connection.fetchval(
        "SELECT revision FROM platform.revision WHERE component = $1 AND database = $2", component, database
    )
    return found or ""


async def _note_shared(connection: Connection, component: str, database: str, revision: str) -> None:
    await connection.execute(
        "INSERT INTO platform.revision (component, database, revision, migrated_at) VALUES ($1, $2, $3, now())"
        " ON CONFLICT (component, database)"
        " DO UPDATE SET revision = excluded.revision, migrated_at = excluded.migrated_at",
        component,
        database,
        revision,
    )


async def _note_tenant(connection: Connection, schema: str, revision: str) -> None:
    await connection.execute(
        "UPDATE platform.tenant_schema"
        " SET revision = $2, migrated_at = now(), error = NULL, attempts = 0 WHERE name = $1",
        schema,
        revision,
    )
    await connection.execute(
        "UPDATE platform.company SET revision = $2 WHERE schema_name = $1", schema, revision
    )
