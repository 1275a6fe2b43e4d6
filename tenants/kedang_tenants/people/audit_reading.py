"""Looking through the audit trail: nobody reads there what they may not read where it stands (T7).

How far a role reaches says the row "audit, views" of the policy: everything, what one's department did, what one did
oneself, nothing. Of that, entries of records that are out of the viewer's sight are left out, and values of fields
that are masked for the viewer are not told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.errors import Forbidden
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Field, RecordType, catalogue
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import Mask, field_scope, mask_of, owned, visible, visible_scope
from kedang_tenants.reading.ordering import SortKey, read_cursor, write_cursor
from kedang_tenants.reading.statement import Statement, quoted

ALL, DEPARTMENT, OWN, NONE = Scope.ALL, Scope.DEPARTMENT, Scope.OWN, Scope.NONE
_REACH: Final[Mapping[str, Scope]] = MappingProxyType(
    {
        "OWNER": ALL,
        "ADMIN": ALL,
        "GENERAL_MANAGER": ALL,
        "ARCHIVE_KEEPER": ALL,
        "DEPARTMENT_MANAGER": DEPARTMENT,
        "VIEW_ONLY": NONE,
    }
)
_CUSTOM: Final = "custom"
_KEY: Final = SortKey(
    "a.sequence", "bigint", descending=True, nulls_last=False, nullable=False, name="sequence"
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What is looked for; ``since`` and ``before`` are a half-open period, ``field`` a field whose change is noted."""

    record: str | None = None
    record_id: UUID | None = None
    actor: UUID | None = None
    action: str | None = None
    via: str | None = None
    field: str | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangedField:
    """A field of an entry: ``old`` and ``new`` as JSON keeps them, both None where they are ``masked``."""

    name: str
    old: object
    new: object
    masked: bool


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody (``actor`` None: the product itself) did to one record."""

    sequence: int
    at: datetime
    actor: UUID | None
    via: str
    action: str
    record: str
    record_id: UUID
    erased: bool
    changes: tuple[ChangedField, ...]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries in order; ``cursors`` stand beside them."""

    entries: list[AuditEntry] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    more: bool = False


def audit_reach(viewer: Viewer) -> Scope:
    """Whose doings the viewer may look through; a role of the company's own reaches to oneself."""
    if viewer.member_id is None:
        return ALL
    return max((_REACH.get(role, OWN) for role in viewer.roles), default=NONE)


async def audit_entries(
    read: TenantRead,
    viewer: Viewer,
    *,
    wanted: AuditFilter,
    first: int,
    after: str | None = None,
    oldest_first: bool = False,
) -> AuditPage:
    """A page of entries that the viewer may see. Raises Forbidden, BadCursor."""
    if audit_reach(viewer) is NONE:
        raise Forbidden(msg("You may not do this."))
    statement = Statement()
    conditions = [*_asked_for(statement, wanted), *_within_reach(statement, viewer, wanted)]
    signature = f"audit:{oldest_first}"
    if after is not None:
        (sequence,) = read_cursor(after, signature, [_KEY])
        conditions.append(f"a.sequence {'>' if oldest_first else '<'} {statement.bind(sequence)}::bigint")
    rows = await read.fetch(
        "SELECT a.sequence, a.at, a.actor_id, a.via, a.action, a.record, a.record_id, a.changes,"
        " a.salt IS NULL AND a.digest IS NOT NULL AS erased"
        f" FROM audit a WHERE {' AND '.join(conditions) or 'TRUE'}"
        f" ORDER BY a.sequence{'' if oldest_first else ' DESC'} LIMIT {first + 1}",
        *statement.values,
    )
    readable = await _readable(read, viewer, rows[:first])
    entries = [_entry(viewer, row, readable) for row in rows[:first]]
    return AuditPage(entries, [write_cursor(signature, [e.sequence]) for e in entries], len(rows) > first)


def _asked_for(statement: Statement, wanted: AuditFilter) -> list[str]:
    pairs = (
        ("a.record = {}::text", wanted.record),
        ("a.record_id = {}::uuid", wanted.record_id),
        ("a.actor_id = {}::uuid", wanted.actor),
        ("a.action = {}::text", wanted.action),
        ("a.via = {}::text", wanted.via),
        ("a.changes ? {}::text", wanted.field),
        ("a.at >= {}::timestamptz", wanted.since),
        ("a.at < {}::timestamptz", wanted.before),
    )
    conditions = [text.format(statement.bind(value)) for text, value in pairs if value is not None]
    if wanted.since is not None:
        # Seals know where a minute begins: nothing that was done later stands before it.
        place = statement.bind(wanted.since)
        conditions.append(
            "a.sequence >= coalesce((SELECT min(first_sequence) FROM audit_seal"
            f" WHERE minute >= date_trunc('minute', {place}::timestamptz, 'UTC')),"
            " (SELECT max(last_sequence) + 1 FROM audit_seal), 0)"
        )
    return conditions


def _within_reach(statement: Statement, viewer: Viewer, wanted: AuditFilter) -> list[str]:
    """By whom, and of what: rows of records that the viewer sees, and of what is no record."""
    conditions: list[str] = []
    reach = audit_reach(viewer)
    if reach is not ALL:
        conditions.append(f"a.actor_id = ANY({statement.bind(viewer.members_within(reach))}::uuid[])")
    shut, partly = [], []
    for record in catalogue():
        if wanted.record not in {None, record.name}:
            continue
        if visible_scope(viewer, record) is NONE:
            shut.append(record.name)
            continue
        inner = statement.alias()
        seen = visible(statement, viewer, record, inner)
        if seen is not None:
            exists = f"EXISTS (SELECT 1 FROM {quoted(record.table.name)} {inner} WHERE {inner}.id = a.record_id AND {seen})"
            partly.append(f"WHEN '{record.name}' THEN {exists}")
    if shut:
        conditions.append(f"a.record <> ALL({statement.bind(shut)}::text[])")
    if partly:
        conditions.append(f"CASE a.record {' '.join(partly)} ELSE TRUE END")
    return conditions


_Readable = Mapping[tuple[str, Scope], frozenset[UUID]]


async def _readable(read: TenantRead, viewer: Viewer, rows: Sequence[asyncpg.Record]) -> _Readable:
    """For fields that are masked in some rows only: in which of these rows they may be read."""
    asked: dict[tuple[str, Scope], set[UUID]] = {}
    for row in rows:
        record = _record(row)
        if record is None:
            continue
        for name in orjson.loads(row["changes"]):
            found = record.fields.get(name)
            if found is not None and mask_of(viewer, record, found) is Mask.PARTLY:
                asked.setdefault((record.name, field_scope(viewer, record, found)), set()).add(
                    row["record_id"]
                )
    return {key: await _owned_ids(read, viewer, *key, ids) for key, ids in asked.items()}


async def _owned_ids(
    read: TenantRead, viewer: Viewer, name: str, scope: Scope, ids: set[UUID]
) -> frozenset[UUID]:
    record, statement = catalogue().record(name), Statement()
    among = f"t.id = ANY({statement.bind(list(ids))}::uuid[])"
    within = owned(statement, viewer, record, "t", scope)
    sql = f"SELECT t.id FROM {quoted(record.table.name)} t WHERE {among}{f' AND {within}' if within else ''}"
    return frozenset(row[0] for row in await read.fetch(sql, *statement.values))


def _record(row: asyncpg.Record) -> RecordType | None:
    return catalogue().record(row["record"]) if row["record"] in catalogue() else None


def _entry(viewer: Viewer, row: asyncpg.Record, readable: _Readable) -> AuditEntry:
    record, changes = _record(row), orjson.loads(row["changes"])
    told = tuple(
        _told(viewer, record, row["record_id"], name, value, readable) for name, value in changes.items()
    )
    return AuditEntry(
        row["sequence"], row["at"], row["actor_id"], row["via"], row["action"], row["record"], row["record_id"],
        row["erased"], told,
    )  # fmt: skip


def _told(
    viewer: Viewer, record: RecordType | None, record_id: UUID, name: str, value: Any, readable: _Readable
) -> ChangedField:
    found = record.fields.get(name) if record else None
    shown_as = found.api_name if found and name != _CUSTOM else "customFields" if name == _CUSTOM else name
    if not _may_read(viewer, record, found, record_id, readable):
        return ChangedField(shown_as, None, None, masked=True)
    pair = value if isinstance(value, list) and len(value) == 2 else [None, value]
    old, new = (_api_value(viewer, record, found, part) for part in pair)
    return ChangedField(shown_as, old, new, masked=False)


def _may_read(
    viewer: Viewer, record: RecordType | None, found: Field | None, record_id: UUID, readable: _Readable
) -> bool:
    """What is no field of the record (how many were sent, why it was closed) is for whoever reads all of its kind."""
    if record is None:
        return True
    if found is None:
        return viewer.on(record.name).read is ALL
    mask = mask_of(viewer, record, found)
    if mask is Mask.PARTLY:
        return record_id in readable[record.name, field_scope(viewer, record, found)]
    return mask is Mask.OPEN


def _api_value(viewer: Viewer, record: RecordType | None, found: Field | None, value: Any) -> object:
    if found is None or record is None or value is None:
        return value
    if found.target is not None and isinstance(value, str):
        return f"{catalogue().record(found.target).prefix}_{value}"
    if found.name == _CUSTOM and isinstance(value, dict):
        keys = {custom.id: custom.key for custom in viewer.custom_fields if custom.record == record.name}
        return {keys[name]: each for name, each in value.items() if name in keys}
    return value
