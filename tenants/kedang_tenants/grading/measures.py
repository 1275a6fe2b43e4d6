"""What customers can be measured by: the catalogue of measures, and where each one's figures come from (G2).

A feature registers its measures beside its models, also one that lies above grading. A source says once which rows
are looked at; several measures and periods of one source cost one pass over its rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from kedang_tenants.catalogue.languages import translated

MONEY, NUMBER, PERCENT, DAYS, CHOICE = "MONEY", "NUMBER", "PERCENT", "DAYS", "CHOICE"
HIGHER, LOWER, NEITHER = "HIGHER", "LOWER", "NEITHER"
ZERO, UNKNOWN = "ZERO", "UNKNOWN"
PERIOD, BEFORE, UNTIL = "PERIOD", "BEFORE", "UNTIL"
SUM, MAX = "sum", "max"

Label: TypeAlias = str | Mapping[str, str]
"""A msgid, or a company's own text by language."""


def texts(label: Label) -> Mapping[str, str]:
    """What a label says in each of our languages."""
    return translated(label) if isinstance(label, str) else label


@dataclass(frozen=True, slots=True)
class DatedFacts:
    """Rows of a customer with a day each: ``sql`` selects ``customer_id``, ``day`` and ``columns``.

    Each column says how rows of a customer are put together, ``sum`` or ``max``; facts of one month may be put
    together first. ``{currency}`` in the SQL stands for the company's currency. ``events`` are those whose records
    may move a customer's figures; ``customers_of`` selects the ``customer_id`` of the records ``$1``, none means that
    the record is the customer.
    """

    code: str
    sql: str
    columns: Mapping[str, str]
    events: Mapping[str, frozenset[str]] = field(default_factory=dict)
    customers_of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactsOfADay:
    """Figures as they were at the end of a day: ``sql`` selects ``customer_id`` and ``columns``, a row a customer.

    ``{currency}`` stands for the company's currency, ``{as_of}`` for the day, and ``i.{asked}`` for the condition that
    the rows ``i`` are of customers whom somebody asks about: of a few, the rows of all others are not read. The rest is
    as in ``DatedFacts``.
    """

    code: str
    sql: str
    columns: tuple[str, ...]
    events: Mapping[str, frozenset[str]] = field(default_factory=dict)
    customers_of: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """Figures that stand in the customer's own row, of which only today's are known."""

    code: str = "ARCHIVE"


Source: TypeAlias = DatedFacts | FactsOfADay | ArchiveFacts
ARCHIVE: Final = ArchiveFacts()


@dataclass(frozen=True, slots=True)
class Choice:
    """One value of a measure of the unit CHOICE, and what it is called in our languages."""

    code: str
    label: Label


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that a customer is measured by.

    ``value`` is the SQL of the figure out of ``cells``, whose names stand in it in braces; a cell is a column of the
    source and, of dated facts, the window that it is put together over. ``{months}`` are those of the period,
    ``{as_of}`` the day; of the archive, ``{c}`` is the customer's row. NULL is unknown, and never zero. ``unit`` MONEY
    is in minor units of the company's currency. Choices go from the best to the worst, unless neither is ``better``. A measure with a ``sensitivity`` is told by
    its points only to those who may not see it. ``beside`` is a measure that is told along with this one.
    """

    code: str
    label: Label
    unit: str
    source: Source
    value: str
    cells: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    periodic: bool = False
    better: str = HIGHER
    absent: str = UNKNOWN
    sensitivity: str | None = None
    beside: str | None = None
    choices: tuple[Choice, ...] = ()

    @property
    def compares(self) -> bool:
        """Whether the period is held against the one before."""
        return any(window == BEFORE for _, window in self.cells.values())

    @property
    def is_ordered(self) -> bool:
        """Whether one figure is better than another."""
        return self.better != NEITHER


_measures: dict[str, Measure] = {}


def register_measure(measure: Measure) -> Measure:
    """Make a measure known (at import); raises ``ValueError`` for a code that is known already."""
    if measure.code in _measures:
        raise ValueError(f"There is a measure {measure.code} already")
    _measures[measure.code] = measure
    return measure


def registered() -> Mapping[str, Measure]:
    """The product's own measures by their code."""
    return _measures


def sources() -> list[Source]:
    """Every source once."""
    return list({measure.source.code: measure.source for measure in _measures.values()}.values())
