"""Rules as documents: what is wrong with one is told all at once, with codes and paths, and nothing else is a rule."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kedang_tenants.grading.events  # noqa: F401 - makes the measures of trade known
from kedang_tenants.grading.company_measures import Measures, field_measures
from kedang_tenants.grading.measures import CHOICE, NEITHER, Measure, register_measure, registered
from kedang_tenants.grading.periods import Period, Span, ends_of_months
from kedang_tenants.grading.rule_content import GradeRule, RuleLevel, document_of_levels
from kedang_tenants.grading.rule_reading import parse_rule, rule_in_force

LEVELS = [RuleLevel(UUID(int=rank), code, rank) for rank, code in enumerate("ABCDE", start=1)]
MEASURES = Measures({**registered(), **field_measures()})
A_TO_E = [
    {"level": "A", "minimum": "20000"},
    {"level": "B", "minimum": "10000"},
    {"level": "C", "minimum": 3000},
    {"level": "D", "minimum": "0", "exclusive": True},
    {"level": "E"},
]
NORTHWIND = {
    "kind": "THRESHOLDS",
    "measure": "SALES",
    "period": {"kind": "YEAR", "year": 1997},
    "levels": A_TO_E,
}
OPEN = [{"level": "A", "minimum": "80"}, {"level": "B"}]
SCORE = {
    "kind": "SCORE",
    "criteria": [
        {"measure": "SALES", "weight": 60, "bands": [{"minimum": "100", "points": 100}, {"points": 0}]},
        {"measure": "RECENCY", "weight": 40, "percentile": "COMPANY"},
    ],
    "levels": OPEN,
}


def faults(document, levels=LEVELS) -> list[tuple[str, tuple]]:
    found = parse_rule(document, levels, MEASURES, version=1)
    return [] if isinstance(found, GradeRule) else [(fault.code, fault.path[2:]) for fault in found]


def criterion(**changes) -> dict:
    return SCORE | {"criteria": [SCORE["criteria"][0] | changes, SCORE["criteria"][1]]}


def test_a_period_is_half_open_and_the_last_months_end_with_the_day():
    year = Period("LAST_MONTHS", months=12)
    assert Period("YEAR", year=1997).span(date(2026, 3, 2)) == Span(date(1997, 1, 1), date(1998, 1, 1))
    assert year.span(date(2026, 3, 2)) == Span(date(2025, 3, 3), date(2026, 3, 3))
    assert year.span(date(2024, 2, 28)) == Span(date(2023, 3, 1), date(2024, 2, 29))
    assert Period("LAST_MONTHS", months=1).span(date(2026, 3, 30)) == Span(
        date(2026, 3, 1), date(2026, 3, 31)
    )
    assert Period("LAST_MONTH").span(date(2026, 1, 31)) == Span(date(2025, 12, 1), date(2026, 1, 1))
    assert Period("THIS_YEAR").before(date(2026, 3, 2)) == Span(date(2025, 1, 1), date(2025, 3, 3))
    assert ends_of_months(date(2026, 3, 2), count=3) == (
        date(2025, 12, 31),
        date(2026, 1, 31),
        date(2026, 2, 28),
    )


@given(day=st.dates(date(1950, 1, 1), date(2090, 12, 31)), months=st.integers(1, 120))
def test_periods_that_follow_each_other_share_no_day_and_leave_none_out(day, months):
    period = Period("LAST_MONTHS", months=months)
    assert period.before(day).end == period.span(day).start
    assert period.before(day).start < period.before(day).end
    assert period.span(day).last == day


@pytest.mark.requirement("G2")
@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], [("INVALID_DOCUMENT", ())]),
        ({}, [("UNKNOWN_RULE_KIND", ("kind",))]),
        (NORTHWIND | {"luck": 1}, [("UNKNOWN_KEY", ("luck",))]),
        (NORTHWIND | {"measure": "LUCK"}, [("UNKNOWN_MEASURE", ("measure",))]),
        (NORTHWIND | {"period": {"kind": "AEON"}}, [("UNKNOWN_PERIOD", ("period", "kind"))]),
        (NORTHWIND | {"period": {"kind": "YEAR"}}, [("YEAR_MISSING", ("period", "year"))]),
        (
            NORTHWIND | {"period": {"kind": "LAST_MONTHS", "months": 0}},
            [("OUT_OF_RANGE", ("period", "months"))],
        ),
        (
            NORTHWIND | {"measure": "MONTHLY_SALES", "period": {"kind": "EVER"}},
            [("PERIOD_TOO_LONG", ("period",))],
        ),
        (NORTHWIND | {"levels": []}, [("NO_LEVELS", ("levels",))]),
        (
            NORTHWIND | {"levels": [{"level": "A", "minimum": "5"}, {"level": "Z"}]},
            [("UNKNOWN_LEVEL", ("levels", 1, "level"))],
        ),
        (
            NORTHWIND
            | {"levels": [{"level": "A", "minimum": "5"}, {"level": "B", "minimum": "7"}, {"level": "C"}]},
            [("THRESHOLDS_OVERLAP", ("levels", 0, "minimum"))],
        ),
        (
            NORTHWIND
            | {"levels": [{"level": "C"}, {"level": "B"}, {"level": "A"}, {"level": "D", "minimum": "7"}]},
            [
                ("NO_LAST_LEVEL", ("levels", 3, "minimum")),
                ("LEVEL_WITHOUT_BOUND", ("levels", 2, "minimum")),
                ("LEVEL_WITHOUT_BOUND", ("levels", 1, "minimum")),
                ("LEVEL_WITHOUT_BOUND", ("levels", 0, "minimum")),
            ],
        ),
        (
            NORTHWIND | {"levels": [{"level": "A", "minimum": "5"}, {"level": "A", "minimum": "4"}]},
            [("DUPLICATE_CODE", ("levels",))],
        ),
        (
            NORTHWIND | {"levels": [{"level": "A", "minimum": "much"}, {"level": "B"}]},
            [("INVALID_NUMBER", ("levels", 0, "minimum"))],
        ),
        (NORTHWIND | {"unknown": "Z"}, [("UNKNOWN_LEVEL", ("unknown",))]),
        (NORTHWIND | {"guard": {"days": 366}}, [("OUT_OF_RANGE", ("guard", "days"))]),
        (
            {"kind": "THRESHOLDS", "measure": "field:directory", "levels": OPEN},
            [("MEASURE_WITHOUT_ORDER", ("measure",))],
        ),
        (
            {
                "kind": "THRESHOLDS",
                "measure": "RECENCY",
                "period": {"kind": "EVER"},
                "levels": [{"level": "A"}],
            },
            [("PERIOD_WITHOUT_USE", ("period",))],
        ),
        (
            {
                "kind": "THRESHOLDS",
                "measure": "RECENCY",
                "levels": [{"level": "A", "minimum": 3}, {"level": "B"}],
            },
            [("UNKNOWN_KEY", ("levels", 0, "minimum"))],
        ),
        (
            {
                "kind": "THRESHOLDS",
                "measure": "RECENCY",
                "levels": [{"level": "A", "maximum": 30}, {"level": "B", "maximum": 7}, {"level": "C"}],
            },
            [("THRESHOLDS_OVERLAP", ("levels", 0, "maximum"))],
        ),
        ({"kind": "THRESHOLDS", "levels": OPEN}, [("REQUIRED", ("measure",))]),
        (
            {"kind": "PERCENTILES", "measure": "CREDIT_RATING", "levels": [{"level": "A", "share": 100}]},
            [("MEASURE_WITHOUT_ORDER", ("measure",))],
        ),
        (
            {
                "kind": "THRESHOLDS",
                "measure": "CREDIT_RATING",
                "levels": [{"level": "A", "minimum": "AAAA"}, {"level": "B"}],
            },
            [("UNKNOWN_OPTION", ("levels", 0, "minimum"))],
        ),
        (
            {
                "kind": "PERCENTILES",
                "measure": "SALES",
                "levels": [{"level": "A", "share": 10}, {"level": "B", "share": 80}],
            },
            [("SHARES_DO_NOT_ADD_UP", ("levels",))],
        ),
        (
            {
                "kind": "PERCENTILES",
                "measure": "SALES",
                "within": "WORLD",
                "levels": [{"level": "A", "share": 100}],
            },
            [("UNKNOWN_VALUE", ("within",))],
        ),
        (SCORE | {"criteria": []}, [("NO_CRITERIA", ("criteria",))]),
        (criterion(weight=50), [("WEIGHTS_DO_NOT_ADD_UP", ("criteria",))]),
        (criterion(weight=0), [("OUT_OF_RANGE", ("criteria", 0, "weight"))]),
        (criterion(measure="LUCK"), [("UNKNOWN_MEASURE", ("criteria", 0, "measure"))]),
        (criterion(bands=None), [("POINTS_MISSING", ("criteria", 0))]),
        (criterion(bands=[]), [("NO_BANDS", ("criteria", 0, "bands"))]),
        (criterion(bands=[{"points": 101}]), [("OUT_OF_RANGE", ("criteria", 0, "bands", 0, "points"))]),
        (criterion(bands=[{"minimum": 1, "points": 1}]), [("NO_LAST_BAND", ("criteria", 0, "bands"))]),
        (
            criterion(bands=[{"minimum": 1, "points": 1}, {"minimum": "1.0", "points": 2}, {"points": 0}]),
            [("BANDS_OVERLAP", ("criteria", 0, "bands"))],
        ),
        (
            criterion(
                measure="PURCHASING_POWER", bands=None, options={"HIGH": 5, "MEDIUM": 3, "LOW": 0, "HUGE": 9}
            ),
            [
                ("UNKNOWN_OPTION", ("criteria", 0, "options", "HUGE")),
                ("OPTION_WITHOUT_POINTS", ("criteria", 0, "options", "VERY_HIGH")),
            ],
        ),
        (SCORE | {"minimumKnown": 101}, [("OUT_OF_RANGE", ("minimumKnown",))]),
        (
            SCORE | {"levels": [{"level": "A", "minimum": 101}, {"level": "B"}]},
            [("OUT_OF_RANGE", ("levels", 0, "minimum"))],
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_told_with_its_code_and_path(document, expected):
    assert faults(document) == expected


def test_words_are_those_of_the_measure_and_name_what_is_meant():
    def words(document):
        found = parse_rule(document, LEVELS, MEASURES, version=1)
        assert isinstance(found, list)
        return [fault.message.format_map(dict(fault.params)) for fault in found]

    recency = {"kind": "THRESHOLDS", "measure": "RECENCY"}
    assert words(recency | {"levels": [{"level": "A"}, {"level": "B", "maximum": 9}]}) == [
        "The last level, “B”, must take everybody else: leave its maximum empty.",
        "Level “A” needs a maximum: only the last level takes everybody else.",
    ]
    assert words(recency | {"levels": [{"level": "A", "minimum": 9}, {"level": "B"}]}) == [
        "“minimum” has no meaning here; what counts here is “maximum”."
    ]
    falling = [{"level": "A", "maximum": 9}, {"level": "B", "maximum": 5}, {"level": "C"}]
    assert words(recency | {"levels": falling}) == ["Level “A” must allow less than level “B” below it."]
    assert words(NORTHWIND | {"measure": "LUCK"}) == ["Nothing is measured by the name “LUCK”."]
    assert words(NORTHWIND | {"levels": []}) == ["Say which of its levels the rule gives."]
    empty = parse_rule(NORTHWIND | {"levels": []}, [], MEASURES, version=1)
    assert isinstance(empty, list)
    assert empty[0].message == "The scheme has no levels."


def test_all_faults_are_told_at_once():
    document = SCORE | {
        "criteria": [{"measure": "LUCK"}, {"measure": "SALES", "weight": 7, "bands": []}],
        "unknown": "Z",
    }
    assert [code for code, _ in faults(document)] == [
        "UNKNOWN_MEASURE",
        "INVALID_NUMBER",
        "NO_BANDS",
        "UNKNOWN_LEVEL",
    ]


@pytest.mark.requirement("G2")
@pytest.mark.parametrize("document", [NORTHWIND, SCORE])
def test_a_rule_in_force_is_read_back_as_it_was_written_and_can_be_drafted_anew(document):
    rule = parse_rule(document | {"unknown": "D", "guard": {"days": 30}}, LEVELS, MEASURES, version=3)
    assert isinstance(rule, GradeRule)
    assert rule_in_force(rule.document(), MEASURES) == rule
    assert parse_rule(rule.document(), LEVELS, MEASURES, version=3) == rule
    assert (rule.version, rule.guard_days, rule.unknown) == (3, 30, LEVELS[3])


def test_the_simple_form_of_a_scheme_is_a_rule_by_thresholds():
    levels = [
        {"code": "A", "minimum": Decimal("20000.000000"), "exclusive": False},
        {"code": "B", "minimum": Decimal(0), "exclusive": True},
        {"code": "C", "minimum": None, "exclusive": False},
    ]
    document = document_of_levels(measure="SALES", period="CALENDAR_YEAR", year=1997, levels=levels)
    assert document == {
        "kind": "THRESHOLDS",
        "measure": "SALES",
        "period": {"kind": "YEAR", "year": 1997},
        "levels": [
            {"level": "A", "minimum": "20000", "exclusive": False},
            {"level": "B", "minimum": "0", "exclusive": True},
            {"level": "C"},
        ],
    }
    assert faults(document) == []
    without = document_of_levels(measure="SALES", period="CALENDAR_YEAR", year=None, levels=levels)
    assert faults(without) == [("YEAR_MISSING", ("period", "year"))]


def test_a_rule_kept_before_rules_were_documents_means_what_it_meant():
    kept = {
        "version": 2,
        "measure": "SALES",
        "period": "TRAILING_12_MONTHS",
        "year": None,
        "levels": [
            {"id": str(UUID(int=1)), "code": "A", "position": 1, "minimum": "0", "exclusive": True},
            {"id": str(UUID(int=2)), "code": "B", "position": 2, "minimum": None, "exclusive": False},
        ],
    }
    rule = rule_in_force(kept, MEASURES)
    assert (rule.version, rule.level_ids) == (2, {UUID(int=1), UUID(int=2)})
    assert (rule.steps[0].bound, rule.steps[0].exclusive, rule.criteria[0].period) == (
        0,
        True,
        Period("LAST_MONTHS", 12),
    )


def test_a_choice_that_a_company_takes_away_or_adds_stops_no_rule_in_force():
    own = Measure(
        "custom:x",
        {"en": "Size", "zh": "规模"},
        CHOICE,
        MEASURES["CREDIT_RATING"].source,
        "{c}.custom ->> 'x'",
    )
    document = SCORE | {"criteria": [{"measure": "custom:x", "weight": 100, "options": {"S": 1, "L": 9}}]}

    def with_choices(*codes):
        choices = tuple(type(MEASURES["CREDIT_RATING"].choices[0])(code, code) for code in codes)
        fields = {name: getattr(own, name) for name in ("code", "label", "unit", "source", "value")}
        return {"custom:x": Measure(**fields, better=NEITHER, choices=choices)}

    rule = parse_rule(document, LEVELS, with_choices("S", "L"), version=1)
    assert isinstance(rule, GradeRule)
    assert rule_in_force(rule.document(), with_choices("L", "XL")).criteria[0].choices == {"L": 9}
    told = parse_rule(document, LEVELS, with_choices("L", "XL"), version=1)
    assert [fault.code for fault in told] == ["UNKNOWN_OPTION", "OPTION_WITHOUT_POINTS"]


def test_a_measure_is_registered_once():
    with pytest.raises(ValueError, match="SALES"):
        register_measure(MEASURES["SALES"])


@pytest.mark.requirement("G2")
@settings(deadline=None)
@given(data=st.data())
def test_faults_do_not_depend_on_the_order_of_levels_and_criteria(data):
    shuffled = NORTHWIND | {"levels": data.draw(st.permutations(A_TO_E))}
    assert parse_rule(shuffled, LEVELS, MEASURES, version=1) == parse_rule(
        NORTHWIND, LEVELS, MEASURES, version=1
    )
    wrong = [{"level": "A", "minimum": "5"}, {"level": "B", "minimum": "7"}, {"level": "C", "minimum": "1"}]
    mixed = data.draw(st.permutations(wrong))
    expected = [("NO_LAST_LEVEL", "C"), ("THRESHOLDS_OVERLAP", "A")]
    told = [(code, mixed[path[1]]["level"]) for code, path in faults(NORTHWIND | {"levels": mixed})]
    assert told == expected


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(
    base=st.sampled_from([NORTHWIND, SCORE, {"kind": "PERCENTILES", "measure": "SALES", "levels": OPEN}]),
    key=st.sampled_from(
        ["kind", "measure", "period", "levels", "criteria", "unknown", "guard", "within", "minimumKnown"]
    ),
    junk=_JUNK,
)
def test_whatever_stands_in_a_document_is_read_or_refused(base, key, junk):
    found = parse_rule(base | {key: junk}, LEVELS, MEASURES, version=1)
    assert isinstance(found, GradeRule) or (found and all(f.path[:2] == ("input", "content") for f in found))


@pytest.mark.parametrize("entry", [{}, {"level": None}, {"level": {}}, {"level": None, "minimum": "5"}])
def test_a_level_that_is_not_named_is_refused_and_not_left_out(entry):
    assert faults(NORTHWIND | {"levels": [entry]}) == [("REQUIRED", ("levels", 0, "level"))]
    assert faults(NORTHWIND | {"levels": [entry, {"level": "E"}]}) == [("REQUIRED", ("levels", 0, "level"))]


def test_the_level_of_the_unknown_has_a_position_of_its_own():
    levels = [*LEVELS, RuleLevel(UUID(int=9), "NEW", 1)]
    assert faults(NORTHWIND | {"unknown": "NEW"}, levels) == [("DUPLICATE_POSITION", ("levels",))]
    assert faults(NORTHWIND | {"unknown": "A"}, levels) == []
    assert faults(NORTHWIND | {"unknown": {"name": "A"}}) == [("REQUIRED", ("unknown",))]
