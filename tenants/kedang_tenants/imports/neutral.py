"""Cells that a spreadsheet would take for formulas: neutralised when written, told when read.

A cell that begins with ``= + - @``, a tab or a return is written with an apostrophe before it
(OWASP, CSV injection). Plain numbers stay as they are. A cell that already is an apostrophe before
such a beginning gets one more, so that reading takes away exactly what writing put there.
"""

from __future__ import annotations

import re

_STARTS_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def as_written(cell: str) -> str:
    """The cell as it may stand in a CSV file that a spreadsheet opens."""
    if _STARTS_FORMULA.match(cell) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def as_read(cell: str) -> str:
    """The cell before ``as_written``."""
    return cell[1:] if cell.startswith("'") and _STARTS_FORMULA.match(cell) else cell


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet that saved this cell means a formula by it."""
    return cell.startswith("=")
