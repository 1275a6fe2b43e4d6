"""Which n-grams are too common to be looked up in the index, as the database's own statistics know them.

``有限`` stands in nearly every company's name: fetching all of its rows to sort out the first fifty takes a
thousand times as long as walking them in order until fifty have come. See docs/adr/0004-search.md.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from kedang_platform.database import TenantRead

COMMON_SHARE: Final = 0.03
"""The share of rows from which an n-gram is common: ``WALKED_ROWS`` in order then hold about 90 hits."""

WALKED_ROWS: Final = 3_000
"""Rows that a search for common n-grams walks in order before it turns to the index after all (1 ms)."""

_SECONDS: Final = 60.0
_TABLES: Final = 4_000

# ANALYZE keeps the shares of the most common elements, then three totals that belong to no element.
_COMMON: Final = """
SELECT s.token FROM pg_catalog.pg_stats p,
  unnest(p.most_common_elems::text::text[], p.most_common_elem_freqs) AS s(token, share)
WHERE p.schemaname = $1 AND p.tablename = $2 AND p.attname = $3 AND s.token IS NOT NULL AND s.share >= $4
"""


@dataclass(frozen=True, slots=True)
class _Known:
    tokens: frozenset[str]
    until: float


class CommonTokens:
    """Remembers the common n-grams of each company's columns for a minute; one for a process.

    A column that was never analysed has none: every search then goes by the index, which is right for
    the few rows a new table has.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: OrderedDict[tuple[str, str, str], _Known] = OrderedDict()

    async def are_common(self, read: TenantRead, tokens: Collection[str], *, table: str, column: str) -> bool:
        """Whether so many rows have all of ``tokens`` that walking the rows in order finds them sooner."""
        return bool(tokens) and (await self._of(read, table=table, column=column)).issuperset(tokens)

    async def _of(self, read: TenantRead, *, table: str, column: str) -> frozenset[str]:
        key = (read.company.schema, table, column)
        known = self._known.get(key)
        if known is None or known.until <= self._now():
            rows = await read.fetch(_COMMON, *key, COMMON_SHARE)
            known = _Known(frozenset(row["token"] for row in rows), self._now() + _SECONDS)
            self._known[key] = known
            if len(self._known) > _TABLES:
                self._known.popitem(last=False)
        return known.tokens
