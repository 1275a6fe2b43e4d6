"""Statements and conditions without the values that stand in them."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 10_000
"""Characters of a text that are kept."""

# Texts in quotes (with their doubled quotes), numbers, and truth values; names of columns in double quotes stay.
_LITERAL = re.compile(
    r"""("(?:[^"]|"")*")|[EeBbXx]?'(?:[^']|'')*'|(?<![\w$.])\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|\b(?:true|false)\b"""
)
_ROW = r"\((?:[^()]|\([^()]*\))*\)"
_MANY_ROWS = re.compile(rf"\bVALUES ({_ROW})(?:, {_ROW})+")


def without_literals(text: str) -> str:
    """A statement or a condition with ``?`` for each value in it; places of parameters (``$1``) stay."""
    return shortened(_LITERAL.sub(lambda found: found[1] or "?", text))


def statement_text(sql: str) -> str:
    """The text of a statement, by which runs of it with other values and other numbers of rows are one."""
    return without_literals(_MANY_ROWS.sub(r"VALUES \1, …", sql))


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
