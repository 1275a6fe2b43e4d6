"""A job in a handler's hands: its effect and its end are one transaction, held by the fence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import TypeVar
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlTransaction, Databases, TenantWrite
from kedang_platform.settings import Settings
from kedang_platform.work.claims import Claim
from kedang_platform.work.jobs import JSON, Progress, encode
from kedang_platform.work.services import Services


class JobLost(Exception):
    """Another worker has the job by now, or it has ended: whatever this one did is rolled back."""


class JobCancelled(Exception):
    """The job was called off; what its earlier steps did stands."""


class JobInterrupted(Exception):
    """The worker is shutting down: the job goes on elsewhere from its last checkpoint."""


class JobPutOff(Exception):
    """There is nothing to do before the instant ``until``: the job waits for it, and no try is counted."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


_FINISH = """
UPDATE work.job SET state = 'done', result = $3, lease_until = NULL, finished_at = now()
WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id
"""
_STEP = """
UPDATE work.job SET lease_until = clock_timestamp() + $3
WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING cancel_requested
"""
_STORE = """
UPDATE work.job SET
    progress_done = coalesce($3, progress_done), progress_total = coalesce($4, progress_total),
    checkpoint = coalesce($5, checkpoint)
WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING id
"""

_Tx = TypeVar("_Tx", bound=TenantWrite | ControlTransaction)


@dataclass(slots=True, kw_only=True)
class RunningJob:
    """What a handler gets. ``checkpoint`` is what an earlier try last stored, None at the first.

    ``cancelled`` turns true soon after the job is called off; every ``step`` checks it by itself.
    Where it was ``called_off`` before this try began, nothing is written any more: every ``step`` and
    ``finish`` raises JobCancelled, and the handler does what it does then.
    Once ``given_up`` it fails for good: its last steps are neither called off nor interrupted.
    """

    id: UUID
    kind: str
    payload: Mapping[str, JSON]
    company: CompanyRef | None
    attempt: int
    tries: int
    services: Services
    checkpoint: JSON
    lease: timedelta
    cancelled: bool = False
    interrupted: bool = False
    finished: bool = False
    given_up: bool = False
    called_off: bool = False

    @classmethod
    def of(cls, claim: Claim, *, services: Services, lease: timedelta) -> RunningJob:
        return cls(
            id=claim.id,
            kind=claim.kind,
            payload=claim.payload,
            company=claim.company,
            attempt=claim.attempt,
            tries=claim.tries,
            services=services,
            checkpoint=claim.checkpoint,
            lease=lease,
            cancelled=claim.called_off,
            called_off=claim.called_off,
        )

    @property
    def databases(self) -> Databases:
        return self.services.databases

    @property
    def clock(self) -> Clock:
        return self.services.clock

    @property
    def settings(self) -> Settings:
        return self.services.settings

    def finish(self, *, result: JSON = None) -> AbstractAsyncContextManager[TenantWrite]:
        """The last transaction in the company: what is written in it and the job's end commit together.

        Raises JobLost before anything is written when the job is no longer this worker's, JobCancelled
        when it was called off before this try began.
        """
        return self._finish(self.databases.tenant_write(self._own_company()), result)

    def finish_control(self, *, result: JSON = None) -> AbstractAsyncContextManager[ControlTransaction]:
        """As ``finish``, on ``platform`` and ``work``."""
        return self._finish(self.databases.control(), result)

    def step(
        self, *, progress: Progress | None = None, checkpoint: JSON = None
    ) -> AbstractAsyncContextManager[TenantWrite]:
        """A part of the work in the company: its effect, ``progress`` and ``checkpoint`` commit together.

        What is known only inside the block is told with ``store``. The lease is renewed. Raises
        JobLost, JobCancelled or JobInterrupted before anything is written; let them pass.
        """
        return self._step(self.databases.tenant_write(self._own_company()), progress, checkpoint)

    def step_control(
        self, *, progress: Progress | None = None, checkpoint: JSON = None
    ) -> AbstractAsyncContextManager[ControlTransaction]:
        """As ``step``, on ``platform`` and ``work``."""
        return self._step(self.databases.control(), progress, checkpoint)

    async def store(
        self,
        tx: TenantWrite | ControlTransaction,
        *,
        progress: Progress | None = None,
        checkpoint: JSON = None,
    ) -> None:
        """Keep progress and checkpoint in ``tx``, the transaction of a step."""
        done, total = (progress.done, progress.total) if progress else (None, None)
        kept = encode(checkpoint) if checkpoint is not None else None
        if await tx.fetchval(_STORE, self.id, self.attempt, done, total, kept) is None:
            raise JobLost
        if checkpoint is not None:
            self.checkpoint = checkpoint

    @asynccontextmanager
    async def _finish(self, opened: AbstractAsyncContextManager[_Tx], result: JSON) -> AsyncIterator[_Tx]:
        if self.finished:
            raise RuntimeError(f"{self.kind} finished twice")
        if self.called_off and not self.given_up:
            raise JobCancelled
        kept = encode(result) if result is not None else None
        async with opened as tx:
            if await tx.fetchval(_FINISH, self.id, self.attempt, kept) is None:
                raise JobLost
            yield tx
        self.finished = True

    @asynccontextmanager
    async def _step(
        self, opened: AbstractAsyncContextManager[_Tx], progress: Progress | None, checkpoint: JSON
    ) -> AsyncIterator[_Tx]:
        if self.interrupted and not self.given_up:
            raise JobInterrupted
        before = self.checkpoint
        started = monotonic()
        try:
            async with opened as tx:
                await self._hold(tx)
                yield tx
                if progress is not None or checkpoint is not None:
                    await self.store(tx, progress=progress, checkpoint=checkpoint)
                if monotonic() - started > self.lease.total_seconds() / 4:
                    await self._hold(tx)
        except BaseException:
            self.checkpoint = before
            raise

    async def _hold(self, tx: TenantWrite | ControlTransaction) -> None:
        called_off = await tx.fetchval(_STEP, self.id, self.attempt, self.lease)
        if called_off is None:
            raise JobLost
        if (called_off or self.cancelled) and not self.given_up:
            self.cancelled = True
            raise JobCancelled

    def _own_company(self) -> CompanyRef:
        if self.company is None:
            raise RuntimeError(f"{self.kind} belongs to no company: use finish_control and step_control")
        return self.company
