"""Documents without the values in them, so that requests for the same thing are one operation."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator
from typing import Final
from uuid import UUID

from graphql import (
    DocumentNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    TokenKind,
)

from kedang_tenants.measuring.literals import shortened
from kedang_tenants.measuring.tallies import Signature

_LONGEST_NAME: Final = 100
# Looking into an enumeration takes longer than all else here: what its members stand for is known by their identity.
_NAME, _COLON, _COMMENT, _END = TokenKind.NAME, TokenKind.COLON, TokenKind.COMMENT, TokenKind.EOF
_EMPTIED: Final = {
    id(TokenKind.STRING): '""',
    id(TokenKind.BLOCK_STRING): '""',
    id(TokenKind.INT): "0",
    id(TokenKind.FLOAT): "0",
}
_SIGNS: Final = {id(kind): kind.value for kind in TokenKind}
_NONE_BEFORE: Final = frozenset(")]:!(")
_NONE_AFTER: Final = frozenset("([$@")
_LITERALS: Final = frozenset({"true", "false", "null"})
# Stands for a word that the schema does not know: in a value of any JSON it is the client's own.
_UNKNOWN: Final = "_"


def vocabulary(schema: GraphQLSchema, names: Iterable[str]) -> frozenset[str]:
    """All words of a schema's types called ``names``, and of its directives, that may stand in arguments."""
    found = {*_LITERALS, *(argument for directive in schema.directives for argument in directive.args)}
    for name in names:
        made = schema.type_map[name]
        found.add(name)
        if isinstance(made, GraphQLEnumType):
            found.update(made.values)
        elif isinstance(made, GraphQLInputObjectType):
            found.update(made.fields)
        elif isinstance(made, GraphQLObjectType | GraphQLInterfaceType):
            for field in made.fields.values():
                found.update(field.args)
    return frozenset(found)


def sign(document: DocumentNode, definition: OperationDefinitionNode, *words: Container[str]) -> Signature:
    """The operation of a document, its texts and numbers emptied, its aliases and comments left out.

    Of what stands in arguments only variables and these ``words`` are told.
    """
    kind = definition.operation.name
    name = definition.name.value[:_LONGEST_NAME] if definition.name else None
    text = _spaced(_words(document, words))
    digest = hashlib.sha256(f"{kind}\0{name}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return Signature(UUID(bytes=digest[:16]), kind, name, shortened(text))


def _words(document: DocumentNode, known: tuple[Container[str], ...]) -> Iterator[str]:
    """The tokens that tell what is asked. Of equal values in a row, which only a list has, one stays."""
    assert document.loc is not None
    token, last, within = document.loc.start_token.next, "", 0
    while token is not None:
        kind, following = token.kind, token.next
        if kind is _NAME:
            if within == 0 and following is not None and following.kind is _COLON:
                token = following.next  # the alias and its colon
                continue
            word = token.value or ""
            if within and last != "$" and not any(word in words for words in known):
                word = _UNKNOWN
        elif kind is _COMMENT or kind is _END:
            token = following
            continue
        else:
            emptied = _EMPTIED.get(id(kind))
            word = emptied or _SIGNS[id(kind)]
            if word == "(":
                within += 1
            elif word == ")":
                within -= 1
            elif emptied is not None and word == last:
                token = following
                continue
        yield word
        last, token = word, following


def _spaced(words: Iterator[str]) -> str:
    parts: list[str] = []
    tight = True
    for word in words:
        if not (tight or word in _NONE_BEFORE):
            parts.append(" ")
        parts.append(word)
        tight = word in _NONE_AFTER
    return "".join(parts)
