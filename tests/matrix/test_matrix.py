"""Every role on every record and every field, at one's own, the department's and others' rows, on every way of asking (A11).

The cases are generated from the catalogue, so a new record or field is in them by itself. What is expected says
``expected_access``, in plain Python over all rows; what is told says the API. The random documents of
``tests/reading/test_differential.py`` mix what stands here one by one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType, get_named_type, is_leaf_type

from kedang_graphql.schema import build_gateway
from kedang_tenants.catalogue import Field, RecordType, catalogue
from kedang_tenants.reading import Scope
from tests.reading.population import populate
from tests.support.factories import Factory
from tests.support.members import make_key
from tests.support.reference_reader import Company, Looker, Reader, Row, expected_access

pytestmark = pytest.mark.requirement("A11", "T2")
ROLES = (
    "owner", "administrator", "general manager", "manager", "representative", "without department", "agent", "finance",
    "keeper", "marketer", "onlooker", "key account", "neighbour",
)  # fmt: skip
PLACES = ("own", "team", "other")
ROWS_A_PLACE = 2
FIELDS_A_REQUEST = 25
# Kept by the engine itself, told wherever the row is seen.
_BESIDE = {"id", "version", "created_at", "updated_at", "archived_at"}


@dataclass
class Matrix:
    """One member's answers beside what is expected; ``cases`` counts what was compared, by place and path."""

    name: str
    company: Company
    looker: Looker
    ask: Any
    schema: Any
    cases: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def compare(self, record: RecordType) -> None:
        chosen = list(self.chosen(record))
        if not chosen:
            return
        await self.lists(record, chosen)
        usable = [found for found in self.filterable(record) if self.looker.may_use(record, found)]
        for start in range(0, len(usable), FIELDS_A_REQUEST):
            await self.filters(record, chosen, usable[start : start + FIELDS_A_REQUEST])
        for found in self.filterable(record):
            if not self.looker.may_use(record, found):
                await self.refused(record, found)

    # Rows and fields of the cases

    def chosen(self, record: RecordType) -> Iterator[tuple[str, Row]]:
        """Some rows of each place; without owners all are others'."""
        rows = sorted(self.company.of(record).values(), key=lambda row: row["id"])
        for place in PLACES:
            here = [row for row in rows if self.place(record, row) == place]
            yield from ((place, row) for row in here[:ROWS_A_PLACE])

    @property
    def reader(self) -> Reader:
        return Reader(self.company, self.looker)

    def place(self, record: RecordType, row: Row) -> str:
        reader = self.reader
        if record.owner and reader.within(record, row, Scope.OWN):
            return "own"
        return "team" if record.owner and reader.within(record, row, Scope.DEPARTMENT) else "other"

    def leaves(self, record: RecordType) -> list[Field]:
        """The fields that an answer tells as plain values."""
        node = self.schema.get_type(record.api_name)
        assert isinstance(node, GraphQLObjectType)
        return [
            found
            for found in record.fields.values()
            if found.api_name in node.fields
            and is_leaf_type(get_named_type(node.fields[found.api_name].type))
            and not node.fields[found.api_name].args
        ]

    def filterable(self, record: RecordType) -> list[Field]:
        where = self.schema.get_type(f"{record.api_name}Where")
        found = []
        for each in self.leaves(record):
            given = where.fields.get(each.api_name) if isinstance(where, GraphQLInputObjectType) else None
            kind = get_named_type(given.type) if given is not None else None
            if isinstance(kind, GraphQLInputObjectType) and "isNull" in kind.fields:
                found.append(each)
        return found

    def reads(self, record: RecordType, row: Row, found: Field) -> bool:
        if found.name in _BESIDE:
            return expected_access(self.company, self.looker, record.name, row["id"])
        return expected_access(
            self.company, self.looker, record.name, row["id"], action="read", field=found.name
        )

    def names(self, record: RecordType, row: Row, found: Field) -> Any:
        """The field's value, which is empty where it names an archive that is closed."""
        return row[found.name] if found.name in _BESIDE else self.reader.value(record, row, found)

    def sees(self, record: RecordType, row: Row) -> bool:
        return expected_access(self.company, self.looker, record.name, row["id"])

    # Paths

    async def lists(self, record: RecordType, chosen: Sequence[tuple[str, Row]]) -> None:
        """List, count, aggregate, nodes; and each field of each row, told or masked."""
        leaves = self.leaves(record)
        selected = " ".join(["id", *(found.api_name for found in leaves if found.name != "id")])
        where = "where: {id: {in: $ids}}, archived: INCLUDE"
        answer = await self.ask(
            f"query ($ids: [ID!]!) {{ list: {record.api_plural}({where}, first: 250) {{ totalCount nodes {{ {selected} }} }}"
            f" sums: {_field(record)}Aggregates({where}) {{ groups {{ count }} }}"
            " nodes(ids: $ids) { id } }",
            {"ids": _ids(record, chosen)},
        )
        data, masked = answer.data, set(answer.masked)
        told = {node["id"]: node for node in data["list"]["nodes"]}
        seen = {_public(record, row) for _, row in chosen if self.sees(record, row)}
        self.same(record, "list", set(told), seen)
        self.same(record, "count", data["list"]["totalCount"], len(seen))
        self.same(record, "aggregate", sum(group["count"] for group in data["sums"]["groups"]), len(seen))
        self.same(record, "nodes", {node["id"] for node in data["nodes"] if node}, seen)
        for place, row in chosen:
            node = told.get(_public(record, row))
            for found in leaves if node else ():
                expected = self.reads(record, row, found)
                value = node[found.api_name]
                if not expected:
                    self.same(record, f"field {found.name} ({place})", value, None)
                    self.same(record, f"mask {found.name} ({place})", _is_masked(found, masked), True)
                elif self.names(record, row, found) is not None:
                    self.same(record, f"field {found.name} ({place})", value is None, False)
                self.cases[place, "field"] += 1

    async def filters(
        self, record: RecordType, chosen: Sequence[tuple[str, Row]], fields: Sequence[Field]
    ) -> None:
        """Filtering by whether a field has a value: what is masked in a row behaves as if it had none."""
        parts = [
            f"f{number}: {record.api_plural}(where: {{AND: [{{id: {{in: $ids}}}},"
            f" {{{found.api_name}: {{isNull: false}}}}]}}, archived: INCLUDE) {{ totalCount }}"
            for number, found in enumerate(fields)
        ]
        query = f"query ($ids: [ID!]!) {{ {' '.join(parts)} }}"
        data = (await self.ask(query, {"ids": _ids(record, chosen)})).data
        for number, found in enumerate(fields):
            expected = [
                place
                for place, row in chosen
                if self.sees(record, row)
                and self.reads(record, row, found)
                and self.names(record, row, found) is not None
            ]
            self.same(record, f"filter by {found.name}", data[f"f{number}"]["totalCount"], len(expected))
            for place in PLACES:
                self.cases[place, "filter"] += 1

    async def refused(self, record: RecordType, found: Field) -> None:
        """What is masked in every row is neither filtered, nor sorted, nor grouped by."""
        sort = self.schema.get_type(f"{record.api_name}SortField")
        group = self.schema.get_type(f"{record.api_name}GroupBy")
        name = found.name.upper()
        asked = [f"{record.api_plural}(where: {{{found.api_name}: {{isNull: false}}}}) {{ totalCount }}"]
        if sort is not None and name in sort.values:
            asked.append(f"{record.api_plural}(orderBy: [{{field: {name}}}]) {{ nodes {{ id }} }}")
        if group is not None and name in group.values:
            asked.append(f"{_field(record)}Aggregates(groupBy: [{name}]) {{ groups {{ count }} }}")
        for query in asked:
            answer = await self.ask(f"{{ {query} }}")
            self.same(record, f"refused {query}", answer.codes, ["BAD_USER_INPUT"])
            self.cases["other", "refused"] += 1

    def same(self, record: RecordType, what: str, told: Any, expected: Any) -> None:
        if told != expected:
            self.wrong.append(f"{self.name}: {record.name}: {what}: told {told!r}, expected {expected!r}")


def _field(record: RecordType) -> str:
    return record.api_name[0].lower() + record.api_name[1:]


def _public(record: RecordType, row: Row) -> str:
    return f"{record.prefix}_{row['id'].hex}"


def _ids(record: RecordType, chosen: Sequence[tuple[str, Row]]) -> list[str]:
    return [_public(record, row) for _, row in chosen]


def _is_masked(found: Field, masked: set[str]) -> bool:
    return any(pattern.rpartition(".")[2] == found.api_name for pattern in masked)


async def test_every_role_is_told_what_the_policy_says_on_every_path(
    gateway, company, database_superuser_url
):
    databases = gateway.services.databases
    population = await populate(Factory(databases, company), Random(1997), database_superuser_url)
    schema = build_gateway().core
    cases: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    for name in ROLES:
        key = await make_key(databases, population.people[name], key=gateway.services.identity.key)
        matrix = Matrix(name, population.company, population.lookers[name], gateway.client(key), schema)
        for record in catalogue():
            await matrix.compare(record)
        cases += matrix.cases
        wrong += matrix.wrong
    assert wrong == []
    for place in PLACES:
        assert cases[place, "field"] > 1_000, cases
        assert cases[place, "filter"] > 1_000, cases
    assert cases["other", "refused"] > 100, cases
