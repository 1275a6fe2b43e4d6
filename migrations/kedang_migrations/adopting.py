"""A company's schema that was made elsewhere becomes one of this installation, as a company of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kedang_migrations import rendering
from kedang_migrations.applying import Wall, apply_tenant, only_migrator
from kedang_migrations.environments import TENANT
from kedang_migrations.wall import schema_statements, table_grants
from kedang_platform.database import Databases
from kedang_platform.database.company import checked_schema
from kedang_platform.database.databases import MAIN
from kedang_platform.database.pools import Connection
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.registry import NewCompany
from kedang_platform.registry.company import new_handle


class SchemaTooNew(KedangError):
    """A schema stands at a revision that this release does not know."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A company whose schema lies ready at ``revision``; it is registered as opening."""

    company_id: UUID
    schema: str
    revision: str
    company: NewCompany


async def make_role(databases: Databases, schema: str) -> None:
    """Make the role that bears the schema's name, where companies have roles; the schema itself comes later."""
    wall = Wall.of(databases)
    async with databases.owner() as connection, connection.transaction():
        for statement in schema_statements(schema, roles=wall.roles, as_role=wall.as_role):
            if not statement.startswith(("CREATE SCHEMA", "GRANT USAGE")):
                await connection.execute(statement)


async def adopt(databases: Databases, adopted: Adopted, *, now: datetime) -> None:
    """Give the company its rights in the schema, register both, and migrate the schema to this release.

    Raises SchemaTooNew before anything is written, and what a migration raises.
    """
    steps = rendering.steps(TENANT)
    if adopted.revision > steps[-1].revision:
        raise SchemaTooNew(
            msg("The company's schema is of a later release (revision {theirs}, ours is {ours})."),
            theirs=adopted.revision,
            ours=steps[-1].revision,
        )
    wall = Wall.of(databases)
    async with only_migrator(databases, waiting=_nothing), databases.owner() as connection:
        async with connection.transaction():
            for statement in _rights(adopted.schema, wall):
                await connection.execute(statement)
            await _register(connection, adopted, now=now)
        await apply_tenant(connection, adopted.schema, steps=steps, wall=wall)


async def discard(databases: Databases, *, schema: str, company_id: UUID) -> None:
    """Take everything away again that ``make_role`` and ``adopt`` made, and the schema; for a company that never opened."""
    name = f'"{checked_schema(schema)}"'
    as_role = Wall.of(databases).as_role
    async with databases.owner() as connection, connection.transaction():
        await connection.execute("DELETE FROM work.job WHERE tenant = $1", schema)
        await connection.execute("DELETE FROM platform.tenant_schema WHERE name = $1", schema)
        await connection.execute("DELETE FROM platform.company WHERE id = $1", company_id)
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        if as_role:
            await connection.execute(f"DROP ROLE IF EXISTS {name}")


def _rights(schema: str, wall: Wall) -> Sequence[str]:
    whole = schema_statements(schema, roles=wall.roles, as_role=wall.as_role)
    usage = [statement for statement in whole if statement.startswith("GRANT USAGE")]
    return [*usage, *table_grants(schema, roles=wall.roles, as_role=wall.as_role)]


async def _register(connection: Connection, adopted: Adopted, *, now: datetime) -> None:
    company = adopted.company
    await connection.execute(
        "INSERT INTO platform.company (id, name, schema_name, database, status, country, language, time_zone,"
        " currency, revision, created_at, handle, quiet)"
        " VALUES ($1, $2, $3, $4, 'opening', $5, $6, $7, $8, $9, $10, $11, true)",
        adopted.company_id,
        company.name,
        adopted.schema,
        MAIN,
        company.country,
        company.language,
        company.time_zone,
        company.currency,
        adopted.revision,
        now,
        new_handle(),
    )
    await connection.execute(
        "INSERT INTO platform.tenant_schema"
        " (name, database, state, company_id, revision, migrated_at, created_at)"
        " VALUES ($1, $2, 'claimed', $3, $4, now(), clock_timestamp())",
        adopted.schema,
        MAIN,
        adopted.company_id,
        adopted.revision,
    )


def _nothing() -> None:
    """Another migration is waited for in silence: it does not take long."""
