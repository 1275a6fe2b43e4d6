"""A database of a moment, to compare what revisions make with what the models say."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from kedang_migrations import rendering
from kedang_migrations.environments import Environment
from kedang_platform.database import dialect
from kedang_platform.database.pools import connect

TENANT_SCHEMA = "t_scratch00"
T = TypeVar("T")


@asynccontextmanager
async def scratch_database(superuser_url: str) -> AsyncIterator[str]:
    """The address of a new database with empty schemas; it is dropped afterwards."""
    name = f"kedang_scratch_{os.urandom(6).hex()}"
    server = await connect(superuser_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(superuser_url)._replace(path=f"/{name}"))
    try:
        connection = await connect(url)
        for schema in ("platform", "work", TENANT_SCHEMA):
            await connection.execute(f"CREATE SCHEMA {schema}")
        await connection.close()
        yield url
    finally:
        await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await server.close()


def schema_of(environment: Environment) -> str:
    return TENANT_SCHEMA if environment.of_companies else environment.name


async def apply_revisions(url: str, environment: Environment) -> None:
    """Run every revision of ``environment`` in its empty schema."""
    connection = await connect(url)
    try:
        if environment.of_companies:
            await connection.execute(f"SET search_path TO {TENANT_SCHEMA}")
        for step in rendering.steps(environment):
            for statement in step.statements:
                await connection.execute(statement)
    finally:
        await connection.close()


async def create_all(url: str, environment: Environment) -> None:
    """What the models say, without any revision."""
    await _with_connection(url, environment, environment.load_metadata().create_all)


async def compare(url: str, environment: Environment, use: Callable[[MigrationContext], T]) -> T:
    """``use`` with alembic's context on the environment's schema, for its autogeneration."""
    schema = schema_of(environment)

    def included(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name == (None if environment.of_companies else schema)

    def run(connection: Connection) -> T:
        context = MigrationContext.configure(
            connection,
            opts={
                "target_metadata": environment.load_metadata(),
                "include_schemas": not environment.of_companies,
                "include_name": included,
                "compare_type": True,
                "compare_server_default": True,
            },
        )
        return use(context)

    return await _with_connection(url, environment, run)


async def _with_connection(url: str, environment: Environment, use: Callable[[Connection], T]) -> T:
    engine = create_async_engine(dialect.URL, async_creator=lambda: connect(url), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            path = TENANT_SCHEMA if environment.of_companies else ""
            await connection.exec_driver_sql(f"SET search_path TO '{path}'")
            # The dialect took the default schema before the path was set.
            connection.dialect.default_schema_name = path or None
            return await connection.run_sync(use)
    finally:
        await engine.dispose()
