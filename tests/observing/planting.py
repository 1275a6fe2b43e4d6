"""Values that stand nowhere else, planted into whatever the API takes; and finding what is left of them."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from urllib.parse import quote

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
)

from tests.support.sdl import DOCUMENT

# None of these is a hexadecimal digit: no id, no number and no word of the product is made of them.
_LETTERS = "ghjkmnpqrtvwxyz"
_SHORTEST = 6
_ENCODED = 8  # what six characters are in base64
_DEEPEST = 2
_EVERY = 12


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
        if "email" in lower:
            return f"{word}@{self.word()}.example"
        if "phone" in lower:
            number = f"+4930{self.chance.randrange(10**8, 10**9)}"
            self.planted.append(number[1:])
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
        found = {word for word in self.planted if not _pieces(word).isdisjoint(plain)}
        found |= {word for word in self.planted if not _in_base64(word).isdisjoint(exactly)}
        signs = ("柠檬蝶", quote("柠檬蝶").lower(), "\\u67e0\\u6aac\\u8776")
        return found | {sign for sign in signs if sign in text}


def _pieces(word: str) -> set[str]:
    if word.isdigit():
        return {word[:_SHORTEST]} if len(word) <= _SHORTEST else set()
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
    """Every change of the API and some of its questions, with planted values in every text that they take."""

    garden: Garden
    schema: GraphQLSchema = field(default_factory=lambda: build_schema(DOCUMENT.read_text(encoding="utf-8")))

    def documents(self) -> Iterator[tuple[str, dict[str, object]]]:
        """Documents and their variables; the values stand in the document and in the variables by turns."""
        assert self.schema.mutation_type is not None
        assert self.schema.query_type is not None
        for kind, root in (("mutation", self.schema.mutation_type), ("query", self.schema.query_type)):
            for number, (name, found) in enumerate(root.fields.items()):
                # Lists and records are asked for by one machinery, whatever they are of.
                alike = kind == "query" and {"where", "id"} & found.args.keys() and number % _EVERY
                if not found.args or alike:
                    continue
                variables = {arg: self.value(one.type, arg) for arg, one in found.args.items()}
                declared = ", ".join(f"${arg}: {one.type}" for arg, one in found.args.items())
                given = ", ".join(f"{arg}: ${arg}" for arg in found.args)
                yield (
                    f"{kind} {self.garden.word()}({declared}) {{ {self.garden.word()}: {name}({given}) {{ __typename }} }}",
                    {arg: value for arg, value in variables.items() if value is not None},
                )

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
        match kind:
            case "String" | "ID":
                return self.garden.text(name)
            case "Int":
                return 5
            case "Boolean":
                return True
            case "Float":
                return 1.5
            case "JSON":
                return {self.garden.word(): self.garden.word()}
            case "Date":
                return "2026-11-22"
        return None if kind not in {"DateTime", "Instant"} else "2026-11-22T09:00:00Z"
