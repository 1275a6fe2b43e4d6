"""Scope and masks as SQL: which rows of a record a viewer reaches, and which fields of these rows."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from sqlalchemy.dialects import postgresql

from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Field, RecordType, catalogue
from kedang_tenants.reading.errors import MaskedField
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.viewer import Scope, Viewer

_OPEN_FIELDS = frozenset({"id"})


class Mask(Enum):
    """How much of a field is masked among the rows that the viewer sees."""

    OPEN = "open"
    PARTLY = "partly"
    CLOSED = "closed"


def visible_scope(viewer: Viewer, record: RecordType) -> Scope:
    """How far the viewer sees rows of a record at all."""
    access = viewer.on(record.name)
    return max(access.names, access.read)


def field_scope(viewer: Viewer, record: RecordType, field: Field) -> Scope:
    """How far the viewer may read a field."""
    access = viewer.on(record.name)
    seen = visible_scope(viewer, record)
    scope = seen if field.name in _OPEN_FIELDS or field.spec.name_level else access.read
    if field.spec.sensitivity is not None:
        scope = min(scope, access.sensitive.get(field.spec.sensitivity, Scope.NONE))
    return scope


def mask_of(viewer: Viewer, record: RecordType, field: Field) -> Mask:
    """How much of a field is masked for the viewer; worked out once per viewer and field."""
    known = viewer.known_masks.get((record.name, field.name))
    if known is None:
        known = viewer.known_masks[record.name, field.name] = _mask_of(viewer, record, field)
    assert isinstance(known, Mask)
    return known


def _mask_of(viewer: Viewer, record: RecordType, field: Field) -> Mask:
    scope = field_scope(viewer, record, field)
    if scope >= visible_scope(viewer, record):
        return Mask.OPEN
    return Mask.PARTLY if scope > Scope.NONE else Mask.CLOSED


def owned(
    statement: Statement,
    viewer: Viewer,
    record: RecordType,
    alias: str,
    scope: Scope,
    *,
    writing: bool = False,
) -> str | None:
    """The condition that a row lies within ``scope`` and in no archive that is closed to the viewer; None when every row does.

    Archives that are shared with the viewer count as their own, with ``writing`` those only that they may change.
    """
    if scope is Scope.NONE or (scope is not Scope.ALL and not record.owner):
        return "FALSE"
    within = None if scope is Scope.ALL else _within(statement, viewer, record, alias, scope, writing=writing)
    opened = open_to(statement, viewer, record, alias)
    return " AND ".join(part for part in (within, opened) if part) or None


def _within(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, scope: Scope, *, writing: bool
) -> str:
    members = viewer.members_within(scope)
    shared = viewer.shared_to_write if writing else viewer.shared
    ways = [_owned_by(statement, record, path, alias, members, shared) for path in record.owners]
    return ways[0] if len(ways) == 1 else f"({' OR '.join(ways)})"


def _owned_by(
    statement: Statement,
    record: RecordType,
    path: tuple[str, ...],
    alias: str,
    members: tuple[object, ...],
    shared: tuple[object, ...],
) -> str:
    head, *rest = path
    if not rest:
        # Said as equality, an index on owner and order brings one owner's rows in order by itself.
        one = len(members) == 1
        who = f"{statement.bind(members[0])}::uuid" if one else f"ANY({statement.bind(members)}::uuid[])"
        mine = f"{alias}.{quoted(head)} = {who}"
        if shared and record.restricts:
            return f"({mine} OR {alias}.id = ANY({statement.bind(shared)}::uuid[]))"
        return mine
    relation = record.relations[head]
    target = catalogue().record(relation.target)
    inner = statement.alias()
    condition = _owned_by(statement, target, tuple(rest), inner, members, shared)
    there, here = (quoted(relation.column), "id") if relation.many else ("id", quoted(relation.column))
    return (
        f"EXISTS (SELECT 1 FROM {quoted(target.table.name)} {inner} WHERE {inner}.{there} = {alias}.{here}"
        f" AND {condition})"
    )


def without_shares(viewer: Viewer) -> Viewer:
    """The viewer as if nothing were shared with them: for what may not be passed on."""
    return replace(viewer, shared=(), shared_to_write=()) if viewer.shared else viewer


def open_to(statement: Statement, viewer: Viewer, record: RecordType, alias: str) -> str | None:
    """The condition that a row lies in no archive that is closed to the viewer (A11); None when none can."""
    if not viewer.closed:
        return None
    way = catalogue().way_to_archive(record.name)
    if way is not None:
        return f"NOT {_shut(statement, viewer, record, alias, way)}"
    return _told_openly(statement, viewer, record, alias) if record.about else None


def _shut(statement: Statement, viewer: Viewer, record: RecordType, alias: str, way: tuple[str, ...]) -> str:
    """The condition that a row lies in an archive that is closed to the viewer."""
    if not way:
        opened = f" AND {alias}.id <> ALL({statement.bind(viewer.opened)}::uuid[])" if viewer.opened else ""
        return f"({alias}.{quoted(record.restricts or '')} IS TRUE{opened})"
    relation = record.relations[way[0]]
    target = catalogue().record(relation.target)
    inner = statement.alias()
    condition = _shut(statement, viewer, target, inner, way[1:])
    return (
        f"EXISTS (SELECT 1 FROM {quoted(target.table.name)} {inner}"
        f" WHERE {inner}.id = {alias}.{quoted(relation.column)} AND {condition})"
    )


def _told_openly(statement: Statement, viewer: Viewer, record: RecordType, alias: str) -> str:
    """The condition that a row tells of nothing that lies in an archive that is closed to the viewer."""
    link = f"{alias}.{quoted(record.about or '')}"
    ways = []
    for target in catalogue():
        way = catalogue().way_to_archive(target.name)
        if way is not None:
            inner = statement.alias()
            ways.append(
                f"left({link}, 3) = {statement.bind(target.prefix)}::text AND EXISTS (SELECT 1 FROM"
                f" {quoted(target.table.name)} {inner} WHERE {inner}.id = substr({link}, 5)::uuid"
                f" AND {_shut(statement, viewer, target, inner, way)})"
            )
    return f"({' OR '.join(f'({way})' for way in ways)}) IS NOT TRUE"


def visible(statement: Statement, viewer: Viewer, record: RecordType, alias: str) -> str | None:
    """The condition that the viewer sees a row at all; None when all are seen."""
    scope = visible_scope(viewer, record)
    own = owned(statement, viewer, record, alias, scope)
    if record.follows is None or scope is Scope.NONE:
        return own
    return _following(statement, viewer, record, alias, own)


def _following(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, own: str | None
) -> str | None:
    """The condition that a row belongs to a record that the viewer sees, or to none and is theirs."""
    link = f"{alias}.{quoted(record.follows or '')}"
    kind, target_id = f"left({link}, 3)", f"substr({link}, 5)::uuid"
    ways = [f"{link} IS NULL AND {own}" if own else f"{link} IS NULL"]
    whole, partly = [], False
    for target in catalogue():
        scope = visible_scope(viewer, target)
        shut = viewer.closed and (target.about or catalogue().way_to_archive(target.name) is not None)
        if target.follows is not None or scope is Scope.NONE:
            partly = partly or target.follows is None
        elif scope is Scope.ALL and not shut:
            whole.append(target.prefix)
        else:
            partly = True
            inner = statement.alias()
            seen = owned(statement, viewer, target, inner, scope)
            ways.append(
                f"{kind} = {statement.bind(target.prefix)}::text AND EXISTS (SELECT 1 FROM"
                f" {quoted(target.table.name)} {inner} WHERE {inner}.id = {target_id} AND {seen})"
            )
    if own is None and not partly:
        return None
    ways.append(f"{kind} = ANY({statement.bind(whole)}::text[])")
    return f"({' OR '.join(f'({way})' for way in ways)})"


def column(
    statement: Statement,
    viewer: Viewer,
    record: RecordType,
    alias: str,
    field: Field,
    stored: str | None = None,
) -> str:
    """A field as it may be read: the bare column, NULL, or the column only where the scope reaches.

    ``stored`` names the column to read instead of the field's own (the one in people's order).
    """
    bare = f"{alias}.{quoted(stored or field.name)}"
    mask = mask_of(viewer, record, field)
    if mask is Mask.OPEN:
        return bare
    if mask is Mask.CLOSED:
        return f"NULL::{_sql_type(record, field)}"
    condition = owned(statement, viewer, record, alias, field_scope(viewer, record, field))
    return f"CASE WHEN {condition} THEN {bare} END"


def usable_column(
    statement: Statement,
    viewer: Viewer,
    record: RecordType,
    alias: str,
    field: Field,
    stored: str | None = None,
    *,
    link: bool = False,
) -> str:
    """A field to filter or sort by: what is masked behaves as empty; raises MaskedField when all of it is.

    ``link`` says that it joins two records, each of which is asked for by what the viewer sees of it.
    """
    if mask_of(viewer, record, field) is Mask.CLOSED:
        raise MaskedField(msg("You may not filter or sort by “{field}”."), field=field.api_name)
    found = column(statement, viewer, record, alias, field, stored)
    return found if link else unless_shut(statement, viewer, record, alias, field, found)


def unless_shut(
    statement: Statement, viewer: Viewer, record: RecordType, alias: str, field: Field, value: str
) -> str:
    """A value that names another record, NULL where that lies in an archive that is closed to the viewer (A11)."""
    own_way = catalogue().way_to_archive(record.name)
    if not viewer.closed or field.target is None or record.apart:
        return value
    if own_way and record.relations[own_way[0]].column == field.name:
        return value  # the row itself would not be there
    way = catalogue().way_to_archive(field.target)
    if way is None:
        return value
    target, inner = catalogue().record(field.target), statement.alias()
    return (
        f"CASE WHEN NOT EXISTS (SELECT 1 FROM {quoted(target.table.name)} {inner}"
        f" WHERE {inner}.id = {alias}.{quoted(field.name)}"
        f" AND {_shut(statement, viewer, target, inner, way)}) THEN {value} END"
    )


def _sql_type(record: RecordType, field: Field) -> str:
    return str(record.table.c[field.name].type.compile(dialect=_DIALECT)).split(" COLLATE")[0]


_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
