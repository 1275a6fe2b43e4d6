"""The rule as a value: total, deterministic, and refused where it could not be."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.ids import new_id
from kedang_tenants.grading.rule import (
    Level,
    Measured,
    Rule,
    Span,
    explain,
    figures,
    find_faults,
    from_document,
    to_document,
)


def level(code: str, position: int, minimum: str | None, *, exclusive: bool = False) -> Level:
    return Level(UUID(int=position), code, position, None if minimum is None else Decimal(minimum), exclusive)


A_TO_E = (
    level("A", 1, "20000"),
    level("B", 2, "10000"),
    level("C", 3, "3000"),
    level("D", 4, "0", exclusive=True),
    level("E", 5, None),
)
NORTHWIND = Rule(version=1, measure="SALES", period="CALENDAR_YEAR", year=1997, levels=A_TO_E)


def faults_of(*levels: Level, period: str = "TRAILING_12_MONTHS", year: int | None = None) -> list[str]:
    return [f.code for f in find_faults(measure="SALES", period=period, year=year, levels=levels)]


@pytest.mark.requirement("G2")
@pytest.mark.parametrize(
    ("sales", "code"),
    [
        ("20000", "A"),
        ("19999.99", "B"),
        ("10000", "B"),
        ("9999.99", "C"),
        ("3000", "C"),
        ("2999.99", "D"),
        ("0.01", "D"),
        ("0", "E"),
        ("-5", "E"),
    ],
)
def test_a_threshold_is_part_of_its_level_unless_it_says_more_than(sales, code):
    assert NORTHWIND.level_for(Decimal(sales)).code == code


def test_a_calendar_year_is_half_open_and_the_last_twelve_months_end_with_today():
    assert NORTHWIND.span(date(2026, 3, 2)) == Span(date(1997, 1, 1), date(1998, 1, 1))
    trailing = Rule(1, "SALES", "TRAILING_12_MONTHS", None, A_TO_E)
    assert trailing.span(date(2026, 3, 2)) == Span(date(2025, 3, 3), date(2026, 3, 3))
    assert trailing.span(date(2024, 2, 28)) == Span(date(2023, 3, 1), date(2024, 2, 29))


def test_what_is_wrong_with_a_scheme_is_told_all_at_once():
    assert faults_of(*A_TO_E) == []
    assert faults_of() == ["NO_LEVELS"]
    assert faults_of(level("A", 1, "5"), level("A", 2, "7"), level("C", 2, "1")) == [
        "DUPLICATE_CODE",
        "DUPLICATE_POSITION",
        "NO_LAST_LEVEL",
        "THRESHOLDS_OVERLAP",
    ]
    assert faults_of(level("A", 1, None), level("B", 2, "7")) == ["NO_LAST_LEVEL", "THRESHOLDS_OVERLAP"]
    assert faults_of(level("A", 1, "7"), level("B", 2, "7"), level("C", 3, None)) == ["THRESHOLDS_OVERLAP"]
    more_than_seven = level("A", 1, "7", exclusive=True)
    assert faults_of(more_than_seven, level("B", 2, "7"), level("C", 3, None)) == []
    assert faults_of(*A_TO_E, period="CALENDAR_YEAR") == ["YEAR_MISSING"]
    found = find_faults(measure="LUCK", period="AEON", year=None, levels=A_TO_E)
    assert [fault.code for fault in found] == ["UNKNOWN_MEASURE", "UNKNOWN_PERIOD"]


def test_a_rule_is_read_back_as_it_was_written():
    assert from_document(to_document(NORTHWIND)) == NORTHWIND


@pytest.mark.requirement("G3")
def test_a_grade_tells_its_figures_and_its_rule_in_both_languages():
    measured = Measured(1013277, 13, "USD", Span(date(1997, 1, 1), date(1998, 1, 1)))
    b = NORTHWIND.level_for(measured.amount)
    assert figures(NORTHWIND, b, measured) == {
        "measure": "SALES",
        "value": 1013277,
        "currency": "USD",
        "orders": 13,
        "from": "1997-01-01",
        "until": "1998-01-01",
        "minimum": "10000",
        "exclusive": False,
    }
    told = explain(NORTHWIND, b, measured)
    assert told["en"] == (
        "Sales from 1997-01-01 to 1997-12-31: 10,132.77 USD, orders: 13. "
        "Level B takes at least 10,000 USD. Version 1 of the rule."
    )
    for words in ("1997-01-01", "10,132.77", "USD", "13", "B", "10,000"):
        assert words in told["zh"]


UNHURRIED = settings(deadline=None)
cents = st.integers(min_value=-(10**15), max_value=10**15)


@st.composite
def rules(draw) -> Rule:
    """Any scheme that may be put in force."""
    bounds = draw(
        st.lists(
            st.tuples(st.decimals(-(10**6), 10**6, places=2), st.booleans()),
            max_size=8,
            unique_by=lambda b: b,
        )
    )
    ordered = sorted(bounds, reverse=True)
    levels = [
        Level(new_id(), f"L{n}", n + 1, minimum, exclusive) for n, (minimum, exclusive) in enumerate(ordered)
    ]
    levels.append(Level(new_id(), "REST", len(levels) + 1, None, False))
    return Rule(1, "SALES", "TRAILING_12_MONTHS", None, tuple(levels))


@pytest.mark.requirement("G2")
@UNHURRIED
@given(rule=rules(), value=cents)
def test_every_figure_has_exactly_one_level_whatever_order_the_levels_are_kept_in(rule, value):
    assert faults_of(*rule.levels) == []
    measured = Measured(value, 1, "USD", Span(date(2025, 1, 1), date(2026, 1, 1)))
    found = rule.level_for(measured.amount)
    assert found.takes(measured.amount)
    assert not any(other.takes(measured.amount) for other in rule.levels[: rule.levels.index(found)])
    assert from_document(to_document(rule)).level_for(measured.amount) == found


@UNHURRIED
@given(rule=rules(), one=cents, other=cents)
def test_more_sales_never_give_a_worse_level(rule, one, other):
    less, more = sorted((one, other))
    span = Span(date(2025, 1, 1), date(2026, 1, 1))
    positions = [rule.level_for(Measured(value, 1, "USD", span).amount).position for value in (less, more)]
    assert positions[1] <= positions[0]


@UNHURRIED
@given(rule=rules(), data=st.data())
def test_faults_do_not_depend_on_the_order_of_rows(rule, data):
    assert faults_of(*data.draw(st.permutations(rule.levels))) == []
