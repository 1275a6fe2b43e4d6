"""Removing a company with everything there is of it. Every step can be repeated; a killed one is done again.

What remains are the books of the installation (invoices, payments, their numbers), as the law of taxes demands, and
backups until they are thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.database.company import checked_schema
from kedang_platform.database.tables import platform_metadata, work_metadata
from kedang_platform.files import FileStore
from kedang_platform.registry import Company, due_deletions

_CREDENTIALS = """
SELECT id FROM platform.session WHERE company_id = $1 UNION ALL SELECT id FROM platform.api_key WHERE company_id = $1"""
_ENDED = "DELETE FROM platform.{table} WHERE company_id = $1"
# Nobody else may take one of them in between being found and going.
_HOLD_PEOPLE = """
SELECT FROM platform.person WHERE id IN (SELECT person_id FROM platform.membership WHERE company_id = $1)
ORDER BY id FOR UPDATE"""
# Of people who belong to nothing else nothing is kept; whoever opened the company of an address stays with it.
_ONLY_HERE = """
SELECT p.id, p.email FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
WHERE m.company_id = $1 AND ($2 OR p.confirmed_at IS NULL) AND NOT EXISTS (
    SELECT FROM platform.membership o WHERE o.person_id = m.person_id AND o.company_id <> $1)"""
_EMAILS = """
SELECT p.email FROM platform.membership m JOIN platform.person p ON p.id = m.person_id WHERE m.company_id = $1
UNION SELECT email FROM platform.billing_details WHERE company_id = $1 AND email IS NOT NULL"""
# What another company wrote to one of its own customers stays, though the person was a member here.
_MAILS = """
DELETE FROM platform.mail WHERE strpos(key, $1) > 0
    OR (NOT EXISTS (SELECT FROM platform.tenant_schema s WHERE s.name <> $1 AND strpos(key, ':' || s.name || ':') > 0)
        AND (recipient = ANY($2::text[])
             OR (recipient = ANY($3::text[]) AND strpos(concat(subject, text, html), $4) > 0)))
    OR EXISTS (SELECT FROM platform.invoice i WHERE i.company_id = $5 AND strpos(key, i.id::text) > 0)
RETURNING id"""
_JOBS = """
DELETE FROM work.job WHERE tenant = $1 OR company = $2
    OR strpos(payload::text, $2::text) > 0 OR strpos(payload::text, $1) > 0
    OR strpos(payload::text, replace($2::text, '-', '')) > 0
    OR strpos(coalesce(key, ''), $2::text) > 0 OR strpos(coalesce(key, ''), $1) > 0"""
_MAIL_JOBS = "DELETE FROM work.job WHERE kind = 'mail.send' AND payload ->> 'mail' = ANY($1::text[])"

_SAMPLED: Final = ", ".join(
    f"{table.schema}.{table.name}"
    for metadata in (platform_metadata, work_metadata)
    for table in metadata.sorted_tables
)

# What the law wants of an invoice stays; its file can be made again from it.
_BOOKS: Final = (
    "UPDATE platform.invoice SET buyer = buyer - 'email' WHERE company_id = $1 AND buyer ? 'email'",
    "DELETE FROM platform.invoice_document WHERE invoice_id IN (SELECT id FROM platform.invoice WHERE company_id = $1)",
)


class Caches(Protocol):
    """What remembers something of credentials outside of the databases."""

    async def forget(self, credentials: Sequence[UUID], company_id: UUID) -> None:
        """Forget what is kept under these ids."""
        ...


async def delete_due(
    databases: Databases, *, files: FileStore, caches: Caches | None, clock: Clock
) -> list[Company]:
    """Remove every company whose grace is over; returns which."""
    async with databases.control_read() as read:
        due = await due_deletions(read, now=clock.now())
    for company in due:
        await remove_company(databases, company, files=files, caches=caches)
    return due


async def remove_company(
    databases: Databases,
    company: Company,
    *,
    files: FileStore,
    caches: Caches | None,
    known_people: bool = True,
) -> None:
    """Remove the company: entrances first, then its schema and role, its files, and last what names it.

    Without ``known_people`` persons who have ever signed in stay, though they belong to no other company. The company's own row goes last, so that whatever ends on the way is found again and done to its end.
    """
    credentials = await _close(databases, company)
    if caches is not None:
        await caches.forget(credentials, company.id)
    await _drop(databases, company)
    await files.delete_all(company.ref)
    async with databases.control() as control:
        await _forget(control, company, known_people=known_people)
    async with databases.owner() as connection:
        # The planner's statistics hold samples of what stood in the tables.
        await connection.execute(f"ANALYZE {_SAMPLED}")
    await files.delete_all(company.ref)  # what a worker was just storing


async def _close(databases: Databases, company: Company) -> list[UUID]:
    """Let nobody in any more, and nothing of its work begin."""
    async with databases.control() as control:
        await control.fetch("UPDATE platform.company SET status = 'deleting' WHERE id = $1", company.id)
        credentials = [row["id"] for row in await control.fetch(_CREDENTIALS, company.id)]
        for table in ("session", "api_key", "one_time_token"):
            await control.fetch(_ENDED.format(table=table), company.id)
        await control.fetch(_JOBS, company.ref.schema, company.id)
    return credentials


async def _drop(databases: Databases, company: Company) -> None:
    """The schema with all that is in it, the role that could reach it, and addresses in books that stay."""
    name = f'"{checked_schema(company.ref.schema)}"'
    async with databases.owner(company.ref.database) as connection:
        await connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        if await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", company.ref.schema):
            await connection.execute(f"DROP ROLE {name}")
    async with databases.owner() as connection:  # the product itself can change no book
        for statement in _BOOKS:
            await connection.execute(statement, company.id)


async def _forget(control: ControlTransaction, company: Company, *, known_people: bool) -> None:
    """Everything that the installation still knows of the company, in one transaction."""
    schema, company_id = company.ref.schema, company.id
    await control.fetch(_HOLD_PEOPLE, company_id)
    people = await control.fetch(_ONLY_HERE, company_id, known_people)
    everybody = [row["email"] for row in await control.fetch(_EMAILS, company_id)]
    alone = [row["email"] for row in people]
    mails = await control.fetch(_MAILS, schema, alone, everybody, company.name, company_id)
    await control.fetch(_MAIL_JOBS, [str(row["id"]) for row in mails])
    await control.fetch(_JOBS, schema, company_id)
    for table in ("lane", "occurrence", "replay"):
        await control.fetch(f"DELETE FROM work.{table} WHERE tenant = $1", schema)
    await control.fetch("DELETE FROM platform.one_time_token WHERE email = ANY($1::text[])", alone)
    await control.fetch(
        "DELETE FROM platform.person WHERE id = ANY($1::uuid[])", [row["id"] for row in people]
    )
    await control.fetch("DELETE FROM platform.tenant_schema WHERE name = $1", schema)
    await control.fetch("DELETE FROM platform.company WHERE id = $1", company_id)
