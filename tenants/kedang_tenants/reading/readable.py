"""Which fields of which rows a viewer may read, without reading them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import Field, RecordType
from kedang_tenants.reading.masks import Mask, field_scope, mask_of, owned
from kedang_tenants.reading.statement import Statement, quoted
from kedang_tenants.reading.viewer import Scope, Viewer


async def readable_fields(
    tx: TenantRead, viewer: Viewer, record: RecordType, ids: Sequence[UUID], fields: Collection[Field]
) -> Mapping[UUID, frozenset[str]]:
    """Of each row, which the viewer is known to see, the names of those fields that are not masked in it."""
    masks = [(field, mask_of(viewer, record, field)) for field in fields]
    always = frozenset(field.name for field, mask in masks if mask is Mask.OPEN)
    partly = [field for field, mask in masks if mask is Mask.PARTLY]
    if not partly:
        return dict.fromkeys(ids, always)
    scopes = sorted({field_scope(viewer, record, field) for field in partly})
    reached = await _reached(tx, viewer, record, ids, scopes)
    return {
        row: always
        | {field.name for field in partly if field_scope(viewer, record, field) in reached.get(row, ())}
        for row in ids
    }


async def _reached(
    tx: TenantRead, viewer: Viewer, record: RecordType, ids: Sequence[UUID], scopes: Sequence[Scope]
) -> Mapping[UUID, frozenset[Scope]]:
    """Within which of the scopes each of the rows lies."""
    statement = Statement()
    tests = [owned(statement, viewer, record, "t", scope) or "TRUE" for scope in scopes]
    sql = (
        f"SELECT t.id, {', '.join(tests)} FROM {quoted(record.table.name)} t"
        f" WHERE t.id = ANY({statement.bind(list(ids))}::uuid[])"
    )
    return {
        row[0]: frozenset(scope for scope, within in zip(scopes, tuple(row)[1:], strict=True) if within)
        for row in await tx.fetch(sql, *statement.values)
    }
