"""Everything a company keeps about somebody, table by table, as it may be handed to them (T7)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import ControlRead, TenantRead
from kedang_tenants.catalogue import RecordType, catalogue
from kedang_tenants.changing.storing import plain
from kedang_tenants.protection.places import APART
from kedang_tenants.protection.subjects import Person
from kedang_tenants.reading import Viewer

AT_ONCE: Final = 1_000
_INTERNAL: Final = frozenset({"token_hash", "sought", "question"})


@dataclass(frozen=True, slots=True)
class Whom:
    """The persons that are meant and the addresses by which they are found."""

    persons: Sequence[Person]
    emails: Sequence[str] = ()

    def ids(self, record: str) -> list[UUID]:
        return [person.id for person in self.persons if person.record == record]


async def whom(read: TenantRead, person: Person | None, email: str | None) -> Whom:
    """Who is meant by a record or an e-mail address: by the latter everybody who has it."""
    if person is not None:
        emails = await _emails_of(read, person)
        more = await read.fetch(
            "SELECT id, customer_id FROM contact WHERE customer_id = $1 ORDER BY id",
            person.id if person.record == "customer" else None,
        )
        return Whom([person, *(Person("contact", r["id"], r["customer_id"]) for r in more)], emails)
    address = (email or "").strip().lower()
    persons = [
        Person(record, row["id"], row["customer_id"])
        for record, sql in _BY_EMAIL.items()
        for row in await read.fetch(sql, address)
    ]
    return Whom(persons, [address])


_BY_EMAIL: Final = {
    "contact": "SELECT id, customer_id FROM contact WHERE email = $1 ORDER BY id",
    "customer": "SELECT id, id AS customer_id FROM customer WHERE email = $1 AND directory = 'INDIVIDUAL' ORDER BY id",
    "member": "SELECT id, NULL::uuid AS customer_id FROM member WHERE email = $1 ORDER BY id",
}


async def _emails_of(read: TenantRead, person: Person) -> list[str]:
    table = catalogue().record(person.record).table.name
    email = await read.fetchval(f'SELECT email FROM "{table}" WHERE id = $1', person.id)
    return [email] if email else []


async def rows_about(
    read: TenantRead, viewer: Viewer, record: RecordType, whom: Whom, *, after: UUID | None
) -> list[Mapping[str, Any]]:
    """The next rows of a kind behind the id ``after`` that are about the persons, fields by their names in the API."""
    conditions, values = _conditions(record, whom)
    if not conditions:
        return []
    values = [*values, after or UUID(int=0)]
    columns = ", ".join(f't."{c.name}"' for c in record.table.columns if c.name in record.fields)
    sql = (
        f'SELECT {columns}, t.id FROM "{record.table.name}" t WHERE ({" OR ".join(conditions)})'
        f" AND t.id > ${len(values)} ORDER BY t.id LIMIT {AT_ONCE}"
    )
    return [_told(viewer, record, row) for row in await read.fetch(sql, *values)]


def _conditions(record: RecordType, whom: Whom) -> tuple[list[str], list[object]]:
    conditions: list[str] = []
    values: list[object] = []

    def bind(value: object) -> str:
        values.append(value)
        return f"${len(values)}"

    own = whom.ids(record.name)
    if own:
        conditions.append(f"t.id = ANY({bind(own)}::uuid[])")
    for found in record.references:
        target = found.target
        ids = whom.ids(target) if target in {"contact", "customer", "member"} else []
        if ids and not (target == "member" and _is_work(record, found.name)):
            conditions.append(f"t.{found.name} = ANY({bind(ids)}::uuid[])")
        elif target not in {None, "member", record.name, "contact", "customer"} and record.name not in APART:
            conditions += _below(record, str(target), found.name, whom, bind)
    for name in ("recipient", "address"):
        if name in record.fields and whom.emails:
            conditions.append(f"lower(t.{name}) = ANY({bind(list(whom.emails))}::text[])")
    if record.follows is not None:
        conditions.append(f"t.{record.follows} = ANY({bind([p.public_id for p in whom.persons])}::text[])")
    return conditions, values


def _below(record: RecordType, target: str, column: str, whom: Whom, bind: Any) -> list[str]:
    """Rows that hang on something of the contact's: the answers to the questions of their survey."""
    above = catalogue().record(target)
    contacts = whom.ids("contact")
    if not contacts or "contact_id" not in above.fields or record.name == "survey_answer":
        return []
    rows = f'SELECT id FROM "{above.table.name}" WHERE contact_id = ANY({bind(contacts)}::uuid[])'
    return [f"t.{column} IN ({rows})"]


def _is_work(record: RecordType, column: str) -> bool:
    """What a member did for the company is the company's; what is about the member is theirs."""
    return not (column == "member_id" or record.name in {"notice", "notice_preference", "notice_schedule"})


def _told(viewer: Viewer, record: RecordType, row: asyncpg.Record) -> dict[str, Any]:
    told: dict[str, Any] = {"id": f"{record.prefix}_{row['id'].hex}"}
    for found in record.fields.values():
        value = row[found.name]
        if found.name in _INTERNAL or value is None or found.name == "id":
            continue
        if found.name == "custom":
            told |= _own_fields(viewer, record, orjson.loads(value))
        elif found.spec.hidden:
            continue
        elif isinstance(value, UUID):
            prefix = catalogue().record(found.target).prefix if found.target else ""
            told[found.api_name] = f"{prefix}_{value.hex}"
        else:
            told[found.api_name] = _document(record, found.name, value)
    return told


def _document(record: RecordType, name: str, value: Any) -> Any:
    is_json = record.table.c[name].type.__class__.__name__ == "JSONB"
    return orjson.loads(value) if is_json and isinstance(value, str) else plain(value)


def _own_fields(viewer: Viewer, record: RecordType, document: Mapping[str, Any]) -> dict[str, Any]:
    keys = {custom.id: custom.key for custom in viewer.custom_fields if custom.record == record.name}
    own = {keys[found]: value for found, value in document.items() if found in keys}
    return {"customFields": own} if own else {}


_TRAIL: Final = """
SELECT sequence, at, action, record, record_id, actor_id, via, changes FROM audit
WHERE record_id = ANY($1::uuid[]) AND sequence > $2 ORDER BY sequence LIMIT $3
"""


async def trail_about(read: TenantRead, whom: Whom, *, after: int) -> list[dict[str, Any]]:
    """The next entries of the audit trail about the persons' own records."""
    rows = await read.fetch(_TRAIL, [person.id for person in whom.persons], after, AT_ONCE)
    return [
        {name: plain(row[name]) for name in ("sequence", "at", "action", "via")}
        | {
            "record": f"{_prefix(row['record'])}_{row['record_id'].hex}",
            "by": f"mem_{row['actor_id'].hex}" if row["actor_id"] else None,
            "changes": orjson.loads(row["changes"]),
        }
        for row in rows
    ]


def _prefix(record: str) -> str:
    return catalogue().record(record).prefix if record in catalogue() else record


_MAILS: Final = """
SELECT recipient, subject, state, created_at, sent_at FROM platform.mail
WHERE strpos(key, $1) > 0 AND lower(recipient) = ANY($2::text[]) ORDER BY created_at, id
"""


async def mails_to(control: ControlRead, schema: str, whom: Whom) -> list[dict[str, Any]]:
    """The mails of the last month that the company sent to the persons; their texts are not kept."""
    rows = await control.fetch(_MAILS, schema, list(whom.emails))
    return [{name: plain(value) for name, value in row.items()} for row in rows]


_ACCOUNTS: Final = (
    (
        "session",
        (
            "SELECT s.created_at, s.last_used_at, s.expires_at, s.user_agent, s.network FROM platform.session s"
            " JOIN platform.membership m ON m.person_id = s.person_id AND m.company_id = s.company_id"
            " WHERE m.company_id = $1 AND m.member_id = ANY($2::uuid[]) ORDER BY s.created_at, s.id"
        ),
    ),
    (
        "api_key",
        (
            "SELECT name, prefix, scopes, created_at, expires_at, last_used_at, revoked_at FROM platform.api_key"
            " WHERE company_id = $1 AND member_id = ANY($2::uuid[]) ORDER BY created_at, id"
        ),
    ),
)


async def accounts_of(control: ControlRead, company_id: UUID, whom: Whom) -> list[dict[str, Any]]:
    """Where members are signed in to the company, and the keys that they have made there."""
    found: list[dict[str, Any]] = []
    for kind, sql in _ACCOUNTS:
        rows = await control.fetch(sql, company_id, whom.ids("member"))
        found += [{"kind": kind} | {name: plain(value) for name, value in row.items()} for row in rows]
    return found


_FILES: Final = """
SELECT id, name, content_id FROM file
WHERE attached_to = ANY($1::text[]) AND content_id IS NOT NULL AND archived_at IS NULL ORDER BY id
"""


async def files_of(read: TenantRead, whom: Whom) -> AsyncIterator[asyncpg.Record]:
    """The files that hang on the persons' own records."""
    for row in await read.fetch(_FILES, [person.public_id for person in whom.persons]):
        yield row
