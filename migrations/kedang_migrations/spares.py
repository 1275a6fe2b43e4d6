"""Building the schemas that sign-ups take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from kedang_migrations import rendering
from kedang_migrations.applying import Wall, only_migrator, patiently, run_steps
from kedang_migrations.environments import TENANT
from kedang_migrations.rendering import Step
from kedang_migrations.wall import schema_statements
from kedang_platform.database import Databases
from kedang_platform.database.company import new_schema_name
from kedang_platform.database.databases import MAIN
from kedang_platform.database.pools import Connection
from kedang_platform.registry import count_spares

CONNECTIONS = 4


async def build_spares(databases: Databases, *, count: int) -> int:
    """Build schemas, with their roles, until ``count`` stand ready; returns how many were built.

    Builds none while a migration runs: the next call makes up for it.
    """
    async with only_migrator(databases, waiting=None) as alone:
        return await _build_missing(databases, count=count) if alone else 0


async def _build_missing(databases: Databases, *, count: int) -> int:
    async with databases.control_read() as read:
        missing = count - await count_spares(read, revision=TENANT.head())
    if missing <= 0:  # nearly always: rendering is for when there is something to build
        return 0
    steps = rendering.steps(TENANT)
    names = [new_schema_name() for _ in range(missing)]
    lanes = (names[lane::CONNECTIONS] for lane in range(CONNECTIONS))
    await asyncio.gather(*(_build(databases, lane, steps) for lane in lanes if lane))
    return len(names)


async def _build(databases: Databases, names: Sequence[str], steps: Sequence[Step]) -> None:
    wall = Wall.of(databases)
    async with databases.owner() as connection:
        for name in names:
            await patiently(lambda name=name: _build_one(connection, name, steps, wall))  # type: ignore[misc]


async def _build_one(connection: Connection, name: str, steps: Sequence[Step], wall: Wall) -> None:
    async with connection.transaction():
        for statement in schema_statements(name, roles=wall.roles, as_role=wall.as_role):
            await connection.execute(statement)
        await run_steps(connection, name, steps=steps, wall=wall)
        await connection.execute(
            "INSERT INTO platform.tenant_schema (name, database, state, revision, migrated_at, created_at)"
            " VALUES ($1, $2, 'spare', $3, now(), clock_timestamp())",
            name,
            MAIN,
            steps[-1].revision if steps else "",
        )
