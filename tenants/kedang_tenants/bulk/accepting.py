"""Some lines of a file become records in one transaction; each comes out with its record or its errors."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import Refused
from kedang_platform.ids import new_id
from kedang_tenants.bulk.errors import key_missing, no_such_record, several_records, unknown_field
from kedang_tenants.bulk.inputs import Key, Line
from kedang_tenants.catalogue import RecordType
from kedang_tenants.changing import Change, Changed, change, change_accepted
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
    await _change_plain(write, viewer, [pair for pair in changes if not pair[0].below], done, clock)
    await _change_with_below(write, viewer, [pair for pair in changes if pair[0].below], done, clock)
    return taken


async def _change_plain(
    write: TenantWrite,
    viewer: Viewer,
    changes: list[tuple[Line, Change]],
    done: dict[int, Changed | None],
    clock: Clock,
) -> None:
    # Changes of one kind are written together.
    changes.sort(key=lambda pair: pair[1].action)
    outcome = await change_accepted(write, viewer, [change for _, change in changes], clock=clock)
    for (line, _), changed, errors in zip(changes, outcome.changed, outcome.errors, strict=True):
        line.errors += errors
        done[line.number] = changed


async def _change_with_below(
    write: TenantWrite,
    viewer: Viewer,
    changes: list[tuple[Line, Change]],
    done: dict[int, Changed | None],
    clock: Clock,
) -> None:
    """Each line wholly or not at all: all of them together, and one by one where any of them is refused."""
    if not changes:
        return
    heads = [head for _, head in changes]
    below = [one for line, head in changes for one in _below(line, head)]
    try:
        async with write.savepoint():
            made = await change(write, viewer, [*heads, *below], clock=clock)
    except Refused as error:
        if len(changes) == 1:
            changes[0][0].errors += error.errors
            return
        for pair in changes:
            await _change_with_below(write, viewer, [pair], done, clock)
        return
    for (line, _), changed in zip(changes, made, strict=False):
        done[line.number] = changed


def _below(line: Line, head: Change) -> Iterator[Change]:
    """What a line brings along, as changes; it belongs to the record that the line creates."""
    for one in line.below:
        yield Change(
            one.by.target,
            "create",
            values={**one.values, one.by.column: head.id},
            custom=one.custom,
            path=("input", one.by.api_name, one.number),
        )


def _change(record: RecordType, mode: Mode, line: Line, found: Mapping[Key, Sequence[UUID]]) -> Change | None:
    """The change that a line means; None when it means none, which is noted."""
    change = Change(record.name, "update", line.id, line.version, line.values, line.custom)
    if line.id is not None:
        return change if _brings_nothing(line) else None
    named = record.fields[record.key[-1]].api_name if record.key else "id"
    known = found.get(line.key, ()) if line.key is not None else ()
    if len(known) > 1:
        line.errors.append(several_records(named))
        return None
    if known:
        rest = {name: value for name, value in line.values.items() if name not in record.key}
        return replace(change, id=known[0], values=rest) if _brings_nothing(line) else None
    if mode == "UPDATE":
        line.errors.append(no_such_record(named) if line.key is not None else key_missing(named))
        return None
    return replace(change, action="create", id=new_id() if line.below else None, version=None)


def _brings_nothing(line: Line) -> bool:
    """Whether a line leaves out what only a new record brings along; noted where it does not."""
    line.errors += [unknown_field(name) for name in dict.fromkeys(one.by.api_name for one in line.below)]
    return not line.below


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
