"""Groups are what plain Python makes of the rows that a viewer sees, with what the viewer may read of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import zip_longest
from random import Random
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values

from kedang_graphql.engine.aggregate_types import group_keys, key_name
from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import Field, MoneyKind, RecordType, catalogue
from kedang_tenants.reading import GroupKey
from kedang_tenants.reading.groups import currency_path, is_comparable, is_summable
from tests.reading.documents import Writer
from tests.reading.population import populate
from tests.reading.test_differential import seed
from tests.support.factories import Factory
from tests.support.members import make_key, make_member
from tests.support.reference_reader import Item, Reader, Row, Wrong
from tests.support.reference_schema import Reference, _check_where
from tests.support.telling import say

PEOPLE = ("owner", "manager", "representative", "without department", "two hats", "onlooker", "nobody")
MEASURES = ("sum", "avg", "min", "max")


@dataclass(frozen=True)
class Asked:
    """One request for groups."""

    record: RecordType
    keys: tuple[str, ...]
    figures: Mapping[str, Sequence[Field]]
    currency: bool
    archived: str
    where: Mapping[str, Any]

    @property
    def text(self) -> str:
        names = [key_name(self.record, key) for key in self.by]
        parts = [f"{measure} {{ {_names(fields)} }}" for measure, fields in self.figures.items() if fields]
        parts += [f"key {{ {' '.join(names)} }}"] if names else []
        parts += ["currency"] if self.currency else []
        api = self.record.api_name
        return f"""
        query ($where: {api}Where, $by: [{api}GroupBy!]!, $archived: ArchivedRecords!) {{
          asked: {api[0].lower()}{api[1:]}Aggregates(where: $where, groupBy: $by, archived: $archived) {{
            groups {{ count {" ".join(parts)} }} hasMoreGroups
          }}
        }}"""

    @property
    def by(self) -> list[GroupKey]:
        return [group_keys(self.record)[name] for name in self.keys]

    @property
    def variables(self) -> dict[str, Any]:
        return {"where": self.where, "by": list(self.keys), "archived": self.archived}


def _names(fields: Sequence[Field]) -> str:
    return " ".join(field.api_name for field in fields)


def asked(record: RecordType, random: Random, writer: Writer) -> Asked:
    """Keys, figures and a filter by chance; whatever is masked may be among them."""
    known = list(group_keys(record))
    keys = random.sample(known, min(len(known), random.choice([0, 1, 1, 2, 3])))
    choices = {
        measure: [
            field
            for field in record.visible_fields
            if (is_summable if measure in {"sum", "avg"} else is_comparable)(field)
        ]
        for measure in MEASURES
    }
    figures = {
        measure: random.sample(fields, min(len(fields), random.choice([0, 1, 2])))
        for measure, fields in choices.items()
    }
    return Asked(
        record,
        tuple(keys),
        figures,
        currency=bool(currency_path(record)) and random.random() < 0.5,
        archived=random.choice(["EXCLUDE", "EXCLUDE", "INCLUDE", "ONLY"]),
        where=writer.where(record) if random.random() < 0.4 else {},
    )


@dataclass
class Plainly:
    """Groups in plain Python."""

    reader: Reader
    zone: ZoneInfo

    def groups(self, wanted: Asked, where: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Raises Wrong for what the viewer may not ask."""
        record, reader = wanted.record, self.reader
        _check_where(reader, record, where)
        fields = [record.fields[key.field] for key in wanted.by]
        fields += [field for chosen in wanted.figures.values() for field in chosen]
        for field in fields:
            reader.usable(record, field)
        parted = wanted.currency or any(field.spec.currency for field in fields[len(wanted.by) :])
        if parted:
            self._check_currency(record)
        found: dict[tuple[Any, ...], list[Row]] = {} if wanted.by or parted else {(): []}
        for row in reader.company.of(record).values():
            if reader.seen(record, row) and _is_wanted(row, wanted.archived):
                if not reader.matches(record, row, where):
                    continue
                key = tuple(self._key(record, row, key) for key in wanted.by)
                key += (self._currency(record, row),) if parted else ()
                found.setdefault(key, []).append(row)
        ordered = sorted(found, key=lambda key: [(part is None, _plain(part)) for part in key])
        return [self._told(wanted, key, found[key], parted=parted) for key in ordered]

    def _check_currency(self, record: RecordType) -> None:
        *way, name = currency_path(record)
        if way:
            relation = record.relations[way[0]]
            self.reader.usable(record, record.fields[relation.column])
            record = catalogue().record(relation.target)
        self.reader.usable(record, record.fields[name])

    def _currency(self, record: RecordType, row: Row) -> str | None:
        *way, name = currency_path(record)
        item = self.reader.one(Item(record, row), way[0]) if way else Item(record, row)
        return None if item is None else self.reader.value(item.record, item.row, item.record.fields[name])

    def _key(self, record: RecordType, row: Row, key: GroupKey) -> Any:
        value = self.reader.value(record, row, record.fields[key.field])
        if key.part is None or value is None:
            return value
        day: date = value.astimezone(self.zone).date() if isinstance(value, datetime) else value
        month = day if key.part == "day" else day.replace(day=1)
        return month.replace(month=1) if key.part == "year" else month

    def _told(self, wanted: Asked, key: tuple[Any, ...], rows: list[Row], *, parted: bool) -> dict[str, Any]:
        record = wanted.record
        currency = key[-1] if parted else None
        told: dict[str, Any] = {"count": len(rows)}
        for measure, fields in wanted.figures.items():
            if fields:
                told[measure] = {
                    field.api_name: self._figure(record, rows, field, measure, currency) for field in fields
                }
        if wanted.by:
            told["key"] = {
                key_name(record, by): _as_told(record.fields[by.field], part)
                for by, part in zip(wanted.by, key, strict=False)
            }
        if wanted.currency:
            told["currency"] = currency
        return told

    def _figure(
        self, record: RecordType, rows: list[Row], field: Field, measure: str, currency: str | None
    ) -> Any:
        values = [self.reader.value(record, row, field) for row in rows]
        values = [value for value in values if value is not None]
        if not values or (field.spec.currency and currency is None):
            return None
        if measure in {"min", "max"}:
            return _as_told(field, min(values) if measure == "min" else max(values))
        total = sum(Decimal(value) for value in values)
        if measure == "avg":
            return _text((total / len(values)).quantize(Decimal("0.000001"), ROUND_HALF_UP))
        return int(total) if isinstance(field.kind, MoneyKind) else _text(total)


def _is_wanted(row: Row, archived: str) -> bool:
    return archived == "INCLUDE" or (row["archived_at"] is not None) is (archived == "ONLY")


def _plain(part: Any) -> Any:
    return part.int if isinstance(part, UUID) else part


def _text(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _as_told(field: Field, value: Any) -> Any:
    match value:
        case UUID():
            assert field.target is not None
            return f"{catalogue().record(field.target).prefix}_{value.hex}"
        case Decimal():
            return _text(value)
        case datetime() | date():
            return value.isoformat()
    return value


def coerced(reference: Reference, wanted: Asked) -> Mapping[str, Any]:
    """The filter with its values in the schema's kinds."""
    definition = parse(wanted.text).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    found = get_variable_values(reference.schema, definition.variable_definitions or (), wanted.variables)
    assert not isinstance(found, list), found
    return found.coerced["where"]


@pytest.mark.requirement("I1", "A11", "A19")
async def test_groups_are_those_of_plain_python(gateway, company, database_superuser_url):
    chosen = seed()
    say(f"KEDANG_TEST_SEED={chosen}")
    random = Random(chosen)
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), random, database_superuser_url)
    core = build_gateway().core
    reference = Reference.of(core)
    writer = Writer(random, core, population.company)
    zone = ZoneInfo(company.time_zone)
    compared = refused = several = 0
    for person in PEOPLE:
        key = await make_key(databases, population.people[person], key=gateway.services.identity.key)
        ask = gateway.client(key)
        plainly = Plainly(Reader(population.company, population.lookers[person]), zone)
        for record in catalogue():
            wanted = asked(record, random, writer)
            answer = await ask(wanted.text, wanted.variables)
            shown = (person, wanted.text, wanted.variables, answer.body)
            codes: set[str] = set()
            try:
                expected = plainly.groups(wanted, coerced(reference, wanted))
            except Wrong as wrong:
                codes = wrong.codes
            assert set(answer.codes) == codes, shown
            if codes:
                assert answer.body["data"] is None
                refused += 1
                continue
            told = answer.data["asked"]
            assert told["hasMoreGroups"] is False
            different = [pair for pair in zip_longest(told["groups"], expected) if pair[0] != pair[1]]
            if different:
                pytest.fail(f"{wanted.text} {wanted.variables} {person}: {different[0]}", pytrace=False)
            compared += 1
            several += len(expected) > 1
    say(f"{compared} groupings compared, {several} with several groups, {refused} refused")
    assert compared > len(PEOPLE) * len(list(catalogue())) / 2
    assert several > compared / 8
    assert refused > 3


@pytest.fixture
async def owner(gateway, company):
    member = await make_member(gateway.services.databases, company, "OWNER")
    key = await make_key(gateway.services.databases, member, key=gateway.services.identity.key)
    return gateway.client(key)


@pytest.mark.requirement("I1", "A6")
async def test_amounts_of_different_currencies_never_meet(gateway, company, owner):
    factory = Factory(gateway.services.databases, company)
    product = await factory.one("product")
    for currency, amount, day in (
        ("EUR", 100, date(2026, 3, 1)),
        ("CNY", 700, date(2026, 3, 31)),
        ("EUR", 250, date(2026, 3, 31)),
        ("EUR", 1, date(2026, 4, 1)),
    ):
        order = await factory.one("order", currency=currency, ordered_on=day, freight=None)
        line = {"order_id": order, "product_id": product, "quantity": Decimal(1), "discount": Decimal(0)}
        await factory.one("order_line", **line, unit_price=Decimal(amount) / 100)
    answer = await owner(
        """{
          orderAggregates(groupBy: [ORDERED_ON_MONTH]) {
            groups { key { orderedOnMonth } currency count sum { total } avg { total } max { total orderedOn } }
          }
          lines: orderLineAggregates { groups { currency count sum { amount } min { unitPrice } } }
          counted: orderAggregates { groups { count } }
        }"""
    )
    march, april = "2026-03-01", "2026-04-01"
    assert answer.data == {
        "orderAggregates": {
            "groups": [
                _month(march, "CNY", 1, 700, "700", 700, "2026-03-31"),
                _month(march, "EUR", 2, 350, "175", 250, "2026-03-31"),
                _month(april, "EUR", 1, 1, "1", 1, "2026-04-01"),
            ]
        },
        "lines": {
            "groups": [
                {"currency": "CNY", "count": 1, "sum": {"amount": 700}, "min": {"unitPrice": "7"}},
                {"currency": "EUR", "count": 3, "sum": {"amount": 351}, "min": {"unitPrice": "0.01"}},
            ]
        },
        "counted": {"groups": [{"count": 4}]},
    }


def _month(month, currency, count, total, average, most, last) -> dict[str, Any]:
    return {
        "key": {"orderedOnMonth": month},
        "currency": currency,
        "count": count,
        "sum": {"total": total},
        "avg": {"total": average},
        "max": {"total": most, "orderedOn": last},
    }


@pytest.mark.requirement("I1")
async def test_groups_that_are_cut_say_so(gateway, company, owner):
    factory = Factory(gateway.services.databases, company)
    await factory.many("tag", [{"name": f"tag {n:04}"} for n in range(1001)])
    query = """
    query ($where: TagWhere) {
      tagAggregates(where: $where, groupBy: [NAME]) { groups { key { name } count } hasMoreGroups }
    }"""
    found = (await owner(query)).data["tagAggregates"]
    assert found["hasMoreGroups"] is True
    assert [group["key"]["name"] for group in found["groups"]] == [f"tag {n:04}" for n in range(1000)]
    found = (await owner(query, {"where": {"name": {"ne": "tag 0000"}}})).data["tagAggregates"]
    assert (len(found["groups"]), found["hasMoreGroups"]) == (1000, False)


@pytest.mark.requirement("I1", "A11")
async def test_what_is_masked_everywhere_is_no_key_and_no_figure(gateway, company):
    databases = gateway.services.databases
    await Factory(databases, company).one("product", cost=Decimal(5), currency="CNY")
    member = await make_member(databases, company, "MARKETER")
    ask = gateway.client(await make_key(databases, member, key=gateway.services.identity.key))
    for asked_for in ("sum { cost }", "avg { cost }", "min { cost }", "max { cost }"):
        refused = await ask(f"{{ productAggregates {{ groups {{ {asked_for} }} }} }}")
        assert refused.codes == ["BAD_USER_INPUT"], asked_for
        assert refused.body["data"] is None
    refused = await ask("{ contactAggregates(groupBy: [PHONE]) { groups { count } } }")
    assert refused.codes == ["BAD_USER_INPUT"]


@pytest.mark.requirement("I1")
async def test_a_sum_beyond_what_clients_can_hold_is_refused(gateway, company, owner):
    factory = Factory(gateway.services.databases, company)
    for _ in range(10):
        await factory.one("order", currency="CNY", total=10**15)
    answer = await owner("{ orderAggregates { groups { sum { total } } } }")
    assert answer.codes == ["SUM_TOO_LARGE"]
    answer = await owner("{ orderAggregates { groups { count max { total } } } }")
    assert answer.data["orderAggregates"]["groups"] == [{"count": 10, "max": {"total": 10**15}}]


@pytest.mark.requirement("I1")
async def test_at_most_five_keys_are_taken(owner):
    keys = ["NAME", "OWNER_ID", "CREATED_AT_DAY", "CREATED_AT_MONTH", "CREATED_AT_YEAR", "UPDATED_AT_DAY"]
    query = "query ($by: [CustomerGroupBy!]) { customerAggregates(groupBy: $by) { groups { count } } }"
    assert (await owner(query, {"by": keys[:5]})).data == {"customerAggregates": {"groups": []}}
    assert (await owner(query, {"by": keys})).codes == ["BAD_USER_INPUT"]
