"""Checking what is to be written: rights on fields, kinds of values, required fields, references, uniqueness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import cast
from uuid import UUID

import orjson

from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import Field, InvalidValue, RecordType, catalogue
from kedang_tenants.catalogue.base import AMONG_LIVING
from kedang_tenants.catalogue.custom import to_document
from kedang_tenants.changing.drafts import Draft
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reading.masks import Mask, mask_of, owned, visible
from kedang_tenants.reading.statement import Statement, quoted


def check_values(viewer: Viewer, draft: Draft, *, internal: bool) -> None:
    """Put the checked values into the draft; note every field that is unknown, forbidden or wrong."""
    for name, value in draft.change.values.items():
        field = draft.record.fields.get(name)
        if field is None or (field.spec.hidden and not internal):
            draft.refuse(name, "UNKNOWN_FIELD", msg("There is no field “{field}”."), field=name)
        elif not internal and not _may_write(viewer, draft, field, value):
            draft.refuse(name, "FORBIDDEN", msg("You may not change this field."))
        else:
            _check_value(draft, field, value)
    if draft.action == "create":
        _fill_in(draft)
    _check_custom(viewer, draft, internal=internal)


def _may_write(viewer: Viewer, draft: Draft, field: Field, value: object) -> bool:
    """Whether a field may be set so; one that never changes may be said again as it is (a file repeats whole rows)."""
    access = viewer.on(draft.record.name)
    changes = draft.old is not None and draft.old.get(field.name) != value
    if field.spec.read_only or (field.spec.create_only and changes):
        return False
    if access.fields is not None and field.name not in access.fields:
        return False
    if changes and field.name in draft.record.owner and _is_lent(viewer, draft):
        return False
    return draft.action == "create" or mask_of(viewer, draft.record, field) is not Mask.CLOSED


def _is_lent(viewer: Viewer, draft: Draft) -> bool:
    """Whether a record may be changed only because it is shared with the viewer, who then does not give it to anybody."""
    if draft.old is None or draft.id not in viewer.shared_to_write:
        return False
    scope = viewer.on(draft.record.name).update
    return scope is not Scope.ALL and draft.old[draft.record.owner[0]] not in viewer.members_within(scope)


def _check_value(draft: Draft, field: Field, value: object) -> None:
    if value is None and field.has_default and draft.action == "create":
        return
    try:
        checked = None if value is None else field.kind.check(value)
    except InvalidValue as error:
        draft.refuse(field.name, error.reason, error.message, **error.params)
        return
    if checked is None and not field.nullable:
        draft.refuse(field.name, "REQUIRED", msg("This must be filled in."))
        return
    draft.values[field.name] = checked


def _fill_in(draft: Draft) -> None:
    """Defaults for what a new record does not say; note what it must say."""
    refused = {error.path[-1] for error in draft.errors if error.path}
    for field, default in draft.record.filled_in:
        if field.name in draft.values or field.api_name in refused:
            continue
        if default is not None:
            draft.values[field.name] = _default(default)
        else:
            draft.refuse(field.name, "REQUIRED", msg("This must be filled in."))


def _default(default: object) -> object:
    argument = default.arg  # type: ignore[attr-defined]
    return argument(None) if callable(argument) else argument


def _check_custom(viewer: Viewer, draft: Draft, *, internal: bool) -> None:
    """Own fields are asked of people: what the product makes itself comes without those that must be filled in."""
    if draft.action not in {"create", "update"}:
        return
    document = dict(cast("dict[str, object]", draft.now("custom") or {}))
    before = dict(document)
    for key, value in draft.change.custom.items():
        custom = viewer.custom_field(draft.record.name, key)
        if custom is None:
            refuse_custom(draft, key, "UNKNOWN_FIELD", msg("There is no field “{field}”."), field=key)
            continue
        try:
            checked = None if value is None else custom.kind.check(value)
        except InvalidValue as error:
            refuse_custom(draft, key, error.reason, error.message, **error.params)
            continue
        if checked is None:
            document.pop(custom.id, None)
        else:
            document[custom.id] = to_document(checked)
    for custom in viewer.custom_fields:
        touched = (draft.action == "create" and not internal) or custom.key in draft.change.custom
        asked = custom.record == draft.record.name and custom.always_required
        if asked and touched and custom.id not in document:
            refuse_custom(draft, custom.key, "REQUIRED", msg("This must be filled in."))
    if document != before or draft.action == "create":
        draft.values["custom"] = document


def refuse_custom(draft: Draft, key: str, code: str, message: str, **params: object) -> None:
    """Note what is wrong with one of the company's own fields, where the input has it."""
    draft.refuse(None, code, message, **params)
    last = draft.errors[-1]
    place = getattr(draft.change.custom, "told_as", "customFields")
    draft.errors[-1] = type(last)(last.code, last.message, (*last.path, place, key), last.params)


async def check_references(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft]) -> None:
    """Refuse every reference to a record that does not exist or is not for the viewer to see."""
    wanted: dict[str, set[UUID]] = defaultdict(set)
    for draft, field in _references(drafts):
        wanted[cast("str", field.target)].add(cast("UUID", draft.values[field.name]))
    found = {target: await _visible_ids(write, viewer, target, ids) for target, ids in wanted.items()}
    for draft, field in _references(drafts):
        if draft.values[field.name] not in found[cast("str", field.target)]:
            draft.refuse(field.name, "NOT_FOUND", msg("There is no such record."))


def _references(drafts: Iterable[Draft]) -> Iterable[tuple[Draft, Field]]:
    for draft in drafts:
        for field in draft.record.references:
            if draft.values.get(field.name) is not None:
                yield draft, field


async def _visible_ids(write: TenantWrite, viewer: Viewer, target: str, ids: set[UUID]) -> set[UUID]:
    statement = Statement()
    record = catalogue().record(target)
    where = f"t.id = ANY({statement.bind(list(ids))}::uuid[])"
    seen = visible(statement, viewer, record, "t")
    sql = f"SELECT t.id FROM {quoted(record.table.name)} t WHERE {where}{_and(seen)}"
    return {row[0] for row in await write.fetch(sql, *statement.values)}


async def check_scope_of_new(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft]) -> None:
    """Refuse a new record that its maker would not own: a right to create reaches as far as one's scope.

    Whoever may create only what they own becomes the owner where none is named.
    """
    if not drafts:
        return
    record = drafts[0].record
    scope = viewer.on(record.name).create
    if scope is Scope.ALL or not record.owner:
        return
    members = set(viewer.members_within(scope))
    if record.co_owners:
        await _check_any_owner(write, viewer, drafts, scope)
        return
    head = record.owner[0]
    if len(record.owner) == 1:
        for draft in drafts:
            if draft.values.get(head) is None:
                draft.values[head] = viewer.member_id
            if draft.values[head] not in members:
                draft.refuse(head, "FORBIDDEN", msg("You may not do this for others."))
        return
    relation = record.relations[head]
    parents = {cast("UUID", d.values[relation.column]) for d in drafts if d.values.get(relation.column)}
    allowed = await _ids_within(write, viewer, relation.target, parents, scope)
    for draft in drafts:
        parent = draft.values.get(relation.column)
        if parent is not None and parent not in allowed:
            draft.refuse(relation.column, "FORBIDDEN", msg("You may not do this for others."))


async def _check_any_owner(write: TenantWrite, viewer: Viewer, drafts: Sequence[Draft], scope: Scope) -> None:
    """Of a record with several owners one has to be within the scope; nobody is put in where none is named."""
    members = set(viewer.members_within(scope))
    owned_drafts: set[UUID] = set()
    column = ""
    for head, *rest in drafts[0].record.owners:
        column, within = head, members
        if rest:
            relation = drafts[0].record.relations[head]
            column = relation.column
            parents = {cast("UUID", d.values[column]) for d in drafts if d.values.get(column)}
            within = await _ids_within(write, viewer, relation.target, parents, scope)
        owned_drafts |= {draft.id for draft in drafts if draft.values.get(column) in within}
    for draft in drafts:
        if draft.id not in owned_drafts and not draft.refused:
            draft.refuse(column, "FORBIDDEN", msg("You may not do this for others."))


async def _ids_within(
    write: TenantWrite, viewer: Viewer, target: str, ids: set[UUID], scope: Scope
) -> set[UUID]:
    statement = Statement()
    record = catalogue().record(target)
    where = f"t.id = ANY({statement.bind(list(ids))}::uuid[])"
    within = owned(statement, viewer, record, "t", scope, writing=True)
    sql = f"SELECT t.id FROM {quoted(record.table.name)} t WHERE {where}{_and(within)}"
    return {row[0] for row in await write.fetch(sql, *statement.values)}


def _and(condition: str | None) -> str:
    return f" AND {condition}" if condition else ""


async def check_unique(write: TenantWrite, drafts: Sequence[Draft]) -> None:
    """Refuse values that another living record holds, or that two drafts of this change claim."""
    for index in drafts[0].record.table.indexes if drafts else ():
        if AMONG_LIVING in index.info:
            await _check_index(write, drafts, [column.name for column in index.columns])


async def _check_index(write: TenantWrite, drafts: Sequence[Draft], columns: list[str]) -> None:
    claims: dict[tuple[object, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        touched = draft.action in {"create", "restore"} or any(column in draft.values for column in columns)
        values = tuple(draft.now(column) for column in columns)
        if touched and None not in values:
            claims[values].append(draft)
    if not claims:
        return
    record = drafts[0].record
    holders = await _holders(write, record, columns, list(claims))
    for values, claimants in claims.items():
        holder = holders.get(values)
        for position, draft in enumerate(claimants):
            if (holder is not None and holder != draft.id) or position > 0:
                draft.refuse(
                    columns[-1], "ALREADY_EXISTS", msg("“{value}” is taken already."), value=str(values[-1])
                )


async def _holders(
    write: TenantWrite, record: RecordType, columns: list[str], claims: list[tuple[object, ...]]
) -> dict[tuple[object, ...], UUID]:
    from kedang_tenants.reading.filters import sql_cast

    # Compared column by column, the index is used however many rows the table has come to since it
    # was analysed; a join with the claims is planned as a scan. What matches beside them is not asked for.
    statement = Statement()
    names = ", ".join(f"t.{quoted(column)}" for column in columns)
    where = " AND ".join(
        f"t.{quoted(column)} = ANY({statement.bind(list({claim[n] for claim in claims}))}"
        f"::{sql_cast(record, record.fields[column])}[])"
        for n, column in enumerate(columns)
    )
    sql = f"SELECT t.id, {names} FROM {quoted(record.table.name)} t WHERE t.archived_at IS NULL AND {where}"
    rows = await write.fetch(sql, *statement.values)
    return {tuple(row[1:]): row[0] for row in rows}


def decoded(value: object) -> object:
    """A jsonb column as it came from the driver, as a value."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value
