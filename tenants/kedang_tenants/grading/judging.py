"""From a rule to the one statement that measures customers, judges them, and says how each verdict came about.

The statement is made of four layers: the facts of each source put together once for all criteria; the figures of every
customer; points and the score; the level. Layers are kept apart (``OFFSET 0``), so that a figure is worked out once
however often it is looked at. Over several days, facts are put together by month first and each day adds up months.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from kedang_platform.money import minor_digits
from kedang_tenants.grading.explaining import Kept, Told, explanation, figures, values, withheld
from kedang_tenants.grading.fact_gathering import Gathering
from kedang_tenants.grading.measures import LOWER, MONEY, Measure
from kedang_tenants.grading.periods import is_end_of_month
from kedang_tenants.grading.places import Places
from kedang_tenants.grading.rule_content import (
    IN_REGION,
    PERCENTILES,
    SCORE,
    Criterion,
    GradeRule,
    Step,
)

GRADABLE: Final = "(c.roles && ARRAY['BUYER', 'DEALER'] OR (c.roles = '{}' AND c.directory <> 'PARTNER'))"
"""Graded is who buys: buyers and dealers, and those without a role outside the directory of business partners."""
OF_EVERYBODY: Final = (
    "SELECT set_config('statement_timeout', '900s', true), set_config('lock_timeout', '120s', true),"
    " set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true)"
)
"""What a transaction begins with that judges everybody: it may take and wait longer than a request, and joins whole sets.

A set of 100,000 customers takes 20 MB. With the memory of a request it goes to the disk and back at every step.
Nobody can estimate how many customers a verdict concerns; a nested loop over two such sets takes hours.
"""
_REGION: Final = "coalesce(c.region_id::text, c.region)"


@dataclass(frozen=True, slots=True)
class Judged:
    """A judgement as SQL, whose values are ``args``.

    ``verdicts`` selects what is narrow: ``as_of``, ``customer_id``, ``gradable``, ``level_id``, ``rank``, ``score``
    and what the other expressions are made of. These are over its alias ``j``.
    """

    verdicts: str
    values: str
    figures: str
    withheld: str
    explanation: str
    args: list[object]

    @property
    def sql(self) -> str:
        """One row for every living customer and day, also for those who are not graded (without a level)."""
        return (
            "SELECT j.as_of, j.customer_id, j.gradable, j.level_id, j.rank, j.score,"
            f" {self.figures} AS figures, {self.withheld} AS withheld, {self.explanation} AS explanation"
            f" FROM ({self.verdicts}) j"
        )


def judgement(
    rule: GradeRule,
    *,
    as_of: Sequence[date],
    currency: str,
    customer_ids: Sequence[UUID] | None = None,
    places: Places | None = None,
    kept: Kept | None = None,
) -> Judged:
    """How customers are graded by a rule at the end of one day, or of several that are ends of months.

    Figures that only today's archive knows (credit rating, numbers, own fields) are taken as they are now for every
    day. ``places`` has values that are bound already; ``kept`` is told of whom a guard keeps. Raises ``ValueError`` for several days that end no months.
    """
    if len(as_of) > 1 and not all(is_end_of_month(day) for day in as_of):
        raise ValueError("several days are judged at the ends of months only")
    made = _Judging(rule, as_of, currency, customer_ids, places or Places())
    verdicts = made.verdicts()
    told = Told(rule, currency, made.gathering, made.places, kept)
    return Judged(
        verdicts,
        values(told),
        figures(told),
        withheld(told),
        explanation(told),
        made.places.values,
    )


class _Judging:
    """One statement in the making."""

    def __init__(
        self,
        rule: GradeRule,
        as_of: Sequence[date],
        currency: str,
        customer_ids: Sequence[UUID] | None,
        places: Places,
    ) -> None:
        self.rule = rule
        self.currency = currency
        self.places = places
        self.only = None if customer_ids is None else places.bind(list(customer_ids), "uuid[]")
        everybody = rule.compares_customers
        self.measured_only = None if everybody else self.only
        self.gathering = Gathering(as_of, currency, self.measured_only, places)
        self.days = list(as_of)

    def verdicts(self) -> str:
        levels = self.rule.levels
        ids = self.places.bind([level.id for level in levels], "uuid[]")
        ranks = self.places.bind([level.rank for level in levels], "int[]")
        only = f" WHERE p.customer_id = ANY({self.only})" if self.only and not self.measured_only else ""
        return f"""
SELECT p.*, ({ids})[p.place] AS level_id, ({ranks})[p.place] AS rank
FROM (
    SELECT s.*, {self._place()} AS place
    FROM ({self._scored()}) s
    OFFSET 0
) p{only}"""

    def _measured(self) -> str:
        figures = [
            f"{self.gathering.figure(criterion)} AS v{number}"
            for number, criterion in enumerate(self.rule.criteria, start=1)
        ]
        beside = [f"{cell} AS {name}" for name, cell in self.gathering.beside(self.rule).items()]
        region = [f"{_REGION} AS region"] if self._by_region else []
        spans = self.gathering.spans(self.rule)
        columns = ",\n           ".join([*figures, *beside, *region, *spans])
        only = f" AND c.id = ANY({self.measured_only})" if self.measured_only else ""
        return f"""
    SELECT c.id AS customer_id, {self.gathering.as_of} AS as_of, {GRADABLE} AS gradable,
           {columns}
    FROM customer c{self.gathering.joins()}
    WHERE c.archived_at IS NULL{only}
    OFFSET 0"""

    @property
    def _by_region(self) -> bool:
        return IN_REGION in {self.rule.within, *(criterion.within for criterion in self.rule.criteria)}

    def _pointed(self) -> str:
        criteria = enumerate(self.rule.criteria, start=1)
        if self.rule.kind == SCORE:
            columns = [f"{self._points(criterion, f'm.v{n}')} AS p{n}" for n, criterion in criteria]
        elif self.rule.kind == PERCENTILES:
            columns = self._ranks(self.rule.criteria[0].measure)
        else:
            columns = []
        measured = self._measured()
        if not columns:
            return measured
        return f"SELECT m.*, {', '.join(columns)} FROM ({measured}) m OFFSET 0"

    def _scored(self) -> str:
        pointed = self._pointed()
        if self.rule.kind != SCORE:
            return f"SELECT q.*, NULL::numeric AS score FROM ({pointed}) q OFFSET 0"
        weights = [(f"k.p{n}", criterion.weight) for n, criterion in enumerate(self.rule.criteria, start=1)]
        known = " + ".join(f"CASE WHEN {p} IS NULL THEN 0 ELSE {weight} END" for p, weight in weights)
        total = " + ".join(f"coalesce({p}, 0) * {weight}" for p, weight in weights)
        return (
            f"SELECT q.*, CASE WHEN q.gradable THEN round(q.total::numeric / nullif(q.known, 0), 2) END AS score"
            f" FROM (SELECT k.*, {known} AS known, {total} AS total FROM ({pointed}) k OFFSET 0) q OFFSET 0"
        )

    def _points(self, criterion: Criterion, value: str) -> str:
        if criterion.within is not None:
            return self._better_than(criterion, value)
        if criterion.measure.choices:
            if not criterion.choices:  # a field of the company whose choices are all called otherwise by now
                return "NULL::int"
            whens = " ".join(
                f"WHEN {self.places.bind(code, 'text')} THEN {points}"
                for code, points in criterion.choices.items()
            )
            return f"CASE {value} {whens} END"
        whens = " ".join(
            f"WHEN {value} >= {self._number(criterion.measure, band.minimum)} THEN {band.points}"
            for band in criterion.bands
            if band.minimum is not None
        )
        return f"CASE WHEN {value} IS NULL THEN NULL {whens} ELSE {criterion.bands[-1].points} END"

    def _better_than(self, criterion: Criterion, value: str) -> str:
        """How many percent of the others are worse; unknown where there are no others."""
        others = self._others(value, within=criterion.within)
        way = "DESC" if criterion.measure.better == LOWER else "ASC"
        worse = f"rank() OVER (PARTITION BY {others} ORDER BY {value} {way}) - 1"
        count = f"nullif(count(*) OVER (PARTITION BY {others}) - 1, 0)"
        return f"CASE WHEN m.gradable AND {value} IS NOT NULL THEN round(100.0 * ({worse}) / {count}, 2) END"

    def _others(self, value: str, *, within: str | None) -> str:
        region = ", m.region" if within == IN_REGION else ""
        return f"m.as_of, (m.gradable AND {value} IS NOT NULL){region}"

    def _ranks(self, measure: Measure) -> list[str]:
        """How many there are, and how many of them are at least as good."""
        others = self._others("m.v1", within=self.rule.within)
        way = "ASC" if measure.better == LOWER else "DESC"
        return [
            f"count(*) OVER (PARTITION BY {others} ORDER BY m.v1 {way}) AS ahead",
            f"count(*) OVER (PARTITION BY {others}) AS compared",
        ]

    def _place(self) -> str:
        """The number of the level in ``rule.levels``, or NULL."""
        rule = self.rule
        unknown = str(rule.levels.index(rule.unknown) + 1) if rule.unknown is not None else "NULL"
        missing = "s.v1 IS NULL"
        if rule.kind == SCORE:
            missing = f"s.score IS NULL OR s.known < {rule.minimum_known}"
        whens = " ".join(
            f"WHEN {condition} THEN {number}" for number, condition in enumerate(self._conditions(), start=1)
        )
        last = f"ELSE {len(rule.steps)}"
        return f"CASE WHEN NOT s.gradable THEN NULL WHEN {missing} THEN {unknown} {whens} {last} END"

    def _conditions(self) -> list[str]:
        """What each level asks for, in SQL, but for the last, which is open."""
        rule = self.rule
        if rule.kind == PERCENTILES:
            shares = [step.share or Decimal(0) for step in rule.steps[:-1]]
            sums = [sum(shares[: n + 1], Decimal(0)) for n in range(len(shares))]
            return [f"s.ahead * 100 <= {self.places.bind(share, 'numeric')} * s.compared" for share in sums]
        measure = None if rule.kind == SCORE else rule.criteria[0].measure
        return [self._reached(step, measure) for step in rule.steps[:-1]]

    def _reached(self, step: Step, measure: Measure | None) -> str:
        value = "s.score" if measure is None else "s.v1"
        if isinstance(step.bound, str) and measure is not None:
            codes = [choice.code for choice in measure.choices]
            good = codes[: codes.index(step.bound) + (not step.exclusive)]
            return f"{value} = ANY({self.places.bind(good, 'text[]')})"
        sign = "<" if measure is not None and measure.better == LOWER else ">"
        bound = step.bound if isinstance(step.bound, Decimal) else Decimal(0)
        return f"{value} {sign}{'' if step.exclusive else '='} {self._number(measure, bound)}"

    def _number(self, measure: Measure | None, bound: Decimal | None) -> str:
        """A bound as the figure is measured: money in minor units."""
        number = bound or Decimal(0)
        if measure is not None and measure.unit == MONEY:
            number = number.scaleb(minor_digits(self.currency))
        if number == number.to_integral_value():
            return self.places.bind(int(number), "bigint")
        return self.places.bind(number, "numeric")
