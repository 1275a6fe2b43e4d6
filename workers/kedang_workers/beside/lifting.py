"""Getting one company out of a recovered database: what the installation knew of it, and its schema as a file."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from kedang_platform.backups import BackupFailed, Source
from kedang_platform.backups.errors import no_room
from kedang_platform.database.company import checked_schema
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.registry import CompanyAmbiguous, NewCompany


@dataclass(frozen=True, slots=True)
class LiftedMember:
    """A membership as the backup has it."""

    member_id: UUID
    person_id: UUID
    email: str
    state: str
    full: bool
    owner: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Lifted:
    """A company as it was. ``schema`` is the name that it bears in the archive."""

    id: UUID
    company: NewCompany
    schema: str
    revision: str
    members: Sequence[LiftedMember]


async def lift(url: str, *, name: str, new_schema: str) -> Lifted:
    """Find the company by its name or id and give its schema another name.

    Raises NotFound, CompanyAmbiguous.
    """
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT * FROM platform.company WHERE (name = $1 OR id::text = $1) AND status <> 'opening'", name
        )
        row = _the_one(rows, name)
        schema = checked_schema(row["schema_name"])
        members = await _members(connection, row["id"], schema)
        await connection.execute(f'ALTER SCHEMA "{schema}" RENAME TO "{checked_schema(new_schema)}"')
    finally:
        await connection.close()
    company = NewCompany(row["name"], row["country"], row["language"], row["time_zone"], row["currency"])
    return Lifted(row["id"], company, schema, row["revision"], members)


def dump(source: Source, schema: str, file: Path) -> None:
    """Write the schema, with all it holds, into ``file``. Raises BackupFailed, DiskFull."""
    _run(source, "pg_dump", "-d", _database(source), "-n", schema, "-O", "-x", "-Fc", "-Z0", "-f", file)


def load(source: Source, file: Path) -> None:
    """Make the schema of ``file``, all of it or nothing. Raises BackupFailed, DiskFull."""
    _run(source, "pg_restore", "-d", _database(source), "-1", "-e", "-O", "-x", file)


def _the_one(rows: Sequence[asyncpg.Record], name: str) -> asyncpg.Record:
    if not rows:
        raise NotFound(msg("The backup has no company “{name}”."), name=name)
    if len(rows) > 1:
        raise CompanyAmbiguous(
            msg("Several companies are called {name}; name one by its id: {ids}."),
            name=name,
            ids=", ".join(str(row["id"]) for row in rows),
        )
    return rows[0]


async def _members(
    connection: asyncpg.Connection[asyncpg.Record], company_id: UUID, schema: str
) -> list[LiftedMember]:
    rows = await connection.fetch(
        f"""SELECT m.member_id, m.person_id, p.email, m.state, m.seat = 'full' AS "full", m.created_at,
                   coalesce('OWNER' = ANY(own.roles), false) AS owner
            FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
            LEFT JOIN "{schema}".member own ON own.id = m.member_id
            WHERE m.company_id = $1 ORDER BY m.created_at, m.member_id""",
        company_id,
    )
    return [LiftedMember(**row) for row in rows]


def _database(source: Source) -> str:
    return source.url.rpartition("/")[2]


def _run(source: Source, program: str, *arguments: str | Path) -> None:
    done = subprocess.run(  # noqa: S603 - the programs of our own wheel
        [str(part) for part in source.command(program, *arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=dict(source.environment),
    )
    if done.returncode == 0:
        return
    if "No space left" in done.stderr:
        raise no_room(Path(str(arguments[-1])).parent)
    raise BackupFailed(
        msg("{name} ended with code {code}: {text}"),
        name=program,
        code=done.returncode,
        text=done.stderr.strip()[-2000:],
    )
