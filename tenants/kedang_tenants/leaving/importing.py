"""A company out of an archive: a new schema with every row as it was, its files, its people as invited persons.

No password, session or key comes along. Nobody can enter before everything is there; what fails on the way is removed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.database.company import checked_schema
from kedang_platform.files import FileStore
from kedang_platform.identity import memberships
from kedang_platform.identity.errors import TooManyAttempts
from kedang_platform.identity.memberships import Invitation
from kedang_platform.ids import new_id
from kedang_platform.licensing import subscribe
from kedang_platform.registry import Company, NewCompany, claim_schema, find_company, set_status
from kedang_platform.settings import Settings
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing import Change, Draft, change_internally
from kedang_tenants.changing.deriving import derive
from kedang_tenants.leaving.archives import Archive, ArchivedCompany, Person, reading
from kedang_tenants.leaving.deleting import remove_company
from kedang_tenants.leaving.lines import LineReader
from kedang_tenants.leaving.shapes import OwnKeys, Shape, shapes
from kedang_tenants.people.viewers import system_viewer
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.statement import quoted
from kedang_tenants.revision import REVISION

_AT_ONCE: Final = 2_000
_BYTES_AT_ONCE: Final = 8 * 1024 * 1024

_FOREIGN_KEYS = """
SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE connamespace = $1::regnamespace AND contype = 'f' ORDER BY conrelid::regclass::text, conname"""
_TAKEN = "SELECT EXISTS (SELECT FROM platform.company WHERE id = $1), EXISTS (SELECT FROM platform.company WHERE handle = $2)"
_ONE_BY_ONE = (
    "SELECT pg_advisory_xact_lock(hashtext('leaving.import'))"  # of two of one archive one sees the other
)
_LET_GO = """
SELECT EXISTS (SELECT FROM platform.company WHERE id = $1) AND NOT EXISTS (
    SELECT FROM platform.membership m JOIN platform.person p ON p.id = m.person_id
    WHERE m.company_id = $1 AND p.email = $2 AND m.state <> 'suspended')"""
_CALLED_OFF = """
UPDATE webhook_delivery SET state = 'CANCELLED', job_id = NULL, next_try_at = NULL, version = version + 1
WHERE state = 'WAITING'"""
_MEMBERS = "SELECT id, roles, seat, state FROM member WHERE archived_at IS NULL ORDER BY created_at, id"


@dataclass(slots=True)
class Imported:
    """A company that came out of an archive: rows by table, people who got an invitation and people who could not."""

    company: Company
    taken_from: UUID
    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0
    invited: list[str] = field(default_factory=list)
    uninvited: list[str] = field(default_factory=list)


async def import_company(
    databases: Databases, path: Path, *, files: FileStore, settings: Settings, clock: Clock
) -> Imported:
    """Make a company of the archive at ``path``; ids stay, the company's own too unless it is taken here.

    One that comes to stand beside itself is quiet, as a restored one is: nobody hears anything twice.
    Raises ArchiveUnreadable, ArchiveTooNew, NoSpareSchema; then there is no such company.
    """
    archive = await asyncio.to_thread(Archive.open, path)
    try:
        await asyncio.to_thread(archive.check)
        company = await _register(databases, archive.company(), settings=settings, clock=clock)
        try:
            imported = Imported(company, archive.company().id)
            await _load(databases, archive, imported)
            await _store_contents(archive, imported, files)
            if imported.taken_from != company.id:
                await _hush(databases, company, clock=clock)
            await _invite(databases, archive, imported, settings=settings, clock=clock)
            async with databases.control() as control:
                await set_status(control, company_id=company.id, status="active")
        except BaseException:
            await remove_company(databases, company, files=files, caches=None, known_people=False)
            raise
    finally:
        archive.close()
    return imported


async def _register(
    databases: Databases, told: ArchivedCompany, *, settings: Settings, clock: Clock
) -> Company:
    """A company that is opening, with the archived id and handle where nobody has these here."""
    new = NewCompany(told.name, told.country, told.language, told.time_zone, told.currency)
    async with databases.control() as control:
        await control.fetch(_ONE_BY_ONE)
        taken = await control.fetchrow(_TAKEN, told.id, told.handle)
        assert taken is not None, "a SELECT without FROM has one row"
        company_id = new_id() if taken[0] else told.id
        now = clock.now()
        claimed = await claim_schema(control, company_id=company_id, company=new, now=now, revision=REVISION)
        await control.fetch(
            "UPDATE platform.company SET created_at = $2, handle = coalesce($3, handle), quiet = $4 WHERE id = $1",
            claimed.id,
            datetime.fromisoformat(told.created_at),
            None if taken[1] else told.handle,
            taken[0],
        )
        await subscribe(control, company_id=claimed.id, free_seats=settings.free_seats, now=now)
        return await find_company(control, company_id=claimed.id)


async def _load(databases: Databases, archive: Archive, imported: Imported) -> None:
    """Every row of every table, in one transaction; references are checked when all of them are there."""
    company = imported.company
    with reading("records/custom_field.jsonl"):
        own = await asyncio.to_thread(archive.own_keys)
    async with databases.tenant_read(company.ref) as read:
        viewer = await system_viewer(read, company=company)
    schema = checked_schema(company.ref.schema)
    async with databases.owner(company.ref.database) as connection, connection.transaction():
        await connection.execute(f'SET LOCAL search_path TO "{schema}"; SET LOCAL lock_timeout = 0')
        keys = await connection.fetch(_FOREIGN_KEYS, schema)
        for key in keys:
            await connection.execute(f"ALTER TABLE {key['table']} DROP CONSTRAINT {quoted(key['name'])}")
        for shape in shapes():
            loader = _Loader(shape, own, viewer)
            with _filling(f"{shape.path}.jsonl"):
                imported.rows[shape.name] = await loader.load(connection, schema, archive.lines_of(shape))
        for key in keys:
            with _filling(key["table"]):
                await connection.execute(
                    f"ALTER TABLE {key['table']} ADD CONSTRAINT {quoted(key['name'])} {key['definition']}"
                )
        await connection.execute(
            "SELECT setval(pg_get_serial_sequence('audit', 'sequence'), coalesce(max(sequence), 1), max(sequence) IS NOT NULL)"
            " FROM audit"
        )


@contextmanager
def _filling(place: str) -> Iterator[None]:
    """What the tables refuse was not written by this product: the archive is at fault, and the place is named."""
    with reading(place):
        try:
            yield
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise ValueError(place) from error


class _Loader:
    """Fills one table, columns that follow from others included."""

    def __init__(self, shape: Shape, own: OwnKeys, viewer: Viewer) -> None:
        self._shape = shape
        self._reader = LineReader(shape, own)
        self._viewer = viewer
        names = [column.name for column in shape.columns]
        self._made = [column.name for column in shape.table.columns if column.name not in names]
        self._names = [*names, *self._made]

    async def load(
        self, connection: asyncpg.Connection[asyncpg.Record], schema: str, lines: Iterator[bytes]
    ) -> int:
        loaded = 0
        while rows := await asyncio.to_thread(self._rows, lines):
            await connection.copy_records_to_table(
                self._shape.table.name, records=rows, columns=self._names, schema_name=schema
            )
            loaded += len(rows)
        return loaded

    def _rows(self, lines: Iterator[bytes]) -> list[list[Any]]:
        rows = [self._reader.row(line) for line in _batch(lines)]
        record = self._shape.record
        if record is not None and self._made:
            for row in rows:
                row.extend(self._derived(record, row))
        return rows

    def _derived(self, record: RecordType, row: Sequence[Any]) -> list[Any]:
        values = dict(zip(self._names, row, strict=False))
        draft = Draft(record, Change(record.name, "create", values["id"]), values["id"], values=values)
        derive(self._viewer, draft)
        return [draft.values.get(name) for name in self._made]


def _batch(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The next lines, as many as are sensibly held at once."""
    held = 0
    for line in islice(lines, _AT_ONCE):
        yield line
        held += len(line)
        if held > _BYTES_AT_ONCE:
            return


async def _store_contents(archive: Archive, imported: Imported, files: FileStore) -> None:
    for content_id in archive.contents():
        await files.put(imported.company.ref, _pieces(archive, content_id), content_id=content_id)
        imported.files += 1


async def _pieces(archive: Archive, content_id: UUID) -> AsyncIterator[bytes]:
    pieces = archive.content(content_id)
    while piece := await asyncio.to_thread(next, pieces, b""):
        yield piece


async def _hush(databases: Databases, company: Company, *, clock: Clock) -> None:
    """Switch webhooks off and call off what was on its way: the living company has told it, or will."""
    async with databases.tenant_write(company.ref) as write:
        viewer = await system_viewer(write, company=company, via="operator")
        active = await write.fetch("SELECT id FROM webhook WHERE active")
        changes = [Change("webhook", "update", row["id"], values={"active": False}) for row in active]
        await change_internally(write, viewer, changes, clock=clock)
        await write.fetch(_CALLED_OFF)


async def _invite(
    databases: Databases, archive: Archive, imported: Imported, *, settings: Settings, clock: Clock
) -> None:
    """People come as invited ones: the owner and then the earliest get the seats that the company has here.

    Who was suspended stays so, and so does whom the living company, where there is one, has let go since. Whom the day's limit of invitations leaves out is told and can be invited again.
    """
    company = imported.company
    async with databases.tenant_read(company.ref) as read:
        members = await read.fetch(_MEMBERS)
    people = {person.member_id: person for person in archive.people()}
    ordered = sorted(
        (row for row in members if row["id"] in people), key=lambda row: "OWNER" not in row["roles"]
    )
    left = settings.free_seats
    for row in ordered:
        person = people[row["id"]]
        async with databases.control() as control:
            with _filling("people.jsonl"):
                await _note_membership(control, company, person, now=clock.now())
            beside = imported.taken_from != company.id
            let_go = beside and await control.fetchval(_LET_GO, imported.taken_from, person.email)
        if row["state"] == "SUSPENDED" or let_go:
            continue
        full = row["seat"] == "FULL" and left > 0
        left -= full
        invitation = Invitation(
            person.email, person.name, "full" if full else "none", company.name, person.language
        )
        try:
            async with databases.control() as control:
                await memberships.invite(
                    control,
                    company=company,
                    invitation=invitation,
                    base_url=settings.base_url,
                    sender=settings.mail_from,
                    now=clock.now(),
                )
        except TooManyAttempts:
            imported.uninvited.append(person.email)
        else:
            imported.invited.append(person.email)


async def _note_membership(
    control: ControlTransaction, company: Company, person: Person, *, now: datetime
) -> None:
    """The person, without a password where nobody has the address yet, and a membership that lets nobody in."""
    await control.fetch(
        "INSERT INTO platform.person (id, email, name, language, created_at) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (email) DO NOTHING",
        new_id(),
        person.email,
        person.name,
        person.language,
        now,
    )
    await control.fetch(
        "INSERT INTO platform.membership (company_id, person_id, member_id, seat, state, created_at)"
        " SELECT $1, id, $3, 'none', 'suspended', $4 FROM platform.person WHERE email = $2",
        company.id,
        person.email,
        person.member_id,
        now,
    )
