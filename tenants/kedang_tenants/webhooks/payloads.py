"""What a receiver is told of an event: what the webhook's owner may see of it now, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import Field, RecordType, catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.reading.masks import Mask, field_scope, mask_of, owned, visible
from kedang_tenants.reading.statement import Statement, quoted

_EVENT: Final = "SELECT sequence, at, action, record, record_id, changes FROM audit WHERE sequence = $1"


async def body_of(read: TenantRead, viewer: Viewer, *, sequence: int) -> str | None:
    """The body that tells of the event, JSON; None where the viewer does not see the record it is of.

    ``changed`` has the fields that differ as they were made by the event, ``previous`` as they were
    before. Both leave out what is masked for the viewer.
    """
    event = await read.fetchrow(_EVENT, sequence)
    assert event is not None, "the audit trail is never shortened below what is on its way"
    record = catalogue().record(event["record"])
    changes = orjson.loads(event["changes"])
    fields = [
        record.fields[name]
        for name in changes
        if name in record.fields and not record.fields[name].spec.hidden
    ]
    shown = await _shown(read, viewer, record, event["record_id"], fields)
    return None if shown is None else _written(event, record, changes, shown)


def body_of_test(*, about: str, at: str) -> str:
    """The body of a test, which is of no event."""
    return _json("webhook.test", at, {"id": about, "record": "Webhook"})


async def _shown(
    read: TenantRead, viewer: Viewer, record: RecordType, record_id: UUID, fields: Sequence[Field]
) -> list[Field] | None:
    """Those of the fields that the viewer may read of this row; None where they do not see the row."""
    statement = Statement()
    tests = [_readable(statement, viewer, record, one) for one in fields]
    seen = visible(statement, viewer, record, "t")
    where = f"t.id = {statement.bind(record_id)}::uuid" + (f" AND {seen}" if seen else "")
    sql = f"SELECT {', '.join(['TRUE', *tests])} FROM {quoted(record.table.name)} t WHERE {where}"
    row = await read.fetchrow(sql, *statement.values)
    if row is None:
        return None
    return [one for one, readable in zip(fields, tuple(row)[1:], strict=True) if readable]


def _readable(statement: Statement, viewer: Viewer, record: RecordType, field: Field) -> str:
    mask = mask_of(viewer, record, field)
    if mask is Mask.PARTLY:
        return owned(statement, viewer, record, "t", field_scope(viewer, record, field)) or "TRUE"
    return "TRUE" if mask is Mask.OPEN else "FALSE"


def _written(
    event: asyncpg.Record, record: RecordType, changes: Mapping[str, Any], shown: Sequence[Field]
) -> str:
    data = {
        "id": f"{record.prefix}_{event['record_id'].hex}",
        "record": record.api_name,
        "sequence": event["sequence"],
        "changed": {one.api_name: _told(one, changes[one.name][1]) for one in shown},
        "previous": {
            one.api_name: _told(one, changes[one.name][0])
            for one in shown
            if changes[one.name][0] is not None
        },
    }
    return _json(event["action"], event["at"].isoformat(), data)


def _told(field: Field, value: Any) -> Any:
    """A value of the audit trail as the API writes it."""
    if field.target is None or value is None:
        return value
    return f"{catalogue().record(field.target).prefix}_{value}"


def _json(event: str, at: str, data: Mapping[str, Any]) -> str:
    return orjson.dumps({"type": event, "timestamp": at, "data": data}).decode()
