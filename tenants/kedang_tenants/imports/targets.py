"""What a column of a file can fill: a field, a reference by its natural key, a field of the company's own.

A target is written as the API writes paths: ``name``, ``owner`` (a reference by the key of its
record, here the e-mail address), ``owner.email`` (the same, said in full), ``custom.size``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kedang_platform.i18n import LANGUAGES, msg, translate
from kedang_tenants.catalogue import DocumentKind, Field, Kind, RecordType, Relation, catalogue
from kedang_tenants.catalogue.custom import CustomField
from kedang_tenants.imports.errors import unknown_field
from kedang_tenants.reading import Viewer

CUSTOM = "custom."

REPORT_HEADINGS = (msg("Row number"), msg("Error code"), msg("Reason"))
"""What a file of rejected rows has beside the columns of the file: one before them, two behind; never mapped."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where the value of a column goes.

    ``field`` is the field that is written, None for a field of the company's own (``custom``). For
    a reference ``via`` is the field of the other record in whose values the file speaks.
    """

    path: str
    label: str
    field: Field | None = None
    via: Field | None = None
    custom: CustomField | None = None

    @property
    def kind(self) -> Kind:
        """The kind of what stands in the cells."""
        if self.custom is not None:
            return self.custom.kind
        found = self.via or self.field
        assert found is not None
        return found.kind

    @property
    def record(self) -> str | None:
        """The record that a reference points to."""
        return self.field.target if self.field is not None and self.via is not None else None


def target_of(viewer: Viewer, record: RecordType, path: str) -> Target:
    """The target that a path means; raises UnknownField for what no import may fill."""
    if path.startswith(CUSTOM):
        custom = viewer.custom_field(record.name, path.removeprefix(CUSTOM))
        if custom is None:
            raise unknown_field(path)
        return _custom_target(custom)
    name, _, via = path.partition(".")
    relation = _to_one(record).get(name)
    if relation is not None:
        found = _reference(record, relation, via or None)
    else:
        found = None if via else _plain(record.field_by_api_name(name))
    if found is None:
        raise unknown_field(path)
    return found


def targets(viewer: Viewer, record: RecordType) -> Iterator[Target]:
    """All targets of a record, in the order of its fields; references by the key of their record."""
    by_column = {relation.column: relation for relation in _to_one(record).values()}
    for field in record.visible_fields:
        relation = by_column.get(field.name)
        found = _reference(record, relation, None) if relation else _plain(field)
        if found is not None:
            yield found
    for custom in viewer.custom_fields:
        if custom.record == record.name:
            yield _custom_target(custom)


def key_targets(viewer: Viewer, record: RecordType) -> tuple[Target, ...]:
    """The targets that make the natural key of a record; empty when it has none that a file can hold."""
    by_field = {target.field.name: target for target in targets(viewer, record) if target.field is not None}
    found = [by_field.get(name) for name in record.key]
    return tuple(one for one in found if one is not None) if None not in found else ()


def propose_mapping(viewer: Viewer, record: RecordType, columns: Sequence[str]) -> dict[str, str]:
    """Column → path for every column whose name is that of a field, in any language we speak.

    Case, blanks and punctuation do not matter; the name of the record may stand before that of the
    field (``product_name``, ``客户名称``). No field is proposed twice.
    """
    known: dict[str, str] = {}
    for target in targets(viewer, record):
        for name in _names(record, target):
            known.setdefault(_plain_name(name), target.path)
    proposed: dict[str, str] = {}
    for column in _of_the_file(columns):
        path = known.get(_plain_name(column))
        if path is not None and path not in proposed.values():
            proposed[column] = path
    return proposed


def _of_the_file(columns: Sequence[str]) -> Sequence[str]:
    """The columns without those that a file of rejected rows has beside them; a file's own may be called like these."""
    beside = [{_plain_name(name) for name in _translations(heading)} for heading in REPORT_HEADINGS]
    ends = [_plain_name(column) for column in (*columns[:1], *columns[-2:])]
    told = len(columns) >= len(beside) and all(end in names for end, names in zip(ends, beside, strict=True))
    return columns[1:-2] if told else columns


def _to_one(record: RecordType) -> Mapping[str, Relation]:
    return {r.api_name: r for r in record.relations.values() if not r.many and r.column in record.fields}


def _plain(field: Field | None) -> Target | None:
    if field is None or field.target is not None or not _importable(field):
        return None
    return Target(field.api_name, field.spec.label, field)


def _reference(record: RecordType, relation: Relation, via: str | None) -> Target | None:
    field = record.fields[relation.column]
    other = catalogue().record(relation.target)
    found = _key_field(other) if via is None else other.field_by_api_name(via)
    if found is None or found.target is not None or not _importable(field):
        return None
    if not found.unique and found.name not in other.key:
        return None
    path = relation.api_name if via is None else f"{relation.api_name}.{via}"
    return Target(path, relation.label, field, via=found)


def _key_field(record: RecordType) -> Field | None:
    """The field by whose value people name a record: its key, when that is one field and no reference."""
    field = record.fields[record.key[0]] if len(record.key) == 1 else None
    return field if field is not None and field.target is None else None


def _importable(field: Field) -> bool:
    spec = field.spec
    return (
        spec.imported and not spec.read_only and not spec.hidden and not isinstance(spec.kind, DocumentKind)
    )


def _custom_target(custom: CustomField) -> Target:
    return Target(CUSTOM + custom.key, custom.label_en, custom=custom)


def _names(record: RecordType, target: Target) -> Iterator[str]:
    """What a column for this target may be called, the surest names first."""
    if target.custom is not None:
        yield from (target.path, target.custom.key, target.custom.label_en, target.custom.label_zh)
        return
    assert target.field is not None
    own = [target.path, target.field.name, target.field.api_name, *_translations(target.label)]
    yield from own
    if target.via is not None:
        for name in (target.via.api_name, *_translations(target.via.spec.label)):
            yield from (f"{base} {name}" for base in (target.path, *_translations(target.label)))
    for prefix in (record.name, *_translations(record.labels[0])):
        yield from (f"{prefix} {name}" for name in own)


def _translations(label: str) -> list[str]:
    return [translate(label, language) for language in LANGUAGES]


def _plain_name(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(char for char in folded if char.isalnum())
