"""From the words of a file to records: references and existing rows, one statement for all rows of a chunk.

Everything is read as the person who imports sees it: what is out of their sight, or another
company's, is not found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from kedang_platform.database import TenantRead
from kedang_tenants.catalogue import RecordType
from kedang_tenants.imports.errors import several_records, unknown_reference
from kedang_tenants.imports.mapping import slot_of
from kedang_tenants.imports.rows import ImportRow
from kedang_tenants.imports.targets import Target
from kedang_tenants.reading import (
    All,
    Compare,
    Listing,
    Page,
    Select,
    Viewer,
    read_listing,
)

Found = Mapping[str, object]
Key = tuple[object, ...]
_BESIDE = ("currency", "country")
"""Fields by which the cells of a row are understood; they are read along with an existing record."""
_FANOUT = 20
"""Parts of a key match in other combinations than those of the file, too; beyond so many a row we ask in halves."""


async def resolve_references(
    read: TenantRead, viewer: Viewer, rows: Sequence[ImportRow], *, leave: Target | None = None
) -> None:
    """Put the ids of referenced records into the rows; a row that names none, or several, is refused.

    References of ``leave`` that are not found stay as they are.
    """
    wanted: dict[Target, set[object]] = defaultdict(set)
    for row in rows:
        for target, word in row.references.items():
            wanted[target].add(word)
    for target, words in wanted.items():
        found = await _ids_by_word(read, viewer, target, words)
        for row in rows:
            if target in row.references:
                _resolve(row, target, found, keep=target == leave)


def _resolve(row: ImportRow, target: Target, found: Mapping[object, list[UUID]], *, keep: bool) -> None:
    word = row.references[target]
    ids = found.get(word, [])
    if len(ids) == 1:
        row.values[slot_of(target)] = ids[0]
    elif ids:
        row.refuse(slot_of(target), several_records())
    elif not keep:
        row.refuse(slot_of(target), unknown_reference(str(word)))


async def _ids_by_word(
    read: TenantRead, viewer: Viewer, target: Target, words: set[object]
) -> dict[object, list[UUID]]:
    assert target.record is not None
    assert target.via is not None
    name = target.via.name
    where = Compare(name, "in", sorted(words, key=str))
    found: dict[object, list[UUID]] = defaultdict(list)
    for record in await _read(read, viewer, target.record, (name,), where, 2 * len(words)):
        found[record[name]].append(record["id"])
    return found


async def find_existing(
    read: TenantRead, viewer: Viewer, record: RecordType, key: Sequence[Target], rows: Iterable[ImportRow]
) -> None:
    """Tell every row which living record its key means; a row whose key means several is refused."""
    slots = [slot_of(target) for target in key]
    by_key: dict[Key, list[ImportRow]] = defaultdict(list)
    for row in rows:
        values = tuple(row.values.get(slot) for slot in slots)
        if None not in values:
            by_key[values].append(row)
    if not by_key or not slots:
        return
    found = await _records_by_key(read, viewer, record, slots, list(by_key))
    for values, alike in by_key.items():
        for row in alike:
            if len(found[values]) > 1:
                row.refuse(slots[-1], several_records())
            elif found[values]:
                row.found = found[values][0]


async def _records_by_key(
    read: TenantRead, viewer: Viewer, record: RecordType, slots: Sequence[str], keys: Sequence[Key]
) -> dict[Key, list[Found]]:
    fields = tuple(dict.fromkeys((*slots, *(name for name in _BESIDE if name in record.fields))))
    limit = _FANOUT * len(keys)
    records = await _read(read, viewer, record.name, fields, _matching(slots, keys), limit)
    if len(records) == limit and len(keys) > 1:
        half = len(keys) // 2
        parts = [
            await _records_by_key(read, viewer, record, slots, part) for part in (keys[:half], keys[half:])
        ]
        return defaultdict(list, parts[0] | parts[1])
    found: dict[Key, list[Found]] = defaultdict(list)
    for one in records:
        found[tuple(one[slot] for slot in slots)].append(one)
    return defaultdict(list, {key: found[key] for key in keys})


def _matching(slots: Sequence[str], keys: Sequence[Key]) -> All:
    columns = [list(dict.fromkeys(key[n] for key in keys)) for n in range(len(slots))]
    return All(tuple(Compare(slot, "in", values) for slot, values in zip(slots, columns, strict=True)))


async def _read(
    read: TenantRead,
    viewer: Viewer,
    record: str,
    fields: tuple[str, ...],
    where: All | Compare,
    limit: int,
) -> list[dict[str, Any]]:
    listing = Listing(record, Select(fields=fields), Page(limit=limit), where=where)
    found = await read_listing(read, viewer, listing)
    layout = found.layout
    return [
        {"id": row[layout.id]} | {name: row[place] for name, place in layout.fields.items()}
        for row in found.page.rows
    ]


def own_reference(record: RecordType, targets: Iterable[Target]) -> Target | None:
    """The target by which rows of this file may refer to each other: a parent by the record's own key."""
    for target in targets:
        if target.record == record.name and target.via is not None and (target.via.name,) == record.key:
            return target
    return None
