"""One chunk of rows in one transaction: references, existing records, the change itself, the verdict of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.errors import UserError
from kedang_platform.phones import read_phone
from kedang_tenants.catalogue import Field
from kedang_tenants.changing import Change, Changed, change_accepted
from kedang_tenants.imports.errors import already_exists, no_such_record, phone_not_valid, unknown_reference
from kedang_tenants.imports.mapping import Layout, slot_of
from kedang_tenants.imports.resolving import find_existing, own_reference, resolve_references
from kedang_tenants.imports.rows import ImportRow, Remark, settle_amounts
from kedang_tenants.imports.targets import CUSTOM, Target
from kedang_tenants.reading import Viewer


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows were dealt with, by what became of them."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    warnings: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.rows + other.rows,
            self.created + other.created,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.rejected + other.rejected,
            self.warnings + other.warnings,
        )


async def import_chunk(
    write: TenantWrite,
    viewer: Viewer,
    layout: Layout,
    rows: Sequence[ImportRow],
    *,
    clock: Clock,
    assume: Callable[[object], bool] = lambda _: False,
) -> Counts:
    """Make records of rows; every row comes out accepted or with its errors.

    Rows may refer to earlier rows of the same file as to any other record (a parent company).
    ``assume`` says of which keys a record would exist if this were not a trial.
    """
    counts = Counts(rows=len(rows))
    parent = own_reference(layout.record, (fill.target for fill in layout.fills))
    await resolve_references(write, viewer, _accepted(rows), leave=parent)
    waiting = _accepted(rows)
    while waiting:
        ready = [row for row in waiting if parent is None or _resolved(row, parent)]
        if parent is not None and not ready:
            _give_up(waiting, parent, assume)
            ready = _accepted(waiting)
        counts += await _import_ready(write, viewer, layout, ready, clock=clock)
        done = {id(row) for row in ready}
        waiting = [row for row in _accepted(waiting) if id(row) not in done]
        if parent is not None and waiting:
            await resolve_references(write, viewer, waiting, leave=parent)
    rejected = sum(row.rejected for row in rows)
    warned = sum(bool(row.warnings) and not row.rejected for row in rows)
    return counts + Counts(rejected=rejected, warnings=warned)


def _accepted(rows: Sequence[ImportRow]) -> list[ImportRow]:
    return [row for row in rows if not row.rejected]


def _resolved(row: ImportRow, target: Target) -> bool:
    return target not in row.references or slot_of(target) in row.values


def _give_up(rows: Sequence[ImportRow], parent: Target, assume: Callable[[object], bool]) -> None:
    """Refuse rows whose parent is nowhere."""
    for row in rows:
        word = row.references[parent]
        if assume(word):
            del row.references[parent]
        else:
            row.refuse(slot_of(parent), unknown_reference(str(word)))


async def _import_ready(
    write: TenantWrite, viewer: Viewer, layout: Layout, rows: Sequence[ImportRow], *, clock: Clock
) -> Counts:
    await find_existing(write, viewer, layout.record, layout.key, rows)
    for row in rows:
        _judge(row, layout)
        settle_amounts(row, viewer.currency)
    new = [row for row in rows if not row.rejected and row.found is None]
    known = [row for row in rows if not row.rejected and row.found is not None]
    ordered = new + known
    if not ordered:
        return Counts()
    outcome = await change_accepted(write, viewer, [_change(row, layout) for row in ordered], clock=clock)
    counts = Counts()
    for row, changed, errors in zip(ordered, outcome.changed, outcome.errors, strict=True):
        for error in errors:
            row.refuse(_slot_at_fault(error, layout), error)
        if changed is not None:
            counts += _counted(changed)
            _warn_of_phones(row, changed, layout, viewer)
    return counts


def _judge(row: ImportRow, layout: Layout) -> None:
    """Refuse what the mode does not allow."""
    if layout.mode == "CREATE" and row.found is not None:
        row.refuse(slot_of(layout.key[-1]), already_exists())
    elif layout.mode == "UPDATE" and row.found is None:
        row.refuse(slot_of(layout.key[-1]), no_such_record())


def _change(row: ImportRow, layout: Layout) -> Change:
    if row.found_id is None:
        return Change(layout.record.name, "create", values=row.values, custom=row.custom, path=())
    key = {slot_of(target) for target in layout.key}
    values = {name: value for name, value in row.values.items() if name not in key}
    return Change(layout.record.name, "update", row.found_id, values=values, custom=row.custom, path=())


def _counted(changed: Changed) -> Counts:
    if changed.action == "create":
        return Counts(created=1)
    return Counts(updated=1) if changed.changes else Counts(unchanged=1)


def _slot_at_fault(error: UserError, layout: Layout) -> str | None:
    if not error.path:
        return None
    if error.path[0] == "customFields":
        return f"{CUSTOM}{error.path[-1]}"
    field = layout.record.field_by_api_name(str(error.path[0]))
    return field.name if field is not None else None


def _warn_of_phones(row: ImportRow, changed: Changed, layout: Layout, viewer: Viewer) -> None:
    """Note telephone numbers that have no international form: kept as written, not found by other spellings."""
    for field in _phones(layout):
        text = row.values.get(field.name)
        if text is not None and not _is_valid(row, changed, field, viewer):
            row.warnings.append(Remark(field.name, phone_not_valid(str(text))))


def _phones(layout: Layout) -> list[Field]:
    filled = (fill.target.field for fill in layout.fills)
    return [field for field in filled if field is not None and field.spec.derives is not None]


def _is_valid(row: ImportRow, changed: Changed, field: Field, viewer: Viewer) -> bool:
    if changed.action == "create":
        return f"{field.spec.derives}_e164" in changed.changes
    country = row.values.get("country") or (row.found or {}).get("country") or viewer.country
    return read_phone(str(row.values[field.name]), str(country)).e164 is not None
