"""What a retention rule does to the rows of a chunk: anonymise or delete them, and the bytes of their files (T9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, Databases, TenantWrite
from kedang_platform.files import FileStore
from kedang_platform.work import NewJob, enqueue
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.protection.erasing import RUN as ERASE
from kedang_tenants.protection.models import ERASURE
from kedang_tenants.protection.retention_rules import DELETE, RetentionRule
from kedang_tenants.protection.scrubbing import MARK
from kedang_tenants.reading import Viewer

_CONTENTS: Final = """
SELECT content_id FROM file WHERE content_id IS NOT NULL AND (attached_to = ANY($1::text[]) OR id = ANY($2::uuid[]))
"""
_SOURCES: Final = {
    "import": "SELECT file_id AS id FROM import WHERE id = ANY($1::uuid[])",
    "bulk_operation": "SELECT source_file_id AS id FROM bulk_operation WHERE id = ANY($1::uuid[])",
    "file": "SELECT id FROM file WHERE id = ANY($1::uuid[])",
}
# A source file may have been read by several imports, so that its record stays, empty.
_EMPTY_FILES: Final = f"""
UPDATE file SET content_id = NULL, state = 'PENDING', name = '{MARK}', sha256 = NULL,
    archived_at = coalesce(archived_at, $3), updated_at = $3, version = version + 1
WHERE attached_to = ANY($1::text[]) OR id = ANY($2::uuid[])
"""
_SIMPLY: Final = {
    "survey_invitation": "UPDATE survey_invitation SET recipient = NULL, token_hash = NULL, updated_at = $2,"
    " version = version + 1 WHERE id = ANY($1::uuid[])",
    "survey_item_answer": "UPDATE survey_item_answer SET text = NULL, comment = NULL, updated_at = $2,"
    " version = version + 1 WHERE id = ANY($1::uuid[])",
}


async def retire_files(
    store: FileStore, databases: Databases, company: CompanyRef, rule: RetentionRule, ids: Sequence[UUID]
) -> None:
    """Delete the bytes of what hangs on these rows."""
    if not ids or not (rule.target.files or rule.record == "file"):
        return
    async with databases.tenant_read(company) as read:
        sources = (
            [row["id"] for row in await read.fetch(_SOURCES[rule.record], list(ids))]
            if rule.record in _SOURCES
            else []
        )
        rows = await read.fetch(_CONTENTS, _attached(rule, ids), [each for each in sources if each])
    for row in rows:
        await store.delete(company, row["content_id"])


async def retire_rows(
    write: TenantWrite, viewer: Viewer, rule: RetentionRule, ids: Sequence[UUID], *, clock: Clock
) -> None:
    """Do to these rows what the rule says; persons are erased by a job of their own each."""
    if rule.record in {"contact", "customer"}:
        await _erase(write, viewer, rule, ids, clock)
    elif rule.record in _SIMPLY:
        await write.fetch(_SIMPLY[rule.record], list(ids), clock.now())
    if rule.target.files or rule.record == "file":
        await _empty_files(write, rule, ids, clock)
    if rule.action == DELETE:
        for table, column in rule.target.below:
            await write.fetch(f'DELETE FROM "{table}" WHERE {column} = ANY($1::uuid[])', list(ids))
        await write.fetch(f'DELETE FROM "{rule.target.table}" WHERE id = ANY($1::uuid[])', list(ids))


async def _erase(
    write: TenantWrite, viewer: Viewer, rule: RetentionRule, ids: Sequence[UUID], clock: Clock
) -> None:
    prefix = catalogue().record(rule.record).prefix
    subjects = [f"{prefix}_{each.hex}" for each in ids]
    open_ones = await write.fetch(
        "SELECT subject FROM person_request WHERE kind = 'ERASURE' AND subject = ANY($1::text[])"
        " AND state IN ('WAITING', 'RUNNING')",
        subjects,
    )
    coming = [each for each in subjects if each not in {row["subject"] for row in open_ones}]
    changes = [
        Change("person_request", "create", values={"kind": ERASURE, "subject": subject}) for subject in coming
    ]
    if changes:
        made = await change_internally(write, viewer, changes, clock=clock)
        await enqueue(
            write, *(NewJob(ERASE, {"request": str(each.id)}, key=f"{ERASE}:{each.id}") for each in made)
        )


async def _empty_files(write: TenantWrite, rule: RetentionRule, ids: Sequence[UUID], clock: Clock) -> None:
    sources = (
        [row["id"] for row in await write.fetch(_SOURCES[rule.record], list(ids)) if row["id"]]
        if rule.record in _SOURCES
        else []
    )
    await write.fetch(_EMPTY_FILES, _attached(rule, ids), sources, clock.now())


def _attached(rule: RetentionRule, ids: Sequence[UUID]) -> list[str]:
    prefix = catalogue().record(rule.record).prefix
    return [f"{prefix}_{each.hex}" for each in ids] if rule.record != "file" else []
