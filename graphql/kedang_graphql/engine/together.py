"""Root fields of one operation, read together: one transaction of the company, one statement after the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from graphql import GraphQLError

from kedang_platform.database import TenantRead
from kedang_platform.errors import KedangError

Reading = Callable[[TenantRead], Awaitable[Any]]
Opened = Callable[[], AbstractAsyncContextManager[TenantRead]]


class Together:
    """Gathers the readings that are asked for before the first of them begins.

    graphql-core starts all root fields of a query before it waits for any, so these become one
    transaction. It is open only while readings wait for it: nobody holds its connection while waiting
    for another one. A reading that is refused leaves the others answered; one that the database broke
    off has ended the transaction, and those after it get a new one.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._waiting: deque[tuple[Reading, asyncio.Future[Any]]] = deque()
        self._working: asyncio.Task[None] | None = None

    async def read(self, reading: Reading) -> Any:
        """What the reading brings; raises what it raises, or why no transaction could be opened."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((reading, answer))
        if self._working is None:
            self._working = asyncio.ensure_future(self._work())
        return await answer

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._in_one_transaction()
        finally:
            self._working = None
            while self._waiting:  # nobody is left waiting for a task that was cancelled
                self._waiting.popleft()[1].cancel()

    async def _in_one_transaction(self) -> None:
        answer: asyncio.Future[Any] | None = None
        try:
            async with self._opened() as tx:
                while self._waiting:
                    reading, answer = self._waiting.popleft()
                    try:
                        _tell(answer, await reading(tx))
                    except (KedangError, GraphQLError) as error:
                        if getattr(error, "passing", False):
                            raise
                        _fail(answer, error)
        except Exception as error:  # noqa: BLE001 - it is told to whoever waits for it
            if answer is None or answer.done():
                answer = self._waiting.popleft()[1] if self._waiting else answer
            if answer is not None:
                _fail(answer, error)


def _tell(answer: asyncio.Future[Any], value: Any) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: asyncio.Future[Any], error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
