"""Documents without the values in them, so that requests for the same thing are one operation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from graphql import DocumentNode, OperationDefinitionNode, TokenKind

from kedang_tenants.measuring.literals import shortened
from kedang_tenants.measuring.tallies import Signature

_LONGEST_NAME: Final = 100
_LITERALS: Final = {
    TokenKind.STRING: '""',
    TokenKind.BLOCK_STRING: '""',
    TokenKind.INT: "0",
    TokenKind.FLOAT: "0",
}
_NONE_BEFORE: Final = frozenset(")]:!(")
_NONE_AFTER: Final = frozenset("([$@")


def sign(document: DocumentNode, definition: OperationDefinitionNode) -> Signature:
    """The operation of a document, its texts and numbers emptied, its aliases and comments left out."""
    kind = definition.operation.name
    name = definition.name.value[:_LONGEST_NAME] if definition.name else None
    text = _spaced(_words(document))
    digest = hashlib.sha256(f"{kind}\0{name}\0{text}".encode("utf-8", "surrogatepass")).digest()
    return Signature(UUID(bytes=digest[:16]), kind, name, shortened(text))


def _words(document: DocumentNode) -> Iterator[str]:
    """The tokens that tell what is asked. Of equal values in a row, which only a list has, one stays."""
    assert document.loc is not None
    token, last, within = document.loc.start_token.next, "", 0
    while token is not None and token.kind is not TokenKind.EOF:
        following = token.next
        if token.kind is TokenKind.COMMENT:
            token = following
            continue
        word = _LITERALS.get(token.kind) or token.value or token.kind.value
        within += (token.kind is TokenKind.PAREN_L) - (token.kind is TokenKind.PAREN_R)
        if within == 0 and token.kind is TokenKind.NAME and following and following.kind is TokenKind.COLON:
            token = following.next  # the alias and its colon
            continue
        if token.kind not in _LITERALS or word != last:
            yield word
        last, token = word, following


def _spaced(words: Iterator[str]) -> str:
    parts: list[str] = []
    last = "("
    for word in words:
        if word not in _NONE_BEFORE and last not in _NONE_AFTER:
            parts.append(" ")
        parts.append(word)
        last = word
    return "".join(parts)
