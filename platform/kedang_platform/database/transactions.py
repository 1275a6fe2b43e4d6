"""What a feature holds while it reads or writes: one transaction of one company, or of the control schemas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import CursorResult, Executable
from sqlalchemy.ext.asyncio import AsyncConnection

from kedang_platform.database.company import CompanyRef
from kedang_platform.database.errors import DRIVER_ERRORS, WallError, tell
from kedang_platform.database.noting import note
from kedang_platform.ids import new_id

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Parameters: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]


class _Reading:
    """Reads with the driver itself; jsonb arrives as ``str``, arguments are ``$1, $2, …``.

    Every method raises :class:`DatabaseBusy`, :class:`StatementTimeout` or :class:`DatabaseUnavailable`
    for what the database does to anybody, and the driver's own error for the rest.
    """

    def __init__(self, driver: Driver) -> None:
        self._driver: Driver | None = driver

    @property
    def is_open(self) -> bool:
        return self._driver is not None

    def end(self) -> None:
        """Make every later use raise: the connection may be another company's the next moment."""
        self._driver = None

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        driver, began = self._usable(), perf_counter()
        try:
            rows = await driver.fetch(sql, *args)
        except DRIVER_ERRORS as error:
            note(sql, args, began, 0)
            tell(error)
        note(sql, args, began, len(rows))
        return rows

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        driver, began = self._usable(), perf_counter()
        try:
            row = await driver.fetchrow(sql, *args)
        except DRIVER_ERRORS as error:
            note(sql, args, began, 0)
            tell(error)
        note(sql, args, began, int(row is not None))
        return row

    async def fetchval(self, sql: str, *args: object) -> Any:
        driver, began = self._usable(), perf_counter()
        try:
            value = await driver.fetchval(sql, *args)
        except DRIVER_ERRORS as error:
            note(sql, args, began, 0)
            tell(error)
        note(sql, args, began, 1)
        return value

    def _usable(self) -> Driver:
        if self._driver is None:
            raise WallError("this transaction has ended")
        return self._driver


class _Writing(_Reading):
    """Writes with SQLAlchemy Core, in the same transaction and on the same connection as ``fetch``.

    ``asks_for_work`` is set by whoever writes a job, so that the relay is woken after the commit,
    ``ends_credentials`` by whoever ends sessions or keys, so that the other processes hear of it.
    ``done_once`` holds what needs doing only once a transaction; it is forgotten when a part is undone.
    """

    def __init__(self, driver: Driver, connection: AsyncConnection) -> None:
        super().__init__(driver)
        self._connection = connection
        self.asks_for_work = False
        self.ends_credentials = False
        self.done_once: set[str] = set()

    async def execute(self, statement: Executable, params: Parameters | None = None) -> CursorResult[Any]:
        """Run a statement of SQLAlchemy Core; a sequence of parameters runs it once for each."""
        self._usable()
        began = perf_counter()
        try:
            result = await self._connection.execute(statement, params)
        except DRIVER_ERRORS as error:
            note("", (), began, 0)
            tell(error)
        note(str(getattr(result.context, "statement", "")), (), began, max(result.rowcount, 0))
        return result

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """What is written inside is undone alone when an error leaves the block; the error goes on."""
        driver = self._usable()
        await driver.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            self.done_once.clear()
            await driver.execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part")
            raise
        await driver.execute("RELEASE SAVEPOINT part")


class TenantRead(_Reading):
    """A read-only transaction inside one company's schema."""

    def __init__(self, driver: Driver, company: CompanyRef) -> None:
        super().__init__(driver)
        self.company = company


class TenantWrite(TenantRead, _Writing):
    """A transaction inside one company's schema that commits when its block ends without an error."""

    def __init__(self, driver: Driver, company: CompanyRef, connection: AsyncConnection) -> None:
        _Writing.__init__(self, driver, connection)
        self.company = company
        # Ties together everything that one transaction notes about itself (audit rows, the job of its events).
        self.transaction_id = new_id()


class ControlRead(_Reading):
    """A read-only transaction on ``platform`` and ``work``; every table is named with its schema."""


class ControlTransaction(ControlRead, _Writing):
    """A transaction on ``platform`` and ``work`` that commits when its block ends without an error."""

    def __init__(self, driver: Driver, connection: AsyncConnection) -> None:
        _Writing.__init__(self, driver, connection)
