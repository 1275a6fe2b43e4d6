"""Random documents on the schema: whatever a client may write, and now and then what it may not."""

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
)

from kedang_tenants.catalogue import Field, RecordType, catalogue
from tests.reading.population import TEXTS
from tests.support.reference_reader import CURSOR, Company

API_OPERATORS = {"not_in": "notIn", "starts_with": "startsWith", "is_null": "isNull", "ending": "endsWith"}
DEEPEST, MOST_ALIASES, MOST_DIRECTIVES = 4, 24, 8
MOST_TOKENS = 900
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|[^\s,]')


@dataclass
class Document:
    """One request, for the API and for the reference: they differ in cursors, and in ``replaced`` texts."""

    text: str = ""
    variables: dict[str, Any] = field(default_factory=dict)
    operation: str | None = None
    cursors: dict[str, str] = field(default_factory=dict)  # reference's cursor to the API's
    replaced: dict[str, str] = field(default_factory=dict)

    def for_api(self) -> tuple[str, dict[str, Any]]:
        text = self.text
        for ours, theirs in self.replaced.items():
            text = text.replace(ours, theirs)
        for ours, theirs in self.cursors.items():
            text = text.replace(json.dumps(ours), json.dumps(theirs))
        return text, {name: self._translated(value) for name, value in self.variables.items()}

    def _translated(self, value: Any) -> Any:
        return self.cursors.get(value, value) if isinstance(value, str) else value


class Writer:
    """Writes documents about one company; ``cursors`` are those that the viewer has been given so far."""

    def __init__(self, random: Random, schema: GraphQLSchema, company: Company) -> None:
        self.random = random
        self.schema = schema
        self.company = company
        self.cursors: dict[str, dict[str, str]] = {}

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def document(self) -> Document:
        """A document within the limits of size."""
        while len(_TOKEN.findall(self._document().text)) > MOST_TOKENS:
            pass
        return self.made

    def where(self, record: RecordType) -> dict[str, Any]:
        """A filter as the variable of a request has it."""
        self._begin()
        return self._where(record, 0)

    def after_change(self) -> Document:
        """What a change that changes nothing gives back: for the reference the record, read by its id."""
        while len(_TOKEN.findall(self._after_change().text)) > MOST_TOKENS:
            pass
        return self.made

    def _after_change(self) -> Document:
        self._begin()
        names = ("customer", "contact", "order", "order_line", "product", "follow_up_record", "member")
        record = catalogue().record(self.random.choice(names))
        living = [key for key, row in self.company.of(record).items() if row["archived_at"] is None]
        wanted = f'"{record.prefix}_{self.random.choice(living).hex}"'
        self._fragment(record.api_name, self._record(record, 1, 0))
        name = next(reversed(self.fragments[record.api_name]))[0]
        fragments = [text for known in self.fragments.values() for _, text in known]
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        one = record.api_name[0].lower() + record.api_name[1:]
        asked = f"query {declared} {{ r: {one}(id: {wanted}) {{ ...{name} }} }}"
        changed = f"r: update{record.api_name}(input: {{id: {wanted}}}) {{ record {{ ...{name} }} }}"
        self.made.text = "\n".join([asked, *fragments])
        self.made.replaced[asked] = f"mutation {declared} {{ {changed} }}"
        return self.made

    def _begin(self) -> None:
        self.made = Document()
        self.declared: list[str] = []
        self.fragments: dict[str, list[tuple[str, str]]] = {}
        self.aliases = self.directives = 0
        self.nodes_left = 5000

    def _document(self) -> Document:
        self._begin()
        roots = [self._root() for _ in range(self.random.choice([1, 1, 1, 2, 3]))]
        if self.chance(0.1):
            roots.append("__typename")
        if self.chance(0.1):  # a field that the engine does not answer takes all others the other way
            roots.insert(self.random.randrange(len(roots) + 1), "me { __typename }")
        body = " ".join(roots)
        if self.chance(0.1):
            body = f"... on Query {{ {body} }}"
        self._assemble(body)
        if self.chance(0.04) and self.made.operation is None:
            self._spoil()
        return self.made

    def _assemble(self, body: str) -> None:
        fragments = [text for known in self.fragments.values() for _, text in known]
        declared = f"({', '.join(self.declared)})" if self.declared else ""
        if declared or self.chance(0.3) or fragments:
            name = "Main" if self.chance(0.5) else ""
            parts = [f"query {name}{declared} {{ {body} }}", *fragments]
            if name and self.chance(0.3):
                parts.append("query Other { __typename }")
                self.made.operation = "Main"
            self.random.shuffle(parts)
            self.made.text = "\n".join(parts)
        else:
            self.made.text = f"{{ {body} }}"

    def _spoil(self) -> None:
        """Make the document one that no server may execute."""
        self.made.text = self.random.choice(
            [
                self.made.text + " {",
                self.made.text.replace("{", "{ nosuchfield ", 1),
                self.made.text.replace("id", "id(x: 1)", 1) if " id " in self.made.text else "{ customers }",
                "{ customers(first: 1.5) { totalCount } }",
                '{ customers(where: {foundedOn: {eq: "2024-02-30"}}) { totalCount } }',
                "{ customers(where: {state: {eq: NOSUCH}}) { totalCount } }",
                "query ($n: Int!) { customers(first: $n) { totalCount } }",
                "{ customers { nodes { name ...Missing } } }",
            ]
        )

    # Roots

    def _root(self) -> str:
        record = self.random.choice(list(catalogue()))
        if self.chance(0.6):
            record = catalogue().record(self.random.choice(["customer", "contact", "order", "order_line"]))
        kind = self.random.random()
        if kind < 0.7:
            return self._list(record.api_plural, record, parents=1, depth=0)
        if kind < 0.9:
            name = record.api_name[0].lower() + record.api_name[1:]
            wanted = self.value_text(self.schema.query_type.fields[name].args["id"].type, self._id(record))
            return (
                f"{self._alias()}: {name}(id: {wanted}){self._directive()} {{ {self._record(record, 1, 0)} }}"
            )
        several = self.chance(0.5)
        others = self.random.sample(list(catalogue()), 2)
        ids: Any = self._id(record)
        if several:
            ids = [self._id(self.random.choice((record, *others))) for _ in range(self.random.randrange(8))]
        name, argument = ("nodes", "ids") if several else ("node", "id")
        wanted = self.value_text(self.schema.query_type.fields[name].args[argument].type, ids)
        parents = len(ids) if several else 1
        parts = [f"... on {of.api_name} {{ {self._record(of, parents, 1)} }}" for of in (record, *others)]
        return f"{self._alias()}: {name}({argument}: {wanted}) {{ id __typename {' '.join(parts)} }}"

    # Selections

    def _record(self, record: RecordType, parents: int, depth: int) -> str:
        """The selection on a record."""
        makers = [self._scalar] * 4 + [self._to_one, self._to_many] * (2 if depth < DEEPEST else 0)
        heads: list[Callable[[], str]] = []
        items: list[str] = []
        for _ in range(self.random.randrange(1, 6)):
            again = self.random.choice(makers)(record, parents, depth + 1)
            heads.append(again)
            items.append(again())
        if self.chance(0.25):
            items.append(self.random.choice(heads)())
        return self._wrapped(record.api_name, items)

    def _wrapped(self, type_name: str, items: list[str]) -> str:
        """The items in their order, some inside fragments."""
        made: list[str] = []
        for item in items:
            kind = self.random.random()
            if kind < 0.06:
                made.append(f"... on {type_name}{self._directive()} {{ {item} }}")
            elif kind < 0.10:
                made.append(f"...{self._directive() or ' @include(if: true)'} {{ {item} }}")
            elif kind < 0.16:
                made.append(f"...{self._fragment(type_name, item)}{self._directive()}")
            else:
                made.append(item)
        if self.fragments.get(type_name) and self.chance(0.1):
            made.append(f"...{self.random.choice(self.fragments[type_name])[0]}")
        if type_name in {record.api_name for record in catalogue()} and self.chance(0.1):
            made.append("... on Node { id __typename }")
        return " ".join(made)

    def _fragment(self, type_name: str, body: str) -> str:
        name = f"F{sum(len(known) for known in self.fragments.values())}"
        text = f"fragment {name} on {type_name} {{ {body} }}"
        self.fragments.setdefault(type_name, []).append((name, text))
        return name

    def _scalar(self, record: RecordType, parents: int, depth: int) -> Callable[[], str]:
        names = [found.api_name for found in record.visible_fields] + ["id", "__typename", "customFields"]
        name = self.random.choice(names)
        head = f"{self._alias()}: {name}" if self.chance(0.1) and self.aliases < MOST_ALIASES else name
        return lambda: head + self._directive()

    def _to_one(self, record: RecordType, parents: int, depth: int) -> Callable[[], str]:
        known = [relation for relation in record.relations.values() if not relation.many]
        if not known:
            return self._scalar(record, parents, depth)
        relation = self.random.choice(known)
        target = catalogue().record(relation.target)
        head = relation.api_name
        if self.chance(0.2) and self.aliases < MOST_ALIASES:
            head = f"{self._alias()}: {head}"
        return lambda: f"{head}{self._directive()} {{ {self._record(target, parents, depth)} }}"

    def _to_many(self, record: RecordType, parents: int, depth: int) -> Callable[[], str]:
        known = [relation for relation in record.relations.values() if relation.many]
        if not known or self.aliases >= MOST_ALIASES or depth > DEEPEST:
            return self._scalar(record, parents, depth)
        relation = self.random.choice(known)
        target = catalogue().record(relation.target)
        arguments, limit = self._arguments(target, self._page_sizes(parents, nested=True))
        head = f"{self._alias()}: {relation.api_name}{arguments}"
        return lambda: f"{head}{self._directive()} {{ {self._connection(target, parents * limit, depth)} }}"

    def _list(self, name: str, record: RecordType, *, parents: int, depth: int) -> str:
        arguments, limit = self._arguments(record, self._page_sizes(parents, nested=False))
        head = f"{self._alias()}: {name}{arguments}" if arguments or self.chance(0.3) else name
        return f"{head}{self._directive()} {{ {self._connection(record, parents * limit, depth)} }}"

    def _connection(self, record: RecordType, parents: int, depth: int) -> str:
        parents = max(parents, 1)
        items: list[str] = []
        for _ in range(self.random.choice([1, 1, 2, 3])):
            part = self.random.choice(["nodes", "nodes", "nodes", "edges", "pageInfo", "count", "__typename"])
            if part in {"nodes", "edges"} and self.nodes_left < parents:
                part = "count"
            if part == "nodes":
                self.nodes_left -= parents
                items.append(f"nodes{self._directive()} {{ {self._record(record, parents, depth + 1)} }}")
            elif part == "edges":
                self.nodes_left -= parents
                inner = f"cursor node {{ {self._record(record, parents, depth + 1)} }}"
                items.append(f"edges {{ {self._wrapped(f'{record.api_name}Edge', [inner])} }}")
            elif part == "pageInfo":
                items.append("pageInfo { hasNextPage hasPreviousPage startCursor e: endCursor __typename }")
                self.aliases += 1
            elif part == "count":
                items.append("totalCount totalPrecision")
            else:
                items.append("__typename")
        return self._wrapped(f"{record.api_name}Connection", items)

    def _alias(self) -> str:
        self.aliases += 1
        return f"a{self.aliases}"

    def _directive(self) -> str:
        if not self.chance(0.04) or self.directives >= MOST_DIRECTIVES:
            return ""
        self.directives += 1
        name = self.random.choice(["skip", "include"])
        wanted = self.chance(0.2) if name == "skip" else self.chance(0.8)
        boolean = GraphQLNonNull(self.schema.type_map["Boolean"])
        if self.chance(0.5) and len(self.declared) < 25:
            variable = f"v{len(self.declared)}"
            default = self.chance(0.3)
            self.declared.append(f"${variable}: Boolean{f' = {json.dumps(wanted)}' if default else '!'}")
            if not default or self.chance(0.5):
                self.made.variables[variable] = wanted
            return f" @{name}(if: ${variable})"
        return f" @{name}(if: {self.value_text(boolean, wanted)})"

    # Arguments

    def _page_sizes(self, parents: int, *, nested: bool) -> list[int]:
        most = min(self.nodes_left // max(parents, 1) // 4, 250)
        sizes = [0, 1, 2, 2, 3, 3, 5] if nested else [0, 1, 2, 3, 7, 20, 50, 50, 250]
        return [size for size in sizes if size <= most] or [0]

    def _arguments(self, record: RecordType, sizes: list[int]) -> tuple[str, int]:
        """The arguments of a list, and how many records a page then holds at most."""
        types = self.schema.query_type.fields[record.api_plural].args
        given: dict[str, Any] = {}
        limit = self.random.choice(sizes)
        if limit != 50 or self.chance(0.3):
            given[self.random.choice(["first", "first", "last"])] = limit
        if self.chance(0.4):
            given["where"] = self._where(record, 0)
        if self.chance(0.35):
            given["orderBy"] = self._order_by(record)
        if self.chance(0.15):
            given["archived"] = self.random.choice(["EXCLUDE", "INCLUDE", "ONLY"])
        if self.chance(0.35):
            self._add_cursors(record, given)
        if self.chance(0.01):
            given |= self.random.choice([{"first": 251}, {"last": -1}, {"first": 1, "last": 1}])
        if self.chance(0.03):
            given[self.random.choice(["where", "orderBy", "after", "first"])] = None
            limit = 50
        texts = [f"{name}: {self.value_text(types[name].type, value)}" for name, value in given.items()]
        return (f"({', '.join(texts)})" if texts else ""), limit

    def _add_cursors(self, record: RecordType, given: dict[str, Any]) -> None:
        """A cursor of the very sorting, now and then of another one or of nothing."""
        known = list(self.cursors.get(record.name, {}).items())
        if self.chance(0.04):
            others = [pair for pairs in self.cursors.values() for pair in pairs.items()]
            ours, theirs = self.random.choice(
                [*others[-20:], ("garbage", "garbage"), ("", ""), ("W10", "W10")]
            )
        elif known:
            ours, theirs = self.random.choice(known)
            given.pop("orderBy", None)
            if said := ast.literal_eval(ours.removeprefix(CURSOR + " ").rpartition(" ")[0])[1]:
                given["orderBy"] = [_order_said(entry) for entry in said]
        else:
            return
        self.made.cursors[ours] = theirs
        given[self.random.choice(["after", "after", "before"])] = ours

    def _order_by(self, record: RecordType) -> list[dict[str, Any]]:
        fields = [found.name.upper() for found in record.visible_fields if found.spec.sort]
        keys = [custom.key for custom in self.company.custom_fields if custom.record == record.name]
        orders: list[dict[str, Any]] = []
        for _ in range(self.random.choice([1, 1, 1, 2, 3])):
            entry: dict[str, Any] = {"field": self.random.choice(fields)}
            if keys and self.chance(0.2):
                entry = {"custom": self.random.choice([*keys, "nosuch"] if self.chance(0.05) else keys)}
            if self.chance(0.6):
                entry["direction"] = self.random.choice(["ASC", "DESC", "DESC", None])
            if self.chance(0.4):
                entry["nulls"] = self.random.choice(["FIRST", "FIRST", "LAST", None])
            if self.chance(0.01):
                entry = {"direction": "ASC"}
            orders.append(entry)
        return orders

    def _where(self, record: RecordType, depth: int) -> dict[str, Any]:
        where: dict[str, Any] = {}
        for _ in range(self.random.choice([0, 1, 1, 1, 1, 2, 3])):
            kind = self.random.random()
            if kind < 0.15 and depth < 3:
                word = self.random.choice(["AND", "OR", "OR"])
                where[word] = [self._where(record, depth + 1) for _ in range(self.random.randrange(0, 3))]
            elif kind < 0.25 and depth < 3:
                where["NOT"] = self._where(record, depth + 1)
            elif kind < 0.35 and record.searchable:
                where["search"] = self._search(record)
            elif kind < 0.39 and record.name == "customer":
                where["segment"] = self._id(catalogue().record("segment"))
            elif kind < 0.42:
                where["id"] = self._comparison(record, None, ("eq", "ne", "in", "not_in", "is_null"))
            elif kind < 0.50 and self._own(record):
                where["custom"] = [self._custom(record) for _ in range(self.random.choice([1, 1, 2]))]
            elif kind < 0.70 and record.relations and depth < 3:
                relation = self.random.choice(list(record.relations.values()))
                inner = (
                    self._where(catalogue().record(relation.target), depth + 1) if self.chance(0.7) else {}
                )
                where[relation.api_name] = (
                    {self.random.choice(["some", "some", "none", "every"]): inner} if relation.many else inner
                )
            else:
                found = self.random.choice([f for f in record.visible_fields if f.spec.filter])
                operators = [o for o in found.kind.operators if o != "ending" or found.spec.derives]
                where[found.api_name] = self._comparison(record, found, operators)
        if self.chance(0.02) and where:
            where[next(iter(where))] = None
        return where

    def _search(self, record: RecordType) -> str:
        names = [found.name for found in record.fields.values() if found.spec.search]
        texts = [row[name] for row in self.company.of(record).values() for name in names if row[name]]
        text = self.random.choice(texts or ["x"])
        start = self.random.randrange(len(text))
        piece = text[start : start + self.random.randrange(1, 8)]
        return piece if self.chance(0.8) else f"{piece} {self.random.choice(TEXTS)}"

    def _comparison(
        self, record: RecordType, found: Field | None, operators: Iterable[str]
    ) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for _ in range(self.random.choice([1, 1, 1, 2])):
            operator = self.random.choice(list(operators))
            given[API_OPERATORS.get(operator, operator)] = self._operand(record, found, operator)
        return given

    def _operand(self, record: RecordType, found: Field | None, operator: str) -> Any:
        if operator == "is_null":
            return self.chance(0.5) if not self.chance(0.02) else None
        if operator in {"in", "not_in"}:
            return [self._known(record, found) for _ in range(self.random.randrange(0, 4))]
        if self.chance(0.1 if operator in {"eq", "ne"} else 0.01):
            return None
        value = self._known(record, found)
        if operator == "ending":
            return value[-self.random.randrange(1, 9) :]
        if operator in {"contains", "starts_with"}:
            start = 0 if operator == "starts_with" else self.random.randrange(len(value))
            piece = value[start : start + self.random.randrange(0, 6)]
            return piece.swapcase() if self.chance(0.3) else piece
        if operator == "has":
            return value[0] if value else self._option(found)
        return value

    def _option(self, found: Field) -> str:
        options = getattr(found.kind, "options", ())
        return self.random.choice(options).code if options else "a"

    def _known(self, record: RecordType, found: Field | None) -> Any:
        """A value that a record has in this field, as the API writes it, or one that it might have."""
        if found is None:
            return self._id(record)
        if found.target is not None and self.chance(0.5):
            return self._id(catalogue().record(found.target))
        values = [row[found.name] for row in self.company.of(record).values()]
        known = [value for value in values if value is not None]
        if not known:
            return _unknown(found)
        return self._written(found, self.random.choice(known))

    def _written(self, found: Field, value: Any) -> Any:
        match value:
            case UUID():
                assert found.target is not None
                return f"{catalogue().record(found.target).prefix}_{value.hex}"
            case datetime() | date():
                return value.isoformat()
            case Decimal():
                return str(value)
        return value

    def _id(self, record: RecordType) -> str:
        known = list(self.company.of(record))
        if known and self.chance(0.9):
            return f"{record.prefix}_{self.random.choice(known).hex}"
        other = self.random.choice(list(catalogue()))
        rows = list(self.company.of(other))
        wrong = f"{other.prefix}_{self.random.choice(rows).hex}" if rows else "x"
        return self.random.choice([wrong, "", "nonsense", f"{record.prefix}_{'0' * 32}", f"{record.prefix}_"])

    # Own fields

    def _own(self, record: RecordType) -> list[Any]:
        return [custom for custom in self.company.custom_fields if custom.record == record.name]

    def _custom(self, record: RecordType) -> dict[str, Any]:
        custom = self.random.choice(self._own(record))
        entry: dict[str, Any] = {"key": custom.key if not self.chance(0.03) else "hidden"}
        operators = ["eq", "ne", "in", "lt", "gte", "isNull"]
        if custom.kind_name in {"TEXT", "CHOICE"} or self.chance(0.03):
            operators += ["contains", "startsWith"]
        operator = self.random.choice(operators)
        if operator == "isNull":
            entry[operator] = self.chance(0.5)
        elif operator in {"contains", "startsWith"}:
            entry[operator] = self.random.choice([*TEXTS, "r", "E", "蓝"])[:4]
        elif operator == "in":
            entry[operator] = [self._own_value(custom) for _ in range(self.random.randrange(0, 3))]
        else:
            entry[operator] = (
                None if operator in {"eq", "ne"} and self.chance(0.1) else self._own_value(custom)
            )
        return entry

    def _own_value(self, custom: Any) -> Any:
        if self.chance(0.02):
            return self.random.choice([{"a": 1}, [True], "not a value of this kind, surely not"])
        return self.random.choice(
            {
                "TEXT": list(TEXTS),
                "INTEGER": [-1, 0, 5, 10**12, 7],
                "DECIMAL": ["0.5", 10, -3.25, "1000", 0],
                "DAY": ["2024-01-01", "2024-01-02", "2023-12-31"],
                "FLAG": [True, False],
                "CHOICE": ["red", "green", "蓝"],
            }[custom.kind_name]
        )

    # Values as text, with parts of them in variables

    def value_text(self, of: Any, value: Any) -> str:
        if self.chance(0.12) and len(self.declared) < 25:
            return self._variable(of, value)
        plain = of.of_type if isinstance(of, GraphQLNonNull) else of
        if value is None:
            return "null"
        if isinstance(plain, GraphQLList) and isinstance(value, list):
            return f"[{', '.join(self.value_text(plain.of_type, one) for one in value)}]"
        if isinstance(plain, GraphQLInputObjectType):
            parts = [
                f"{name}: {self.value_text(plain.fields[name].type, one)}" for name, one in value.items()
            ]
            return f"{{{', '.join(parts)}}}"
        return literal(plain, value)

    def _variable(self, of: Any, value: Any) -> str:
        name = f"v{len(self.declared)}"
        declared = str(of)
        if value is not None and not declared.endswith("!") and self.chance(0.2):
            declared += "!"
        if self.chance(0.15) and not declared.endswith("!") and not self._holds_cursor(value):
            self.declared.append(f"${name}: {declared} = {_constant(of, value)}")
            if self.chance(0.3):
                self.made.variables[name] = value
        else:
            self.declared.append(f"${name}: {declared}")
            self.made.variables[name] = value
        return f"${name}"

    def _holds_cursor(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.made.cursors


def _order_said(entry: tuple[Any, ...]) -> dict[str, Any]:
    name, custom, descending, nulls_first = entry
    said = {"field": name} if name is not None else {"custom": custom}
    return said | {"direction": "DESC" if descending else "ASC", "nulls": "FIRST" if nulls_first else "LAST"}


def _unknown(found: Field) -> Any:
    kind = type(found.kind).__name__
    plain: Mapping[str, Any] = {
        "InstantKind": "2024-02-29T12:00:00+00:00",
        "DayKind": "2024-01-01",
        "IntegerKind": 1,
        "MoneyKind": 1,
        "DecimalKind": "1",
        "FlagKind": True,
        "ReferenceKind": "nonsense",
        "TreeReferenceKind": "nonsense",
        "ChoicesKind": [],
        "WordsKind": [],
    }
    options = getattr(found.kind, "options", ())
    if kind == "ChoiceKind":
        return options[0].code
    return plain.get(kind, "x")


def _constant(of: Any, value: Any) -> str:
    plain = of.of_type if isinstance(of, GraphQLNonNull) else of
    if value is None:
        return "null"
    if isinstance(plain, GraphQLList) and isinstance(value, list):
        return f"[{', '.join(_constant(plain.of_type, one) for one in value)}]"
    if isinstance(plain, GraphQLInputObjectType):
        return f"{{{', '.join(f'{name}: {_constant(plain.fields[name].type, one)}' for name, one in value.items())}}}"
    return literal(plain, value)


def literal(of: Any, value: Any) -> str:
    """A leaf value in GraphQL's notation; JSON values become GraphQL's lists and objects."""
    if isinstance(of, GraphQLEnumType) and isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{', '.join(literal(of, one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {literal(of, one)}' for name, one in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)
