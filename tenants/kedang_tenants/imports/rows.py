"""Rows on their way in: cells become values, and what is wrong with them is noted beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

from kedang_platform.errors import UserError
from kedang_platform.i18n import msg
from kedang_platform.money import minor_digits, to_minor
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    CountryKind,
    CurrencyKind,
    DayKind,
    DecimalKind,
    FlagKind,
    InstantKind,
    InvalidValue,
    MoneyKind,
)
from kedang_tenants.imports.errors import duplicate_key, required
from kedang_tenants.imports.mapping import Fill, Layout, slot_of
from kedang_tenants.imports.source import SourceRow
from kedang_tenants.imports.targets import Target
from kedang_tenants.reading import Viewer

_FEW_VALUES = (ChoiceKind, ChoicesKind, CountryKind, CurrencyKind, DayKind, FlagKind)
_AMOUNT = DecimalKind()


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to tell about a row: ``slot`` is the field at fault, None for the row as a whole."""

    slot: str | None
    error: UserError


@dataclass(slots=True)
class ImportRow:
    """One row of a file with all that is known of it so far.

    ``values`` are by field name, ``custom`` by key, ``references`` hold the words by which other
    records are named, ``amounts`` money whose currency is not yet known. ``found`` is the record
    that the row's key means.
    """

    line: int
    cells: Sequence[str]
    values: dict[str, object] = field(default_factory=dict)
    custom: dict[str, object] = field(default_factory=dict)
    references: dict[Target, object] = field(default_factory=dict)
    amounts: dict[str, Decimal] = field(default_factory=dict)
    errors: list[Remark] = field(default_factory=list)
    warnings: list[Remark] = field(default_factory=list)
    found: Mapping[str, object] | None = None

    @property
    def rejected(self) -> bool:
        return bool(self.errors)

    @property
    def found_id(self) -> UUID | None:
        found = self.found["id"] if self.found else None
        return found if isinstance(found, UUID) else None

    def refuse(self, slot: str | None, error: UserError) -> None:
        self.errors.append(Remark(slot, error))

    def key(self, targets: Sequence[Target]) -> tuple[object, ...] | None:
        """What the row is known by in its file; None when a part of it is empty or wrong."""
        parts = tuple(
            self.references.get(target) if target.via is not None else self.values.get(slot_of(target))
            for target in targets
        )
        return None if not parts or None in parts else parts


class RowReader:
    """Reads the cells of rows by a layout, and knows the keys of all rows read so far."""

    def __init__(self, viewer: Viewer, layout: Layout) -> None:
        self._viewer = viewer
        self._layout = layout
        self._zone = ZoneInfo(viewer.time_zone)
        self._readers = [(fill, self._reader(fill.target)) for fill in layout.fills]
        # A 64-bit hash and a line for each row: the keys of a million rows are to fit in memory.
        self._lines: dict[int, int] = {}

    def read(self, source: SourceRow) -> ImportRow:
        """The row with its values; every cell that is wrong is noted."""
        row = ImportRow(source.line, source.cells)
        if source.problem is not None:
            row.refuse(None, source.problem)
            return row
        for fill, reader in self._readers:
            self._fill(row, source, fill, reader)
        self._note_key(row)
        return row

    def has_read(self, word: object) -> bool:
        """Whether a row whose key is this one word was read."""
        return hash((word,)) in self._lines

    def _fill(self, row: ImportRow, source: SourceRow, fill: Fill, reader: Callable[[str], object]) -> None:
        text = ""
        if fill.position is not None:
            fault = source.faults.get(fill.position)
            if fault is not None:
                row.refuse(slot_of(fill.target), fault)
                return
            text = source.cells[fill.position]
        if not text or text.isspace():
            text = fill.default
        if not text:
            return
        try:
            value = reader(text)
        except InvalidValue as error:
            row.refuse(slot_of(fill.target), UserError(error.reason, error.message, (), error.params))
            return
        if value is not None:
            _keep(row, fill.target, value)

    def _reader(self, target: Target) -> Callable[[str], object]:
        kind = target.kind
        if isinstance(kind, MoneyKind):
            return _AMOUNT.read_text
        if isinstance(kind, InstantKind):
            return self._read_instant
        if isinstance(kind, _FEW_VALUES):
            return lru_cache(maxsize=1024)(kind.read_text)
        return kind.read_text

    def _read_instant(self, text: str) -> object:
        """An instant; without a zone it is meant in the company's."""
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            raise InvalidValue("INVALID_INSTANT", msg("This must be a time with its zone.")) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=self._zone)

    def _note_key(self, row: ImportRow) -> None:
        """The first row with a key counts, whatever becomes of it; every later one is refused."""
        if not self._layout.key:
            return
        key = row.key(self._layout.key)
        if key is None:
            if self._layout.mode != "CREATE":
                self._refuse_missing_key(row)
            return
        first = self._lines.setdefault(hash(key), row.line)
        if first != row.line:
            row.refuse(slot_of(self._layout.key[-1]), duplicate_key(first))

    def _refuse_missing_key(self, row: ImportRow) -> None:
        noted = {remark.slot for remark in row.errors}
        for target in self._layout.key:
            slot = slot_of(target)
            held = target in row.references if target.via is not None else slot in row.values
            if not held and slot not in noted:
                row.refuse(slot, required())


def _keep(row: ImportRow, target: Target, value: object) -> None:
    if target.via is not None:
        row.references[target] = value
    elif target.custom is not None:
        row.custom[target.custom.key] = value
    elif isinstance(target.kind, MoneyKind) and isinstance(value, Decimal):
        row.amounts[slot_of(target)] = value
    else:
        row.values[slot_of(target)] = value


def settle_amounts(row: ImportRow, company_currency: str) -> None:
    """Money of a row in minor units of its currency: said in the row, else the record's, else the company's."""
    if not row.amounts:
        return
    kept = row.found.get("currency") if row.found else None
    currency = str(row.values.get("currency") or kept or company_currency)
    digits = minor_digits(currency)
    for slot, amount in row.amounts.items():
        exponent = amount.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > digits:
            row.refuse(
                slot,
                UserError(
                    "TOO_PRECISE",
                    msg("{currency} has {digits} digits after the point."),
                    params={"currency": currency, "digits": digits},
                ),
            )
        else:
            row.values[slot] = to_minor(amount=amount, currency=currency)
