"""Numbers of invoices and credit notes: one after the other in each series and year, with no gap."""

from __future__ import annotations

from dataclasses import dataclass

from kedang_platform.database import ControlTransaction
from kedang_platform.licensing.billing import Billing

# Both series of the year are locked in one order, whichever is counted up: transactions that take a number of
# each would otherwise wait for each other.
_TAKE = """
INSERT INTO platform.invoice_number AS held (series, year, last)
SELECT series, $3, (series = $2)::integer FROM unnest($1::text[]) AS series ORDER BY series
ON CONFLICT (series, year) DO UPDATE SET last = held.last + (held.series = $2)::integer
RETURNING series, last
"""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a series and year, as ``text`` writes it."""

    series: str
    year: int
    sequence: int

    @property
    def text(self) -> str:
        return f"{self.series}-{self.year}-{self.sequence:06d}"


async def take_number(control: ControlTransaction, *, series: str, year: int, billing: Billing) -> Number:
    """The next number. It is taken with the transaction and given back when that is undone.

    Whoever else wants one of the year waits until then, so this comes last in a transaction.
    """
    both = sorted({billing.invoice_series, billing.credit_note_series})
    rows = await control.fetch(_TAKE, both, series, year)
    taken = {row["series"]: row["last"] for row in rows}
    return Number(series, year, taken[series])
