"""Whatever is asked by typed own fields, the API answers as the naive reader does, who knows only their document."""

from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from kedang_graphql.overlay.overlays import Overlays
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import RecordType, catalogue
from tests.reading.documents import MOST_ALIASES, Writer
from tests.reading.population import populate
from tests.reading.test_differential import Comparison, asked_again, seed
from tests.support.factories import Factory
from tests.support.members import make_key, viewer_of
from tests.support.reference_reader import Reader
from tests.support.reference_schema import Reference
from tests.support.telling import say

DOCUMENTS = 60
VALUES: dict[str, list[Any]] = {
    "TEXT": ["x", "Ålesund", ""],
    "INTEGER": [-1, 0, 5, 10**12, 7],
    "DECIMAL": ["0.5", "10", "-3.25", "1000", "0"],
    "DAY": ["2024-01-01", "2024-01-02", "2023-12-31"],
    "FLAG": [True, False],
    "CHOICE": ["red", "green", "蓝"],
}


class TypedWriter(Writer):
    """Writes as the other one does, and names own fields by their types wherever they may stand."""

    def _scalar(self, record: RecordType, parents: int, depth: int) -> Any:
        own = self._own(record)
        if not own or not self.chance(0.5):
            return super()._scalar(record, parents, depth)
        chosen = [custom.key for custom in self.random.sample(own, self.random.randrange(1, len(own) + 1))]
        if self.chance(0.1) and self.aliases < MOST_ALIASES:
            chosen.append(f"{self._alias()}: {self.random.choice(own).key}")
        if self.chance(0.1):
            chosen.append("__typename")
        inner = " ".join(f"{key}{self._directive()}" for key in chosen)
        return lambda: f"custom{self._directive()} {{ {inner} }}"

    def _where(self, record: RecordType, depth: int) -> dict[str, Any]:
        where = super()._where(record, depth)
        own = self._own(record)
        if own and self.chance(0.5):
            chosen = self.random.sample(own, self.random.choice([1, 1, 2]))
            where["customFields"] = {custom.key: self._typed(record, custom) for custom in chosen}
        return where

    def _typed(self, record: RecordType, custom: Any) -> Any:
        if self.chance(0.03):
            return None
        known = self.schema.type_map[f"{record.api_name}CustomWhere"].fields[custom.key].type.fields
        operator = self.random.choice([op for op in ("eq", "ne", "in", "isNull", "lt", "gte") if op in known])
        value = self.random.choice(VALUES[custom.kind_name])
        if operator == "isNull":
            return {operator: self.chance(0.5)}
        if operator == "in":
            return {operator: [value, self.random.choice(VALUES[custom.kind_name])]}
        return {operator: None if operator in {"eq", "ne"} and self.chance(0.1) else value}

    def _order_by(self, record: RecordType) -> list[dict[str, Any]]:
        keys = {custom.key for custom in self._own(record)}
        orders = super()._order_by(record)
        for entry in orders:
            if entry.get("custom") in keys and self.chance(0.7):
                entry["customField"] = entry.pop("custom").upper()
        return orders


def reference_of(schema: Any) -> Reference:
    """The reference with own fields in it: told out of the document, filtered and sorted by as without types."""
    reference = Reference.of(schema)
    types = reference.schema.type_map
    for record in catalogue():
        own = types.get(f"{record.api_name}Custom")
        if own is None:
            continue
        fields = types[record.api_name].fields
        plain = fields["customFields"].resolve
        fields["custom"].resolve = lambda item, info, plain=plain: plain(item, info) or {}
        for key, field in own.fields.items():
            field.resolve = lambda values, _, key=key: values.get(key)
        types[f"{record.api_name}Where"].out_type = _filters
        types[f"{record.api_name}Sort"].out_type = _sorting
    return reference


def _filters(where: dict[str, Any]) -> dict[str, Any]:
    typed = where.pop("customFields", None) or {}
    said = [
        {"key": key, **{op: _plain(operand) for op, operand in compared.items()}}
        for key, compared in typed.items()
        if compared is not None
    ]
    return {**where, "custom": [*(where.get("custom") or []), *said]} if said else where


def _sorting(entry: dict[str, Any]) -> dict[str, Any]:
    field = entry.pop("customField", None)
    return entry if field is None else {**entry, "custom": field.lower()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return (
        value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    )


@pytest.mark.requirement("A4", "I1", "I2")
async def test_typed_own_fields_are_those_of_the_naive_reader(gateway, company, database_superuser_url):
    chosen = seed()
    say(f"KEDANG_TEST_SEED={chosen}")
    random = Random(chosen)
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), random, database_superuser_url)
    people = population.people
    viewer = await viewer_of(databases, people["owner"])
    schema = await Overlays(build_gateway()).schema_for(viewer)
    reference = reference_of(schema)
    comparisons = []
    for name, member in people.items():
        key = await make_key(databases, member, key=gateway.services.identity.key)
        reader = Reader(population.company, population.lookers[name])
        writer = TypedWriter(random, schema, population.company)
        comparisons.append(Comparison(writer, reader, reference, gateway.client(key)))
    typed = 0
    for number in range(DOCUMENTS):
        comparison = comparisons[number % len(comparisons)]
        document = comparison.writer.document()
        typed += "custom {" in document.text or "customField" in document.text
        await comparison.compare(document)
        if not document.cursors and number % 3 == 0:
            await comparison.compare(asked_again(document, random))
    assert sum(one.too_large for one in comparisons) < DOCUMENTS / 20
    assert sum(one.with_data for one in comparisons) > DOCUMENTS / 2
    assert typed > DOCUMENTS / 3
