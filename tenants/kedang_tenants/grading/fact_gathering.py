"""The facts of a judgement: each source read once, put together for every period that its measures look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from kedang_tenants.grading.measures import (
    BEFORE,
    UNTIL,
    ArchiveFacts,
    DatedFacts,
    FactsOfADay,
    Measure,
    Source,
    registered,
)
from kedang_tenants.grading.periods import EVER, Period, Span
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import SCORE, Criterion, GradeRule

_EVER = Period(EVER)


@dataclass(slots=True)
class _Read:
    """What is read of one source: cells by their alias, each a column over a span for every day."""

    source: DatedFacts | FactsOfADay
    alias: str
    cells: dict[tuple[str, tuple[Span, ...] | None], str] = field(default_factory=dict)

    def cell(self, column: str, spans: tuple[Span, ...] | None) -> str:
        name = self.cells.setdefault((column, spans), f"x{len(self.cells) + 1}")
        return f"{self.alias}.{name}"


class Gathering:
    """Collects what a statement needs of which source, then says it in SQL.

    Over several days there is a table ``a`` of them, with a column for every edge of a period.
    """

    def __init__(self, as_of: Sequence[date], currency: str, only: str | None, places: Places) -> None:
        self._days = list(as_of)
        self._places = places
        self._currency = places.bind(currency, "text")
        self._only = only
        self._reads: dict[str, _Read] = {}
        self._edges: dict[tuple[date, ...], str] = {}

    @property
    def several(self) -> bool:
        return len(self._days) > 1

    @property
    def as_of(self) -> str:
        return self._edge(self._days)

    def figure(self, criterion: Criterion) -> str:
        """The SQL of a criterion's figure, over ``c`` and the joins."""
        return self._figure(criterion.measure, criterion.period)

    def beside(self, rule: GradeRule) -> dict[str, str]:
        """What is told along with the only figure of a rule, by column."""
        if rule.kind == SCORE:
            return {}
        criterion = rule.criteria[0]
        told = criterion.measure.beside
        return {"beside": self._figure(registered()[told], criterion.period)} if told else {}

    def spans(self, rule: GradeRule) -> list[str]:
        """The edges of each criterion's period as columns, where they differ from day to day."""
        if not self.several:
            return []
        return [
            f"{edge} AS {name}{number}"
            for number, criterion in enumerate(rule.criteria, start=1)
            if criterion.period is not None
            for name, edge in zip(("first", "last"), self._told(criterion.period), strict=True)
        ]

    def told_edges(self, criterion: Criterion, number: int) -> tuple[str, str]:
        """First and last day of a criterion's period, over the verdicts ``j``."""
        if self.several:
            return f"j.first{number}", f"j.last{number}"
        first, last = self._told(criterion.period or _EVER)
        return first, last

    def _told(self, period: Period) -> tuple[str, str]:
        spans = [period.span(day) for day in self._days]
        return self._edge([span.start for span in spans]), self._edge([span.last for span in spans])

    def joins(self) -> str:
        """The days, and every source that was asked for, joined to ``c``."""
        # The sources first: saying them may bring further edges into the table of days.
        sources = [
            f"\n    LEFT JOIN ({self._said(read)}) {read.alias} ON {self._same(read)}"
            for read in self._reads.values()
        ]
        days = f"\n    CROSS JOIN {self._days_table()}" if self.several else ""
        return days + "".join(sources)

    def _same(self, read: _Read) -> str:
        same = f"{read.alias}.customer_id = c.id"
        return f"{same} AND {read.alias}.as_of = a.as_of" if self.several else same

    def _edge(self, days: Sequence[date]) -> str:
        """A day that may be another one for every day that is judged."""
        if not self.several:
            return self._places.bind(days[0], "date")
        key = tuple(days)
        if key == tuple(self._days):
            return "a.as_of"
        return f"a.{self._edges.setdefault(key, f'd{len(self._edges) + 1}')}"

    def _days_table(self) -> str:
        columns = {"as_of": tuple(self._days)} | {name: days for days, name in self._edges.items()}
        arrays = ", ".join(self._places.bind(list(days), "date[]") for days in columns.values())
        return f"unnest({arrays}) AS a ({', '.join(columns)})"

    def _figure(self, measure: Measure, period: Period | None) -> str:
        cells = {
            name: self._cell(measure.source, column, window, period or _EVER)
            for name, (column, window) in measure.cells.items()
        }
        months = self._months(measure, period or _EVER)
        return f"({measure.value.format(**cells, months=months, as_of=self.as_of, c='c')})"

    def _months(self, measure: Measure, period: Period) -> str:
        if "{months}" not in measure.value:
            return ""
        counts = [period.months_in(day) for day in self._days]
        if len(set(counts)) == 1:
            return f"{counts[0]}::numeric"
        whens = " ".join(
            f"WHEN {self._places.bind(day, 'date')} THEN {count}"
            for day, count in zip(self._days, counts, strict=True)
        )
        return f"(CASE a.as_of {whens} END)::numeric"

    def _cell(self, source: Source, column: str, window: str, period: Period) -> str:
        if isinstance(source, ArchiveFacts):
            raise TypeError("what stands in the archive has no cells")
        read = self._reads.setdefault(source.code, _Read(source, f"f{len(self._reads) + 1}"))
        if isinstance(source, FactsOfADay):
            return read.cell(column, None)
        look = period.before if window == BEFORE else _EVER.span if window == UNTIL else period.span
        return read.cell(column, tuple(look(day) for day in self._days))

    def _said(self, read: _Read) -> str:
        if isinstance(read.source, FactsOfADay):
            return self._said_of_days(read, read.source)
        return self._said_of_dates(read, read.source)

    def _said_of_days(self, read: _Read, source: FactsOfADay) -> str:
        columns = ", ".join(f"x.{column} AS {name}" for (column, _), name in read.cells.items())
        asked = f"customer_id = ANY({self._only})" if self._only else "customer_id IS NOT NULL"
        facts = source.sql.format(currency=self._currency, as_of=self.as_of, asked=asked)
        if not self.several:
            return f"SELECT x.customer_id, {columns} FROM ({facts}) x"
        days = f"unnest({self._places.bind(self._days, 'date[]')}) AS a (as_of)"
        return f"SELECT a.as_of, x.customer_id, {columns} FROM {days} CROSS JOIN LATERAL ({facts}) x"

    def _said_of_dates(self, read: _Read, source: DatedFacts) -> str:
        spans = [spans for _, spans in read.cells if spans is not None]
        first = tuple(min(span.start for span in day) for day in zip(*spans, strict=True))
        end = tuple(max(span.end for span in day) for day in zip(*spans, strict=True))
        columns = ", ".join(
            f"{source.columns[column]}(f.{column}){self._filter(of or (), first, end)} AS {name}"
            for (column, of), name in read.cells.items()
        )
        facts = source.sql.format(currency=self._currency)
        only = f" AND f.customer_id = ANY({self._only})" if self._only else ""
        if not self.several:
            inside = self._inside(first, end)
            return f"SELECT f.customer_id, {columns} FROM ({facts}) f WHERE {inside}{only} GROUP BY f.customer_id"
        by_month = self._by_month(source, facts, min(first), max(end), only)
        inside = self._inside(first, end)
        edges = self._days_table()  # with every edge that is known by now
        return (
            f"WITH f AS MATERIALIZED ({by_month}) SELECT a.as_of, f.customer_id, {columns}"
            f" FROM {edges} JOIN f ON {inside} GROUP BY a.as_of, f.customer_id"
        )

    def _by_month(self, source: DatedFacts, facts: str, first: date, end: date, only: str) -> str:
        columns = ", ".join(f"{way}(f.{column}) AS {column}" for column, way in source.columns.items())
        start, behind = self._places.bind(first, "date"), self._places.bind(end, "date")
        return (
            f"SELECT f.customer_id, date_trunc('month', f.day::timestamp)::date AS day, {columns}"
            f" FROM ({facts}) f WHERE f.day >= {start} AND f.day < {behind}{only}"
            " GROUP BY f.customer_id, date_trunc('month', f.day::timestamp)::date"
        )

    def _inside(self, first: tuple[date, ...], end: tuple[date, ...]) -> str:
        return f"f.day >= {self._edge(first)} AND f.day < {self._edge(end)}"

    def _filter(self, spans: tuple[Span, ...], first: tuple[date, ...], end: tuple[date, ...]) -> str:
        starts, ends = tuple(span.start for span in spans), tuple(span.end for span in spans)
        conditions = []
        if starts != first:
            conditions.append(f"f.day >= {self._edge(starts)}")
        if ends != end:
            conditions.append(f"f.day < {self._edge(ends)}")
        return f" FILTER (WHERE {' AND '.join(conditions)})" if conditions else ""
