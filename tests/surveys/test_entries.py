"""What an answer says in all, against the same said naively."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.ids import new_id
from kedang_tenants.surveys.entries import verdict
from kedang_tenants.surveys.sheets import NOTHING, Item, Rule

LEVELS = ("NOT_SATISFIED", "NOT_VERY_SATISFIED", "BASICALLY_SATISFIED", "FAIRLY_SATISFIED", "VERY_SATISFIED")


def item(kind):
    return Item(new_id(), 0, kind, {"en": kind}, None, required=False, commentable=True)


@pytest.mark.requirement("V6", "V7")
@given(
    levels=st.lists(st.sampled_from(LEVELS) | st.none(), max_size=12),
    scores=st.lists(st.integers(0, 10) | st.none(), max_size=3),
    at_most=st.sampled_from(LEVELS),
    detractors=st.booleans(),
)
def test_satisfaction_is_the_mean_and_unhappy_whoever_goes_as_low_as_the_rule(
    levels, scores, at_most, detractors
):
    asked = [(item("LEVEL"), {"level": level}) for level in levels]
    asked += [(item("NPS"), {"number": None if score is None else Decimal(score)}) for score in scores]
    answers = {each.id: {**NOTHING, **said, "comment": "x"} for each, said in asked}
    found = verdict([each for each, _ in asked], answers, Rule(at_most, detractors))
    points = [LEVELS.index(level) + 1 for level in levels if level is not None]
    first = next((score for score in scores if score is not None), None)
    assert found.nps == first
    if points:
        mean = Fraction(sum(points), len(points))
        exact = Decimal(mean.numerator) / Decimal(mean.denominator)
        assert found.satisfaction == exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    else:
        assert found.satisfaction is None
    low = any(point <= LEVELS.index(at_most) + 1 for point in points)
    assert found.unhappy == (low or (detractors and first is not None and first <= 6))
