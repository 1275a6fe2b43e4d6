"""Contents that nothing names: a worker that is killed between storing one and naming it leaves it behind.

Whatever is stored is named within the transaction that follows, or by the checkpoint of the job that made it. So a
content that is days old and named neither by a record, nor by an archive of the company, nor by an invoice, nor by the
checkpoint of a job that may go on, will never be.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlRead, Databases, TenantRead
from kedang_platform.files import FileStore
from kedang_platform.work.parts import Part

SAFE_AGE: Final = timedelta(days=2)
"""Far beyond the longest try of a job (six hours) and a link to send by (a quarter of an hour)."""
_CHUNK: Final = 500

_BY_RECORDS: Final = "SELECT content_id FROM file WHERE content_id = ANY($1::uuid[])"
_BY_THE_INSTALLATION: Final = """
SELECT content_id FROM platform.company_export WHERE company_id = $2 AND content_id = ANY($1::uuid[])
UNION ALL
SELECT d.content_id FROM platform.invoice i JOIN platform.invoice_document d ON d.invoice_id = i.id
WHERE i.company_id = $2 AND d.content_id = ANY($1::uuid[])
"""
# Jobs that failed for good may be begun anew and go on from their checkpoints. Archives are made by the installation.
_BY_CHECKPOINTS: Final = """
SELECT DISTINCT replace(found[1], '-', '')::uuid AS content_id
FROM work.job, regexp_matches(checkpoint::text, '[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}', 'g') AS found
WHERE (tenant = $1 OR tenant = '') AND state IN ('waiting', 'queued', 'running', 'failed') AND checkpoint IS NOT NULL
"""


async def sweep_part(
    databases: Databases, files: FileStore, company: CompanyRef, *, after: UUID | None, clock: Clock
) -> Part:
    """Forget contents that nothing names, of some hundreds behind ``after``; ``changed`` tells how many."""
    old = await files.old_contents(company, before=_before(clock), after=after, limit=_CHUNK)
    if not old:
        return Part(last=None, seen=0, changed=0)
    async with databases.tenant_read(company) as read:
        named = await _named_by_records(read, old)
    async with databases.control_read() as control:
        named |= await _named_by_the_installation(control, company, old)
    orphans = [content_id for content_id in old if content_id not in named]
    for content_id in orphans:
        await files.delete(company, content_id)
    return Part(last=old[-1] if len(old) == _CHUNK else None, seen=len(old), changed=len(orphans))


async def forget_unfinished(files: FileStore, company: CompanyRef, *, clock: Clock) -> int:
    """Forget what was being stored when its process was killed; returns how many."""
    return await files.forget_unfinished(company, before=_before(clock))


def _before(clock: Clock) -> datetime:
    return clock.now() - SAFE_AGE


async def _named_by_records(read: TenantRead, contents: Sequence[UUID]) -> set[UUID]:
    return {row["content_id"] for row in await read.fetch(_BY_RECORDS, list(contents))}


async def _named_by_the_installation(
    control: ControlRead, company: CompanyRef, contents: Sequence[UUID]
) -> set[UUID]:
    rows = await control.fetch(_BY_THE_INSTALLATION, list(contents), company.id)
    going_on = await control.fetch(_BY_CHECKPOINTS, company.schema)
    return {row["content_id"] for row in (*rows, *going_on)}
