"""The write transaction of a root mutation field: its verb writes in it, its payload is read in it, then it commits.

What goes wrong anywhere in the field, down to a selection that is too large, undoes what the verb wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from kedang_platform.database import CompanyRef, TenantRead, TenantWrite


class Doors(Protocol):
    """What of ``Databases`` is needed to enter a company."""

    def tenant_read(self, company: CompanyRef) -> AbstractAsyncContextManager[TenantRead]: ...

    def tenant_write(self, company: CompanyRef) -> AbstractAsyncContextManager[TenantWrite]: ...


class _UndoneError(Exception):
    """Ends a transaction without its effects; nobody is told of it."""


class Writing:
    """The transaction of the field that is being answered; root fields of a mutation follow one another.

    It is opened when it is first needed, so that verbs that write elsewhere hold none.
    """

    def __init__(self) -> None:
        self._within = False
        self._opened: AbstractAsyncContextManager[TenantWrite] | None = None
        self._write: TenantWrite | None = None
        self._using = asyncio.Lock()
        self._then: list[Callable[[], None]] = []
        self.done = 0
        """How many blocks of ``transaction`` have ended without an error."""

    @property
    def is_open(self) -> bool:
        """Whether something was, or may have been, written that is neither committed nor undone."""
        return self._write is not None

    @asynccontextmanager
    async def field(self) -> AsyncIterator[None]:
        """One root field: what was written in it is committed at its end, or undone when an error leaves it."""
        self._within = True
        try:
            yield
            await self._end(None)
        except BaseException:
            await self.undo()
            raise
        finally:
            self._within = False
            self._then.clear()

    async def open(self, doors: Doors, company: CompanyRef) -> TenantWrite:
        """The field's transaction; only to be called inside ``field``."""
        if self._write is None:
            opened = doors.tenant_write(company)
            self._write = await opened.__aenter__()
            self._opened = opened  # only now: what could not be opened is not closed
        return self._write

    @asynccontextmanager
    async def transaction(self, doors: Doors, company: CompanyRef) -> AsyncIterator[TenantWrite]:
        """Where a verb writes; an error that leaves the block undoes the field's transaction at once."""
        if not self._within:
            async with doors.tenant_write(company) as write:
                yield write
            return
        write = await self.open(doors, company)
        try:
            yield write
        except BaseException:
            await self.undo()
            raise
        self.done += 1

    @asynccontextmanager
    async def reading(self, doors: Doors, company: CompanyRef) -> AsyncIterator[TenantRead]:
        """Where a payload is read: in the field's transaction while it is open, else in one of its own."""
        if self._write is None:
            async with doors.tenant_read(company) as read:
                yield read
            return
        async with self._using:  # parts of a payload are read side by side, a connection reads one at a time
            yield self._write

    def afterwards(self, act: Callable[[], None]) -> None:
        """Call ``act`` when the field has committed; at once where no transaction is open."""
        if self._write is None:
            act()
        else:
            self._then.append(act)

    async def undo(self) -> None:
        """Take back what the field has written so far."""
        self._then.clear()
        await self._end(_UndoneError())

    async def _end(self, error: _UndoneError | None) -> None:
        opened, self._opened, self._write = self._opened, None, None
        if opened is None:
            return
        async with self._using:
            await opened.__aexit__(None if error is None else type(error), error, None)
        for act in self._then:
            act()
