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
from kedang_tenants.webhooks.models import TEST
from kedang_tenants.webhooks.questions import answer, decode_question

_EVENT: Final = "SELECT sequence, at, action, record, record_id, changes FROM audit WHERE sequence = $1"


async def body_of(read: TenantRead, viewer: Viewer, *, sequence: int, question: str | None) -> str | None:
    """The body that tells of the event, JSON; None where the viewer does not see the record it is of.

    ``changed`` has the fields that differ as they were made by the event, ``previous`` as they were
    before. Both leave out what is masked for the viewer. With a ``question``, ``payload`` is what the API
    would answer to it now. Raises UnanswerableQuery.
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
    if shown is None:
        return None
    data = _data(event, record, changes, shown)
    data |= await _payload(read, viewer, question, record, event["record_id"])
    return _json(event["action"], event["at"].isoformat(), data)


async def body_of_test(
    read: TenantRead, viewer: Viewer, *, about: str, at: str, question: str | None
) -> str | None:
    """The body of a test, which is of no event: about the webhook, or about a record that was named.

    None where the viewer does not see the record. Raises UnanswerableQuery.
    """
    record, record_id = catalogue().by_prefix(about[:3]), UUID(hex=about[4:])
    assert record is not None
    data: dict[str, Any] = {"id": about, "record": record.api_name}
    if record.name != "webhook":
        if await _shown(read, viewer, record, record_id, []) is None:
            return None
        data |= await _payload(read, viewer, question, record, record_id)
    return _json(TEST, at, data)


async def _payload(
    read: TenantRead, viewer: Viewer, question: str | None, record: RecordType, record_id: UUID
) -> dict[str, Any]:
    """What the query adds to the data; nothing where the webhook has none."""
    if question is None:
        return {}
    told = await answer(read, viewer, decode_question(question), record=record, record_id=record_id)
    data: dict[str, Any] = {"payload": told.payload, "masked": told.masked}
    return data | ({"payloadError": told.error} if told.error else {})


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


def _data(
    event: asyncpg.Record, record: RecordType, changes: Mapping[str, Any], shown: Sequence[Field]
) -> dict[str, Any]:
    return {
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


def _told(field: Field, value: Any) -> Any:
    """A value of the audit trail as the API writes it."""
    if field.target is None or value is None:
        return value
    return f"{catalogue().record(field.target).prefix}_{value}"


def _json(event: str, at: str, data: Mapping[str, Any]) -> str:
    return orjson.dumps({"type": event, "timestamp": at, "data": data}).decode()
