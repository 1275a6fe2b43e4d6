"""Values that stand nowhere else, planted into whatever the API takes; and finding what is left of them."""

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote
from uuid import UUID

import asyncpg
import orjson
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from kedang_tenants.catalogue import (
    ColourKind,
    CountryKind,
    CurrencyKind,
    EmailKind,
    Field,
    LocalisedKind,
    PhoneKind,
    RecordType,
    TextKind,
    WordsKind,
    catalogue,
)
from kedang_tenants.catalogue.kinds import TimeOfDayKind
from tests.support.factories import valid
from tests.support.sdl import DOCUMENT
from tests.wall.sides import Side

# None of these is a hexadecimal digit: no id, no number and no word of the product is made of them.
_LETTERS = "ghjkmnpqrtvwxyz"
_SHORTEST = 6
_ENCODED = 8  # what six characters are in base64
_DEEPEST = 2
_TAIL = 10
_WRITTEN = re.compile(r"\d[\d ()/-]{8,}\d")


@dataclass
class Garden:
    """Plants values and knows them all again."""

    chance: Random = field(default_factory=lambda: Random(20261122))
    planted: list[str] = field(default_factory=list)

    def word(self) -> str:
        word = "".join(self.chance.choices(_LETTERS, k=12))
        self.planted.append(word)
        return word

    def text(self, name: str = "") -> str:
        """A value as a field of this name takes it."""
        word = self.word()
        lower = name.lower()
        if lower == "idempotencykey":
            return word
        if "email" in lower:
            return f"{word}@{self.word()}.example"
        if "phone" in lower:
            number = f"+49176{self.chance.randrange(10**7, 10**8)}"
            self.planted.append(number)
            return number
        if "url" in lower:
            return f"https://{word}.example/{self.word()}?{self.word()}={self.word()}"
        return f"{word} 柠檬蝶{word}"

    def found_in(self, told: bytes) -> set[str]:
        """The planted values of which at least six characters, plain, percent-encoded or in base64, are in ``told``."""
        text = told.decode("utf-8", errors="replace").lower()
        plain = {text[at : at + _SHORTEST] for at in range(len(text))}
        exact = told.decode("latin-1")
        exactly = {exact[at : at + _ENCODED] for at in range(len(exact))}
        words = [word for word in self.planted if word.isalpha()]
        found = {word for word in words if not _pieces(word).isdisjoint(plain)}
        found |= {word for word in words if not _in_base64(word).isdisjoint(exactly)}
        numbers = {number for number in self.planted if number.startswith("+")}
        digits = _digits(text)
        found |= {number for number in numbers if not _tails(number).isdisjoint(digits)}
        signs = ("柠檬蝶", quote("柠檬蝶").lower(), "\\u67e0\\u6aac\\u8776")
        return found | {sign for sign in signs if sign in text}


def _digits(text: str) -> set[str]:
    """Every run of ten digits, also where what people write between them stands there."""
    runs = re.findall(r"\d{10,}", text) + [re.sub(r"\D", "", run) for run in _WRITTEN.findall(text)]
    return {run[at : at + _TAIL] for run in runs for at in range(len(run) - _TAIL + 1)}


def _tails(number: str) -> set[str]:
    """What is left of a number without its country, from either end: it is kept backwards, too."""
    tail = number[-_TAIL:]
    return {tail, tail[::-1]}


def _pieces(word: str) -> set[str]:
    return {word[at : at + _SHORTEST] for at in range(len(word) - _SHORTEST + 1)}


def _in_base64(word: str) -> set[str]:
    """What stands in base64 of anything that holds the word, wherever it begins in a group of three bytes."""
    pieces: set[str] = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + word.encode() + b"\0" * 3).decode()
        inner = encoded[4:-8]
        pieces |= {inner[at : at + _ENCODED] for at in range(len(inner) - _ENCODED + 1)}
    return {piece for piece in pieces if not piece.islower()}  # which a hexadecimal number may be


@dataclass
class Walk:
    """Changes of the API and its questions that are no lists, with planted values in every text that they take.

    ``ids`` are of what there is, by the name of its record, so that what is asked is meant.
    """

    garden: Garden
    ids: Mapping[str, str] = field(default_factory=dict)
    schema: GraphQLSchema = field(default_factory=lambda: build_schema(DOCUMENT.read_text(encoding="utf-8")))
    _about: RecordType | None = None
    _own_fields: bool = False

    def documents(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Documents and their variables."""
        assert self.schema.mutation_type is not None
        assert self.schema.query_type is not None
        for kind, root in (("mutation", self.schema.mutation_type), ("query", self.schema.query_type)):
            for name, found in root.fields.items():
                if found.args and (kind == "mutation" or not {"where", "id"} & found.args.keys()):
                    yield self._document(kind, name, found)

    def _document(self, kind: str, name: str, found: GraphQLField) -> tuple[str, dict[str, object]]:
        self._about = self._record_of(name)
        self._own_fields = name.startswith("update")  # which nobody has defined
        variables = {arg: self.value(one.type, arg) for arg, one in found.args.items()}
        declared = ", ".join(f"${arg}: {one.type}" for arg, one in found.args.items())
        given = ", ".join(f"{arg}: ${arg}" for arg in found.args)
        below = (
            "userErrors { code }" if kind == "mutation" and "userErrors" in _fields(found) else "__typename"
        )
        return (
            f"{kind} {self.garden.word()}({declared}) {{ {self.garden.word()}: {name}({given}) {{ {below} }} }}",
            {arg: value for arg, value in variables.items() if value is not None},
        )

    def _record_of(self, mutation: str) -> RecordType | None:
        """The record that a change is of, by its name's end."""
        fitting = [one for one in catalogue() if mutation.endswith(one.api_name)]
        return max(fitting, key=lambda one: len(one.api_name), default=None)

    def value(self, kind: GraphQLInputType, name: str, depth: int = 0) -> object:
        if isinstance(kind, GraphQLNonNull):
            return self.value(kind.of_type, name, depth)
        if isinstance(kind, GraphQLList):
            found = self.value(kind.of_type, name, depth)
            return None if found is None else [found]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            if depth >= _DEEPEST:
                return None
            fields = {
                inner: self.value(one.type, inner, depth + 1)
                for inner, one in kind.fields.items()
                if inner not in {"AND", "OR", "NOT", "and", "or", "not", "after", "before"}
            }
            return {inner: value for inner, value in fields.items() if value is not None}
        return self.scalar(str(kind), name)

    def scalar(self, kind: str, name: str) -> object:
        about = self._about.fields.values() if self._about else ()
        told = next((one for one in about if one.api_name == name), None)
        match kind:
            case "Int" if name == "version":
                return 1
            case "ID":
                return self._id(name, told)
            case "String":
                return planted(self.garden, told) if told else self.garden.text(name)
            case "JSON" if name == "customFields" and not self._own_fields:
                return None
            case "JSON":
                return {self.garden.word(): self.garden.word()}
            case "LocalisedText":
                return {"en": self.garden.text(name), "zh": self.garden.text(name)}
        return _OTHERS.get(kind)

    def _id(self, name: str, told: Field | None) -> str:
        target = told.target if told else None
        if target is None:
            target = re.sub(r"(?<!^)(?=[A-Z])", "_", re.sub("Ids?$", "", name)).lower()
        if name in {"id", "ids"} and self._about is not None:
            target = self._about.name
        return self.ids.get(target or "") or self.garden.text(name)


_OTHERS = {
    "Int": 5,
    "Boolean": True,
    "Float": 1.5,
    "Decimal": "1.5",
    "MinorUnits": "150",
    "Date": "2026-11-22",
    "DateTime": "2026-11-22T09:00:00Z",
}


def _fields(found: GraphQLField) -> Collection[str]:
    kind = get_named_type(found.type)
    return kind.fields.keys() if isinstance(kind, GraphQLObjectType) else ()


def planted(garden: Garden, told: Field) -> object:
    """A planted value that a field may hold; None for what holds no words of anybody, or only those of a list."""
    match told.kind:
        case LocalisedKind():
            return {"en": garden.text(), "zh": garden.text()}
        case WordsKind():
            return [garden.word()]
        case EmailKind():
            return garden.text("email")
        case PhoneKind():
            return garden.text("phone")
        case ColourKind() | CurrencyKind() | CountryKind() | TimeOfDayKind():
            return valid(told.kind) if not isinstance(told.kind, TimeOfDayKind) else "08:30"
        case TextKind(max_length=most):
            return garden.text(told.name)[:most]
    return None


async def plant_rows(garden: Garden, side: Side) -> tuple[dict[str, str], list[str]]:
    """A row of every record with a planted value in every field of words: the rows' ids, and the fields left as they were.

    Written into the tables themselves: what rules of the trade would not take from people may stand there all the same.
    """
    ids, left = {}, []
    async with side.factory.databases.owner() as owner:
        for record in catalogue():
            ids[record.name] = made = await side.fresh(record.name)
            table = f'"{side.factory.company.ref.schema}"."{record.model.__tablename__}"'
            for told in record.fields.values():
                value = None if isinstance(told.kind, _SHAPED) else planted(garden, told)
                if value is None:
                    continue
                given = orjson.dumps(value).decode() if isinstance(value, dict) else value
                try:
                    await owner.execute(
                        f'UPDATE {table} SET "{told.name}" = $1 WHERE id = $2',
                        given,
                        UUID(made.partition("_")[2]),
                    )
                except asyncpg.IntegrityConstraintViolationError:
                    left.append(f"{record.name}.{told.name}")
    return ids, left


_SHAPED = (ColourKind, CurrencyKind, CountryKind, TimeOfDayKind)


def listings(schema: GraphQLSchema) -> Iterator[str]:
    """A question for each list of records, with every field of the records that is no record itself."""
    assert schema.query_type is not None
    for name, found in schema.query_type.fields.items():
        connection = get_named_type(found.type)
        if not isinstance(connection, GraphQLObjectType) or "nodes" not in connection.fields:
            continue
        if "first" not in found.args or any(is_required_argument(arg) for arg in found.args.values()):
            continue
        node = get_named_type(connection.fields["nodes"].type)
        if isinstance(node, GraphQLObjectType):
            told = [
                one
                for one, of in node.fields.items()
                if is_leaf_type(get_named_type(of.type))
                and not any(is_required_argument(a) for a in of.args.values())
            ]
            yield f"{{ {name}(first: {FIRST}) {{ nodes {{ {' '.join(told)} }} }} }}"


FIRST = 50
