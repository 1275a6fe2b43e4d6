"""Some lines of a file become records in one transaction; each comes out with its record or its errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_tenants.bulk.errors import key_missing, no_such_record, several_records
from kedang_tenants.bulk.inputs import Key, Line
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing import Change, Changed, change_accepted
from kedang_tenants.imports.mapping import Mode
from kedang_tenants.reading import (
    All,
    Compare,
    Listing,
    Page,
    Select,
    Viewer,
    read_listing,
)

_FANOUT = 20
"""Parts of a key match in other combinations than those of the file, too; beyond so many a line we ask in halves."""


async def accept_lines(
    write: TenantWrite, viewer: Viewer, record: RecordType, mode: Mode, lines: Sequence[Line], *, clock: Clock
) -> list[Changed | None]:
    """Make the changes that the lines mean; None stands for a line that was refused, with its errors.

    A line that names the same record as an earlier one finds what that one made of it.
    """
    done: dict[int, Changed | None] = {}
    waiting = [line for line in lines if not line.errors]
    while waiting:
        wave = _wave(waiting) if mode != "CREATE" else waiting
        taken = await _accept(write, viewer, record, mode, wave, done, clock)
        waiting = waiting[taken:]
    return [done.get(line.number) for line in lines]


def _wave(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines up to the first whose record an earlier one names in the same words."""
    seen: set[object] = set()
    for place, line in enumerate(lines):
        names = {name for name in (line.id, line.key) if name is not None}
        if names & seen:
            return lines[:place]
        seen |= names
    return lines


async def _accept(
    write: TenantWrite,
    viewer: Viewer,
    record: RecordType,
    mode: Mode,
    lines: Sequence[Line],
    done: dict[int, Changed | None],
    clock: Clock,
) -> int:
    """Deal with the lines up to the first that means the record of an earlier one; returns how many these are."""
    found = await _existing(write, viewer, record, lines) if mode != "CREATE" else {}
    changes: list[tuple[Line, Change]] = []
    meant: set[UUID] = set()
    taken = 0
    for line in lines:
        change = _change(record, mode, line, found)
        if change is not None:
            if change.id in meant:  # one named it by its key, the other by its id
                break
            meant |= {change.id} if change.id is not None else set()
            changes.append((line, change))
        taken += 1
    # Changes of one kind are written together.
    changes.sort(key=lambda pair: pair[1].action)
    outcome = await change_accepted(write, viewer, [change for _, change in changes], clock=clock)
    for (line, _), changed, errors in zip(changes, outcome.changed, outcome.errors, strict=True):
        line.errors += errors
        done[line.number] = changed
    return taken


def _change(record: RecordType, mode: Mode, line: Line, found: Mapping[Key, Sequence[UUID]]) -> Change | None:
    """The change that a line means; None when it means none, which is noted."""
    change = Change(record.name, "update", line.id, line.version, line.values, line.custom)
    if line.id is not None:
        return change
    named = record.fields[record.key[-1]].api_name if record.key else "id"
    known = found.get(line.key, ()) if line.key is not None else ()
    if len(known) > 1:
        line.errors.append(several_records(named))
        return None
    if known:
        rest = {name: value for name, value in line.values.items() if name not in record.key}
        return replace(change, id=known[0], values=rest)
    if mode == "UPDATE":
        line.errors.append(no_such_record(named) if line.key is not None else key_missing(named))
        return None
    return replace(change, action="create", version=None)


async def _existing(
    write: TenantWrite, viewer: Viewer, record: RecordType, lines: Sequence[Line]
) -> dict[Key, list[UUID]]:
    """The living records that the keys of the lines mean, as far as the viewer sees them."""
    keys = [line.key for line in lines if line.id is None and line.key is not None]
    return await _by_key(write, viewer, record, keys) if keys else {}


async def _by_key(
    write: TenantWrite, viewer: Viewer, record: RecordType, keys: Sequence[Key]
) -> dict[Key, list[UUID]]:
    limit = _FANOUT * len(keys)
    columns = [list(dict.fromkeys(key[place] for key in keys)) for place in range(len(record.key))]
    where = All(tuple(Compare(name, "in", values) for name, values in zip(record.key, columns, strict=True)))
    read = await read_listing(
        write, viewer, Listing(record.name, Select(record.key), Page(limit), where=where)
    )
    if len(read.page.rows) == limit and len(keys) > 1:
        half = len(keys) // 2
        parts = [await _by_key(write, viewer, record, part) for part in (keys[:half], keys[half:])]
        return {**parts[0], **parts[1]}
    places = [read.layout.fields[name] for name in record.key]
    found: dict[Key, list[UUID]] = defaultdict(list)
    for row in read.page.rows:
        found[tuple(row[place] for place in places)].append(row[read.layout.id])
    return found
