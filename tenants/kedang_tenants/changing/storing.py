"""Rows and their audit: locking what is there, writing what differs, noting who did it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, cast
from uuid import UUID

from asyncpg.exceptions import IntegrityConstraintViolationError
from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.work import NewJob, asking_for
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing.checking import decoded
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.changing.locking import ALONE, CHANGING
from kedang_tenants.changing.statements import OneRow, insertion, renewal, together
from kedang_tenants.changing.trail import entries_of, entry
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement, quoted

_BOOKKEEPING = frozenset(
    {"version", "created_at", "updated_at", "search_text", "search_tokens", "name_sort", "phone_reversed"}
)
_JSON_TYPES = frozenset({str, int, bool, type(None), list, dict})
EVENTS = "events.fan_out"
Entry: TypeAlias = tuple[str, str, UUID, Mapping[str, object]]
"""A record, what happened to it, its id, and its changes as the trail keeps them."""


async def lock(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], *, internal: bool) -> None:
    """Lock the rows of the drafts and read them as they are; refuse what is missing, out of reach or stale."""
    if not drafts:
        return
    rows = await _locked_rows(write, viewer, drafts, internal=internal)
    for draft in drafts:
        row = rows.get(draft.id)
        if row is None:
            draft.refuse("id", "NOT_FOUND", msg("There is no such record."))
        elif not row["may_change"]:
            draft.refuse(None, "FORBIDDEN", msg("You may not do this."))
        elif draft.change.version is not None and draft.change.version != row["version"]:
            draft.refuse(
                "version",
                "VERSION_CONFLICT",
                msg("This was changed by someone else in the meantime (version {version})."),
                version=row["version"],
            )
        draft.old = row


async def _locked_rows(
    write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], *, internal: bool
) -> dict[UUID, Mapping[str, object]]:
    record = drafts[0].record
    statement = Statement()
    names = [column.name for column in record.table.columns]
    ids = sorted({draft.id for draft in drafts})
    where = [f"t.id = ANY({statement.bind(ids)}::uuid[])"]
    may: str | None = None
    if not internal:
        access = viewer.on(record.name)
        scope = access.update if drafts[0].action == "update" else access.archive
        may = owned(statement, viewer, record, "t", scope, writing=True)
        seen = visible(statement, viewer, record, "t")
        where += [seen] if seen else []
    columns = ", ".join(f"t.{quoted(name)}" for name in names)
    putting_away = drafts[0].action == "archive"
    sql = (
        f"SELECT {columns}, {may or 'TRUE'} AS may_change FROM {quoted(record.table.name)} t"
        f" WHERE {' AND '.join(where)} ORDER BY t.id {ALONE if putting_away else CHANGING} OF t"
    )
    documents = {column.name for column in record.table.columns if isinstance(column.type, JSONB)}
    return {
        row["id"]: {name: decoded(value) if name in documents else value for name, value in row.items()}
        for row in await write.fetch(sql, *statement.values)
    }


async def sees(read: TenantRead, viewer: Viewer, record: RecordType, record_id: UUID) -> bool:
    statement = Statement()
    where = f"t.id = {statement.bind(record_id)}::uuid"
    seen = visible(statement, viewer, record, "t")
    sql = f"SELECT TRUE FROM {quoted(record.table.name)} t WHERE {where}{' AND ' + seen if seen else ''}"
    return bool(await read.fetchval(sql, *statement.values))


def differences(draft: Draft) -> dict[str, tuple[object, object]]:
    """What the draft changes, field by field: (old, new). Columns that are no fields are nobody's business."""
    old = draft.old or {}
    told = draft.record.fields
    return {
        name: (old.get(name), value)
        for name, value in draft.values.items()
        if name in told and name not in _BOOKKEEPING and old.get(name) != value
    }


def differs(draft: Draft) -> bool:
    return draft.old is None or bool(differences(draft))


async def store(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], *, clock: Clock) -> None:
    """Write the drafts, their audit rows and the job that tells others; raises Refused for a lost race.

    For a single draft all of it is one statement.
    """
    if not drafts:
        return
    now = clock.now()
    for draft in drafts:
        _keep_books(draft, now)
    entries = [(d.record.name, _event(d), d.id, _plain(d)) for d in drafts]
    alone = _statement(drafts[0]) if len(drafts) == 1 else None
    try:
        if alone is None:
            await _write_many(write, drafts)
        await _note(write, viewer, entries, alone, clock=clock)
    except (IntegrityError, IntegrityConstraintViolationError) as error:
        path = drafts[0].change.path if len(drafts) == 1 else ("input",)
        raise Refused([_lost_race(error, path)]) from error


def _keep_books(draft: Draft, now: datetime) -> None:
    draft.values["updated_at"] = now
    if draft.old is None:
        draft.values |= {"id": draft.id, "version": 1, "created_at": now}
    else:
        draft.values["version"] = cast("int", draft.old["version"]) + 1


def _statement(draft: Draft) -> OneRow | None:
    """What writes one draft; None where SQLAlchemy has columns to fill in."""
    table = draft.record.table
    row = dict(sorted(draft.values.items()))
    return insertion(table, row) if draft.action == "create" else renewal(table, row | {"id": draft.id})


async def _write_many(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    if drafts[0].action == "create":
        names = sorted({name for draft in drafts for name in draft.values})
        rows = [{name: draft.values.get(name) for name in names} for draft in drafts]
        await write.execute(insert(drafts[0].record.table), rows)
    else:
        await _update(write, drafts)


async def _update(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    table = drafts[0].record.table
    alike: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        alike[tuple(sorted(draft.values))].append(draft)
    for names, group in alike.items():
        rows = [{f"b_{name}": d.values[name] for name in names} | {"b_id": d.id} for d in group]
        await write.execute(_update_statement(table, names), rows)


def _update_statement(table: Table, names: tuple[str, ...]) -> Any:
    values = {name: bindparam(f"b_{name}", type_=table.c[name].type) for name in names}
    return update(table).where(table.c.id == bindparam("b_id", type_=table.c.id.type)).values(values)


def _lost_race(
    error: IntegrityError | IntegrityConstraintViolationError, path: tuple[str | int, ...]
) -> UserError:
    """Somebody else was faster between our check and our write; the constraint has kept the data right."""
    state = getattr(error.orig if isinstance(error, IntegrityError) else error, "sqlstate", "")
    if state == "23503":
        return UserError("NOT_FOUND", msg("There is no such record."), path)
    if state == "23505":
        return UserError("ALREADY_EXISTS", msg("This exists already."), path)
    raise error


def _event(draft: Draft) -> str:
    return {"create": "created", "update": "updated", "archive": "archived", "restore": "restored"}[
        draft.action
    ]


def _plain(draft: Draft) -> dict[str, object]:
    return {
        name: [plain(old), plain(new)]
        for name, (old, new) in differences(draft).items()
        if draft.old is not None or new is not None
    }


def plain(value: object) -> object:
    """A column's value as JSON keeps it in the audit trail."""
    if type(value) in _JSON_TYPES:
        return value
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


async def audit(
    write: TenantWrite,
    viewer: Viewer,
    entries: Sequence[Entry],
    *,
    clock: Clock,
) -> None:
    """Note what was done: ``(record, event, record id, changes)`` each; one job tells others of all of it."""
    if entries:
        await _note(write, viewer, entries, None, clock=clock)


_PART = 1_000
"""Entries of one job that tells others, where there are very many."""


async def audit_in_parts(
    write: TenantWrite, viewer: Viewer, entries: Sequence[Entry], *, clock: Clock
) -> None:
    """As ``audit``; of very many entries several jobs tell others, each of a part that bears an id of its own."""
    if len(entries) <= _PART:
        await audit(write, viewer, entries, clock=clock)
        return
    now = clock.now()
    for start in range(0, len(entries), _PART):
        part = new_id()
        rows = [
            (now, part, viewer.member_id, viewer.via, f"{record}.{event}", record, record_id, dict(changes))
            for record, event, record_id, changes in entries[start : start + _PART]
        ]
        job = NewJob(EVENTS, {"transaction": part.hex}, key=f"{EVENTS}:{part.hex}")
        whole = together([OneRow(*asking_for(write, job)), entries_of(rows)])
        await write.fetch(whole.sql, *whole.values)


async def _note(
    write: TenantWrite,
    viewer: Viewer,
    entries: Sequence[Entry],
    before: OneRow | None,
    *,
    clock: Clock,
) -> None:
    """Audit rows and their job, in one statement with what they tell of where these are single rows."""
    transaction, now = write.transaction_id, clock.now()
    rows = [
        (
            now,
            transaction,
            viewer.member_id,
            viewer.via,
            f"{record}.{event}",
            record,
            record_id,
            dict(changes),
        )
        for record, event, record_id, changes in entries
    ]
    parts = [before] if before is not None else []
    if EVENTS not in write.done_once:
        job = NewJob(EVENTS, {"transaction": transaction.hex}, key=f"{EVENTS}:{transaction.hex}")
        parts.append(OneRow(*asking_for(write, job)))
    parts.append(entry(rows[0]) if len(rows) == 1 else entries_of(rows))
    whole = together(parts)
    await write.fetch(whole.sql, *whole.values)
    write.done_once.add(EVENTS)
