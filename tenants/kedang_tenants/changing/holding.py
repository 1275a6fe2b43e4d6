"""Holding a record to take a step with it: for verbs that move what no plain change may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

from kedang_platform.database import TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing.locking import ALONE, CHANGING, hold_first
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import owned, visible
from kedang_tenants.reading.statement import Statement

Row: TypeAlias = Mapping[str, Any]


class Archived(KedangError):
    """The record is archived; it must be restored first."""


async def hold_for_change(
    write: TenantWrite,
    viewer: Viewer,
    record: str,
    record_id: UUID,
    *,
    path: tuple[str, ...] = ("input", "id"),
    alone: bool = False,
) -> Row:
    """Lock a record that the viewer may change, for the rest of the transaction; returns its row.

    ``alone``: nobody refers to it anew until then. Raises NotFound for what they do not see, Forbidden for what they may not change, Archived.
    """
    row = await hold(write, viewer, record, record_id, path=path, alone=alone)
    if not row["may_change"]:
        raise Forbidden(msg("You may not do this."))
    return row


async def hold(
    write: TenantWrite,
    viewer: Viewer,
    record: str,
    record_id: UUID,
    *,
    path: tuple[str, ...] = ("input", "id"),
    alone: bool = False,
) -> Row:
    """Lock a record that the viewer sees; ``may_change`` and ``may_archive`` say how far their rights reach it.

    Raises NotFound, Archived.
    """
    await hold_first(write, record, [record_id])
    statement, kind = Statement(), catalogue().record(record)
    access = viewer.on(record)
    where = f"t.id = {statement.bind(record_id)}::uuid"
    seen = visible(statement, viewer, kind, "t")
    change = owned(statement, viewer, kind, "t", access.update, writing=True) or "TRUE"
    archive = owned(statement, viewer, kind, "t", access.archive, writing=True) or "TRUE"
    found = await write.fetchrow(
        f"SELECT t.*, {change} AS may_change, {archive} AS may_archive"
        f' FROM "{kind.table.name}" t WHERE {where}{f" AND {seen}" if seen else ""}'
        f" {ALONE if alone else CHANGING} OF t",
        *statement.values,
    )
    if found is None:
        raise NotFound(msg("There is no such record."), path=path)
    if found["archived_at"] is not None:
        raise Archived(msg("This record is archived; restore it first."), path=path)
    return dict(found)
