"""Walking over many records in steps: each step is a transaction, and the next begins where it ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeAlias, cast
from uuid import UUID

from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.work import JSON, Progress, RunningJob
from kedang_platform.work.parts import Part
from kedang_tenants.people.viewers import company_of, system_viewer
from kedang_tenants.reading import Viewer

Step: TypeAlias = Callable[[TenantWrite, Viewer, UUID | None], Awaitable[Part]]
Ending: TypeAlias = Callable[[TenantWrite, Viewer], Awaitable[object]]
Count: TypeAlias = Callable[[TenantRead], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class _Walked:
    """The checkpoint: everything up to the record ``after`` is behind us."""

    after: str | None = None
    seen: int = 0
    changed: int = 0
    total: int | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def beyond(self, part: Part) -> _Walked:
        return replace(
            self,
            after=str(part.last) if part.last else self.after,
            seen=self.seen + part.seen,
            changed=self.changed + part.changed,
            left_out=dict(Counter(self.left_out) + Counter(part.left_out)),
        )


async def walk(job: RunningJob, step: Step, *, count: Count, ending: Ending | None = None) -> None:
    """Take steps until there are no more records, then end the job; it goes on behind its last checkpoint.

    ``step`` gets the id to begin behind. ``count`` tells once how many records there are, for the
    progress that people see. ``ending`` is what the job ends with, in one transaction with its end. The result is ``{"seen": …, "changed": …}``, and where something was passed over
    ``"left_out": {reason: …}``.
    """
    company = await company_of(job)
    walked = _Walked(**cast("dict[str, Any]", job.checkpoint or {}))
    more = True
    while more:
        async with job.step() as write:
            viewer = await system_viewer(write, company=company)
            if walked.total is None:
                walked = replace(walked, total=await count(write))
            part = await step(write, viewer, UUID(walked.after) if walked.after else None)
            walked = walked.beyond(part)
            progress = Progress(walked.seen, max(walked.seen, walked.total or 0))
            await job.store(write, progress=progress, checkpoint=asdict(walked))
        more = part.last is not None
    result: dict[str, JSON] = {"seen": walked.seen, "changed": walked.changed}
    if walked.left_out:
        result["left_out"] = dict(walked.left_out)
    async with job.finish(result=result) as write:
        if ending is not None:
            await ending(write, await system_viewer(write, company=company))
