"""Makes the roles and shared schemas of an installation in a database; safe to repeat and to race."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import asyncpg

from kedang_platform.database.append_only import restrictions
from kedang_platform.database.errors import DRIVER_ERRORS, tell
from kedang_platform.database.pools import Connection, connect
from kedang_platform.database.urls import DatabaseUrls, Roles, database_name, database_urls, role_password
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.secrets import SecretKey
from kedang_platform.settings import Settings

# An arbitrary number that every installer of this product locks; the lock belongs to one database.
_LOCK = 0x6B65_6461_6E67
_ATTEMPTS = 20


class ProvisioningRefused(KedangError):
    """The role of ``KEDANG_DATABASE_URL`` may not do what an installation needs."""


async def provision(superuser_url: str, *, secret: SecretKey, settings: Settings) -> DatabaseUrls:
    """Create or repair the login roles, the companies' group role and the schemas ``platform`` and ``work``.

    ``superuser_url`` logs in as a role that may create roles and owns the database. The roles'
    passwords derive from ``secret``, so the same secret gives the same addresses again.
    Raises :class:`ProvisioningRefused` or :class:`DatabaseUnavailable`.
    """
    urls = database_urls(superuser_url, secret=secret, prefix=settings.role_prefix)
    try:
        await _run(superuser_url, list(_roles(urls, secret)))
        await _run(superuser_url, list(_rights(urls, settings)))
        await _run(urls.owner, list(_schemas(urls.roles)))
    except asyncpg.InsufficientPrivilegeError as error:
        raise ProvisioningRefused(
            msg("The database role may not create roles and schemas: {reason}"), reason=str(error)
        ) from error
    return urls


async def _run(url: str, statements: Sequence[str]) -> None:
    """All of ``statements`` or none. Roles belong to the cluster, the lock to the database: the installer of
    another database may alter the same row, which PostgreSQL refuses and which is tried again.
    """
    try:
        connection = await connect(url)
    except DRIVER_ERRORS as error:
        tell(error)
    try:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                await _in_one_transaction(connection, statements)
                return
            except asyncpg.InternalServerError as error:
                if "tuple concurrently" not in str(error) or attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(0.05)
    finally:
        await connection.close(timeout=10)


async def _in_one_transaction(connection: Connection, statements: Sequence[str]) -> None:
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        for statement in statements:
            await connection.execute(statement)


def _roles(urls: DatabaseUrls, secret: SecretKey) -> Iterator[str]:
    roles = urls.roles
    yield from _role(roles.tenant, "NOLOGIN NOCREATEROLE")
    for role, rights in (
        (roles.owner, "LOGIN CREATEROLE NOINHERIT"),
        (roles.control, "LOGIN NOCREATEROLE INHERIT"),
        (roles.app, "LOGIN NOCREATEROLE NOINHERIT"),
    ):
        yield from _role(role, f"{rights} PASSWORD '{role_password(secret, role)}'")
    yield f"GRANT {roles.tenant} TO {roles.owner} WITH ADMIN OPTION"


def _role(role: str, rights: str) -> Iterator[str]:
    yield (
        f"DO $$ BEGIN CREATE ROLE {role};"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    yield f"ALTER ROLE {role} {rights}"
    # Only a superuser may so much as say these words, so they are said only where they are needed.
    yield (
        f"DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}' AND (rolsuper OR rolbypassrls))"
        f" THEN ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS; END IF; END $$"
    )


def _rights(urls: DatabaseUrls, settings: Settings) -> Iterator[str]:
    roles, database = urls.roles, _quoted(database_name(urls.owner))
    yield f"REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    yield f"GRANT CONNECT, CREATE ON DATABASE {database} TO {roles.owner}"
    yield f"GRANT CONNECT ON DATABASE {database} TO {roles.control}, {roles.app}"
    yield "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    for role in (roles.owner, roles.control, roles.app):
        for name, value in _defaults(settings, owner=role == roles.owner):
            yield f"ALTER ROLE {role} IN DATABASE {database} SET {name} = '{value}'"


def _defaults(settings: Settings, *, owner: bool) -> Iterator[tuple[str, str]]:
    """What a session starts with: set on the role, since a pooler would drop it from the connection's start."""
    yield "search_path", ""
    yield "jit", "off"
    yield "timezone", "UTC"
    if not owner:
        yield "statement_timeout", f"{round(settings.statement_timeout * 1000)}ms"
        yield "lock_timeout", f"{round(settings.lock_timeout * 1000)}ms"
        idle = round(settings.idle_in_transaction_timeout * 1000)
        yield "idle_in_transaction_session_timeout", f"{idle}ms"


def _schemas(roles: Roles) -> Iterator[str]:
    for schema in ("platform", "work"):
        yield f"CREATE SCHEMA IF NOT EXISTS {schema}"
        yield f"GRANT USAGE ON SCHEMA {schema} TO {roles.control}"
        for kind, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE, SELECT")):
            yield f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {rights} ON {kind} TO {roles.control}"
            yield f"GRANT {rights} ON ALL {kind} IN SCHEMA {schema} TO {roles.control}"
    yield from restrictions(roles.control)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
