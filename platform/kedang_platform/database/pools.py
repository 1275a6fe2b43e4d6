"""Connections of one login role to one database: borrowed for one transaction, given back clean.

Whatever a transaction sets, it sets with ``SET LOCAL``: nothing outlives it, so nothing of one
company can meet the next borrower. A connection whose transaction did not end cleanly is closed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg
import orjson
import structlog
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from kedang_platform.database import dialect
from kedang_platform.database.errors import DRIVER_ERRORS, WallError, busy, tell

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Borrowed: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

CONNECT_SECONDS = 10.0
WAIT_SECONDS = 10.0
FINISH_SECONDS = 10.0
# A backend keeps about 28 KB for each table and company it touched; a young one has touched fewer.
RECYCLE_SECONDS = (300, 600)
STATEMENTS_PER_CONNECTION = 512
# An update of a dozen columns takes 46 KB compiled, and each set of columns is one: these take about 25 MB.
COMPILED_STATEMENTS = 400

log = structlog.get_logger(__name__)


async def connect(url: str) -> Connection:
    """A connection of one's own; the caller closes it."""
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        statement_cache_size=STATEMENTS_PER_CONNECTION,
        max_cached_statement_lifetime=0,
    )


class _Finishing:
    """The ends of transactions still under way; ``settled`` waits for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settled(self) -> None:
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)


class ReadPool:
    """At most ``size`` connections of asyncpg, opened when needed and each for 5 to 10 minutes."""

    def __init__(self, url: str, *, size: int) -> None:
        self._pool = asyncpg.create_pool(
            url,
            min_size=0,
            max_size=size,
            max_inactive_connection_lifetime=RECYCLE_SECONDS[0],
            timeout=CONNECT_SECONDS,
            statement_cache_size=STATEMENTS_PER_CONNECTION,
            max_cached_statement_lifetime=0,
            reset=_nothing_to_reset,
        )
        self._free = asyncio.Semaphore(size)
        self._finishing = _Finishing()
        self._recycling: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        await self._pool
        self._recycle_later()

    @asynccontextmanager
    async def transaction(self, opener: str) -> AsyncIterator[Borrowed]:
        """A transaction begun by ``opener``; its end is sent after the block, beside whatever comes next."""
        connection = await self._borrow()
        verb = "ROLLBACK"
        try:
            await _begin(connection, opener)
            yield connection
            verb = "COMMIT"
        finally:
            self._finishing.start(self._give_back(connection, verb))

    @property
    def used(self) -> int:
        """Connections in use at this moment."""
        return self._pool.get_size() - self._pool.get_idle_size()

    async def close(self) -> None:
        if self._recycling is not None:
            self._recycling.cancel()
        await self._finishing.settled()
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                await self._pool.close()
        except TimeoutError:
            log.warning("pool.closed_in_use")

    async def _borrow(self) -> Borrowed:
        # A wait with a time limit of the pool's own would cost a task each time it is not needed.
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._free.acquire()
        except TimeoutError as error:
            raise busy() from error
        try:
            return await self._pool.acquire()
        except BaseException as error:
            self._free.release()
            if isinstance(error, DRIVER_ERRORS):
                tell(error)
            raise

    async def _give_back(self, connection: Borrowed, verb: str) -> None:
        """Never raises: the answer has been given, and it does not depend on how a read ends."""
        try:
            await connection.execute(verb, timeout=FINISH_SECONDS)
        except DRIVER_ERRORS:
            log.warning("pool.read_ended_badly", exc_info=True)
            with suppress(asyncpg.InterfaceError):  # broken connections have left the pool by themselves
                connection.terminate()
        try:
            await self._pool.release(connection, timeout=FINISH_SECONDS)
        except DRIVER_ERRORS:
            log.warning("pool.connection_broke", exc_info=True)
        finally:
            self._free.release()

    def _recycle_later(self) -> None:
        seconds = random.uniform(*RECYCLE_SECONDS)  # noqa: S311 - spreads reconnections, guards nothing
        self._recycling = asyncio.get_running_loop().call_later(seconds, self._recycle)

    def _recycle(self) -> None:
        self._finishing.start(self._pool.expire_connections())
        self._recycle_later()


class WritePool:
    """At most ``size`` connections under SQLAlchemy, opened when needed and each for 5 to 10 minutes."""

    def __init__(self, url: str, *, size: int) -> None:
        self._engine = _engine(url, size=size)
        self._finishing = _Finishing()

    @asynccontextmanager
    async def transaction(self, opener: str) -> AsyncIterator[tuple[Connection, AsyncConnection]]:
        """A transaction begun by ``opener`` that has committed when the block has ended without an error."""
        connection = await self._borrow()
        driver = await _driver(connection)
        try:
            await _begin(driver, opener)
            yield driver, connection
        except BaseException:
            await asyncio.shield(self._finishing.start(_roll_back(driver, connection)))
            raise
        await asyncio.shield(self._finishing.start(_commit(driver, connection)))

    @property
    def used(self) -> int:
        """Connections in use at this moment."""
        return int(self._engine.pool.checkedout())  # type: ignore[attr-defined]

    async def close(self) -> None:
        await self._finishing.settled()
        await self._engine.dispose()

    async def _borrow(self) -> AsyncConnection:
        try:
            return await self._engine.connect()
        except PoolTimeout as error:
            raise busy() from error
        except DRIVER_ERRORS as error:
            tell(error)


def _engine(url: str, *, size: int) -> AsyncEngine:
    driver = dialect.KedangDialect.import_dbapi()  # type: ignore[no-untyped-call]
    engine = create_async_engine(
        dialect.URL,
        creator=lambda: driver.connect(
            async_creator_fn=lambda: connect(url), prepared_statement_cache_size=STATEMENTS_PER_CONNECTION
        ),
        # BEGIN and COMMIT are ours: the opener is one round trip with what it sets.
        isolation_level="AUTOCOMMIT",
        pool_reset_on_return=None,
        pool_size=size,
        max_overflow=0,
        pool_timeout=WAIT_SECONDS,
        pool_recycle=random.randint(*RECYCLE_SECONDS),  # noqa: S311 - spreads reconnections, guards nothing
        pool_use_lifo=True,
        query_cache_size=COMPILED_STATEMENTS,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(dbapi_connection: Any, _record: Any, _proxy: Any) -> None:
    """Let the pool replace a connection that the server closed while it lay there."""
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError


async def _driver(connection: AsyncConnection) -> Connection:
    raw = await connection.get_raw_connection()
    driver: Connection | None = raw.driver_connection
    assert driver is not None
    return driver


async def _begin(driver: Connection | Borrowed, opener: str) -> None:
    try:
        await driver.execute(opener)
    except DRIVER_ERRORS as error:
        tell(error)


async def _commit(driver: Connection, connection: AsyncConnection) -> None:
    try:
        status = await driver.execute("COMMIT", timeout=FINISH_SECONDS)
    except DRIVER_ERRORS as error:
        await connection.invalidate()
        tell(error)
    finally:
        await connection.close()
    if status != "COMMIT":
        # PostgreSQL answers a COMMIT of a failed transaction with ROLLBACK and no error.
        raise WallError("nothing was written: an error inside the transaction was swallowed")


async def _roll_back(driver: Connection, connection: AsyncConnection) -> None:
    try:
        await driver.execute("ROLLBACK", timeout=FINISH_SECONDS)
    except DRIVER_ERRORS:
        # The error that led here is the one to be told; this connection is not used again.
        log.warning("pool.not_rolled_back", exc_info=True)
        await connection.invalidate()
    finally:
        await connection.close()


async def _nothing_to_reset(_connection: Connection) -> None:
    """Stands in for asyncpg's RESET ALL, a round trip: SET LOCAL leaves nothing to reset."""
