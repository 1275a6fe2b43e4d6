"""All databases of a process: whoever reads or writes takes a transaction from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from kedang_platform.database.company import CompanyRef, checked_schema
from kedang_platform.database.errors import DRIVER_ERRORS, WallError, tell
from kedang_platform.database.pools import Connection, ReadPool, WritePool, connect
from kedang_platform.database.transactions import (
    ControlRead,
    ControlTransaction,
    TenantRead,
    TenantWrite,
)
from kedang_platform.database.urls import DatabaseUrls, Roles
from kedang_platform.settings import Settings

MAIN = "main"
T = TypeVar("T", bound=TenantRead)

_current: ContextVar[TenantRead | None] = ContextVar("kedang_tenant_transaction", default=None)


@dataclass(frozen=True, slots=True)
class _Pools:
    """The four pools of one database; each opens connections when it is used."""

    tenant_reads: ReadPool
    tenant_writes: WritePool
    control_reads: ReadPool
    control_writes: WritePool

    @classmethod
    async def open(cls, urls: DatabaseUrls, *, size: int) -> _Pools:
        await _check_wall(urls)
        pools = cls(
            tenant_reads=ReadPool(urls.app, size=size),
            tenant_writes=WritePool(urls.app, size=size),
            control_reads=ReadPool(urls.control, size=size),
            control_writes=WritePool(urls.control, size=size),
        )
        await pools.tenant_reads.open()
        await pools.control_reads.open()
        return pools

    async def close(self) -> None:
        for pool in (self.tenant_reads, self.tenant_writes, self.control_reads, self.control_writes):
            await pool.close()


@dataclass(frozen=True, slots=True)
class PoolUse:
    """How many of at most ``size`` connections of a pool are in use."""

    database: str
    pool: str
    used: int
    size: int


class Databases:
    """The pools of every database, opened when a database is first used.

    A tenant transaction belongs to one company from its first statement to its last. Entering a
    second company's while one is open in the same task raises :class:`WallError`, unless the caller
    says with ``separate=True`` that it means to hold both (a worker that compares or copies).
    """

    def __init__(self, settings: Settings, urls: Mapping[str, DatabaseUrls]) -> None:
        self._settings = settings
        self._urls = urls
        self._pools: dict[str, _Pools] = {}
        self._opening = asyncio.Lock()
        self.wake_relay: Callable[[], None] = _nobody
        """Called after the commit of a transaction that asks for work; set by the composition root, never raises."""
        self.tell_ended: Callable[[], None] = _nobody
        """As ``wake_relay``, after one that ends credentials."""

    @classmethod
    async def open(
        cls, settings: Settings, urls: DatabaseUrls, *, others: Mapping[str, DatabaseUrls] | None = None
    ) -> Databases:
        """Reach the main database now and the ``others`` when a company of theirs is first entered.

        Raises :class:`DatabaseUnavailable`, and :class:`WallError` when the role of the application
        could see past the wall.
        """
        databases = cls(settings, {MAIN: urls, **(others or {})})
        await databases._of(MAIN)
        return databases

    async def close(self) -> None:
        """Wait for transactions that are just ending, then close every connection."""
        for pools in self._pools.values():
            await pools.close()
        self._pools.clear()

    def roles(self, database: str = MAIN) -> Roles:
        return self._address(database).roles

    def pool_use(self) -> list[PoolUse]:
        """How far the pools of the databases that were used so far are in use at this moment."""
        return [
            PoolUse(database, name, getattr(pools, name).used, self._settings.pool_size)
            for database, pools in self._pools.items()
            for name in _Pools.__slots__
        ]

    @property
    def settings(self) -> Settings:
        return self._settings

    @asynccontextmanager
    async def tenant_read(self, company: CompanyRef, *, separate: bool = False) -> AsyncIterator[TenantRead]:
        opener = self._opener(company, "READ ONLY")
        _refuse_second(company, separate=separate)
        pools = await self._of(company.database)
        async with pools.tenant_reads.transaction(opener) as driver:
            with _entered(TenantRead(driver, company)) as transaction:
                yield transaction

    @asynccontextmanager
    async def tenant_write(
        self, company: CompanyRef, *, separate: bool = False
    ) -> AsyncIterator[TenantWrite]:
        opener = self._opener(company, "READ WRITE")
        _refuse_second(company, separate=separate)
        pools = await self._of(company.database)
        async with pools.tenant_writes.transaction(opener) as (driver, connection):
            with _entered(TenantWrite(driver, company, connection)) as transaction:
                yield transaction
        self._committed(transaction)

    @asynccontextmanager
    async def control_read(self, database: str = MAIN) -> AsyncIterator[ControlRead]:
        pools = await self._of(database)
        async with pools.control_reads.transaction("BEGIN READ ONLY") as driver:
            transaction = ControlRead(driver)
            try:
                yield transaction
            finally:
                transaction.end()

    @asynccontextmanager
    async def control(self, database: str = MAIN) -> AsyncIterator[ControlTransaction]:
        pools = await self._of(database)
        async with pools.control_writes.transaction("BEGIN READ WRITE") as (driver, connection):
            transaction = ControlTransaction(driver, connection)
            try:
                yield transaction
            finally:
                transaction.end()
        self._committed(transaction)

    @asynccontextmanager
    async def owner(self, database: str = MAIN) -> AsyncIterator[Connection]:
        """A connection that may change schemas; for migrations only."""
        try:
            connection = await connect(self._address(database).owner)
        except DRIVER_ERRORS as error:
            tell(error)
        try:
            yield connection
        finally:
            await connection.close(timeout=10)

    @asynccontextmanager
    async def listener(
        self, channel: str, heard: Callable[[str], None], *, database: str = MAIN
    ) -> AsyncIterator[Connection]:
        """A connection of one's own that calls ``heard`` with the payload of each NOTIFY on ``channel``."""
        try:
            connection = await connect(self._address(database).control)
            await connection.add_listener(channel, lambda *told: heard(str(told[3])))
        except DRIVER_ERRORS as error:
            tell(error)
        try:
            yield connection
        finally:
            await connection.close(timeout=10)

    def _committed(self, transaction: TenantWrite | ControlTransaction) -> None:
        if transaction.asks_for_work:
            self.wake_relay()
        if transaction.ends_credentials:
            self.tell_ended()

    def _opener(self, company: CompanyRef, access: str) -> str:
        if not isinstance(company, CompanyRef):
            raise WallError(f"a tenant transaction without a company: {company!r}")
        return _opener(company.schema, access, as_role=self._settings.tenant_roles == "role")

    async def _of(self, database: str) -> _Pools:
        pools = self._pools.get(database)
        if pools is None:
            async with self._opening:
                pools = self._pools.get(database)
                if pools is None:
                    urls = self._address(database)
                    pools = self._pools[database] = await _Pools.open(urls, size=self._settings.pool_size)
        return pools

    def _address(self, database: str) -> DatabaseUrls:
        try:
            return self._urls[database]
        except KeyError:
            raise WallError(f"no such database: {database!r}") from None


def _nobody() -> None:
    """Stands in for the relay's wake-up where a process has none: the relay looks by itself every second."""


@lru_cache(maxsize=10_000)
def _opener(schema: str, access: str, *, as_role: bool) -> str:
    """The one round trip that begins a transaction and enters a company; ``SET LOCAL`` ends with it."""
    name = f'"{checked_schema(schema)}"'
    role = f"SET LOCAL ROLE {name}; " if as_role else ""
    return f"BEGIN {access}; {role}SET LOCAL search_path TO {name}"


def _refuse_second(company: CompanyRef, *, separate: bool) -> None:
    current = _current.get()
    if separate or current is None or not current.is_open or current.company == company:
        return
    raise WallError(f"company {company.schema} entered inside a transaction of {current.company.schema}")


@contextmanager
def _entered(transaction: T) -> Iterator[T]:
    before = _current.get()
    _current.set(transaction)
    try:
        yield transaction
    finally:
        transaction.end()
        # Not by token: the block may end in another context than it began in.
        _current.set(before)


async def _check_wall(urls: DatabaseUrls) -> None:
    """Refuse to start where the application's role could read more than the role it takes on."""
    try:
        connection = await connect(urls.app)
    except DRIVER_ERRORS as error:
        tell(error)
    try:
        row = await connection.fetchrow(
            "SELECT rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole AS open"
            " FROM pg_roles WHERE rolname = session_user"
        )
    finally:
        await connection.close(timeout=10)
    if row is None or row["open"]:
        raise WallError("the application's role can see past the wall; run `kedang migrate` to repair it")
