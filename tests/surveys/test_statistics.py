"""Shares and Net Promoter Scores: known cases worked out by hand, and what holds for all of them."""

from math import isclose, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kedang_tenants.surveys.statistics import Estimate, Z, net_promoter_score, share

counts = st.integers(0, 5_000)
Z2 = Z * Z


@st.composite
def shares(draw):
    n = draw(st.integers(1, 10_000))
    return draw(st.integers(0, n)), n


# Shares


def test_of_nothing_nothing_is_said():
    assert share(0, 0).estimate == Estimate(0, None, None, None)
    assert net_promoter_score(0, 0, 0).estimate == Estimate(0, None, None, None)


def test_wilson_as_in_the_literature():
    """15 of 148 and 1 of 10, as the worked examples of the Wilson interval have them."""
    told = share(15, 148).estimate
    assert (round(told.value, 4), round(told.low, 4), round(told.high, 4)) == (0.1014, 0.0624, 0.1605)
    told = share(1, 10).estimate
    assert (round(told.low, 4), round(told.high, 4)) == (0.0179, 0.4042)


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_none_and_all_of_n(n):
    """Where nobody or everybody did, Wilson's formula is z²/(n + z²) and n/(n + z²)."""
    none, everybody = share(0, n).estimate, share(n, n).estimate
    assert (none.value, none.low) == (0, 0)
    assert isclose(none.high, Z2 / (n + Z2))
    assert (everybody.value, everybody.high) == (1, 1)
    assert isclose(everybody.low, n / (n + Z2))


def test_half_of_n():
    """At one half both ends are 1/2 ± z / (2 sqrt(n + z²))."""
    told = share(50, 100).estimate
    reach = Z / (2 * sqrt(100 + Z2))
    assert isclose(told.low, 0.5 - reach)
    assert isclose(told.high, 0.5 + reach)


@given(shares())
def test_a_share_lies_in_its_interval_within_what_is_possible(of):
    told = share(*of).estimate
    assert 0 <= told.low <= told.value <= told.high <= 1
    assert told.low < told.high


@given(shares())
def test_the_ends_of_a_share_are_where_a_test_would_just_not_reject(of):
    count, n = of
    told = share(count, n).estimate
    for end in (told.low, told.high):
        if 0 < end < 1:
            distance = abs(told.value - end) / sqrt(end * (1 - end) / n)
            assert isclose(distance, Z, rel_tol=1e-6)


@given(shares(), st.integers(2, 50))
def test_the_same_share_of_more_is_told_more_exactly(of, times):
    count, n = of
    few, many = share(count, n).estimate, share(count * times, n * times).estimate
    assert few.low - 1e-12 <= many.low
    assert many.high <= few.high + 1e-12
    assert many.high - many.low < few.high - few.low


@given(shares())
def test_a_share_and_the_rest_are_mirrors(of):
    count, n = of
    one, rest = share(count, n).estimate, share(n - count, n).estimate
    assert isclose(one.low, 1 - rest.high, abs_tol=1e-12)
    assert isclose(one.high, 1 - rest.low, abs_tol=1e-12)


@pytest.mark.parametrize("of", [(-1, 3), (4, 3), (1, 0)])
def test_what_cannot_be_is_refused(of):
    with pytest.raises(ValueError, match="of"):
        share(*of)


# Net Promoter Score


def test_a_score_of_three_kinds():
    told = net_promoter_score(40, 30, 30)
    assert (told.n, told.estimate.n, told.estimate.value) == (100, 100, pytest.approx(10))


@pytest.mark.parametrize("n", [1, 2, 10, 1_000])
def test_promoters_only(n):
    """All promote: n (1 - d) / (1 + d) = z², so the lower end is (n - z²) / (n + z²)."""
    told = net_promoter_score(n, 0, 0).estimate
    assert (told.value, told.high) == (100, 100)
    assert isclose(told.low, 100 * (n - Z2) / (n + Z2), rel_tol=1e-9)
    mirrored = net_promoter_score(0, 0, n).estimate
    assert (mirrored.value, mirrored.low) == (-100, -100)
    assert isclose(mirrored.high, -told.low, rel_tol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 10, 1_000])
def test_passives_only(n):
    """Nobody promotes or detracts: n d² / (d (1 - d)) = z², so the ends are ± z² / (n + z²)."""
    told = net_promoter_score(0, n, 0).estimate
    assert told.value == 0
    assert isclose(told.high, 100 * Z2 / (n + Z2), rel_tol=1e-9)
    assert isclose(told.low, -100 * Z2 / (n + Z2), rel_tol=1e-9)


def test_two_of_ten_promote_and_nobody_detracts():
    """With 2 promoters, 8 passives the lower end d < 0 solves 10 (0.2 - d)² = z² (2q + d (1 - d)),

    20 q² + (-2 + 18 d) q = 0, so q = (1 - 9 d) / 10 there; as a quadratic in d:
    (10 + z²) d² - (4 - 0.8 z²) d + 0.4 - 0.2 z² = 0.
    """
    a, b, c = 10 + Z2, -(4 - 0.8 * Z2), 0.4 - 0.2 * Z2
    lower = (-b - sqrt(b * b - 4 * a * c)) / (2 * a)
    assert lower < 0
    assert isclose(net_promoter_score(2, 8, 0).estimate.low, 100 * lower, rel_tol=1e-9)


@given(counts, counts)
def test_without_passives_it_is_wilson_stretched(promoters, detractors):
    assume(promoters + detractors)
    told = net_promoter_score(promoters, 0, detractors).estimate
    wilson = share(promoters, promoters + detractors).estimate
    assert isclose(told.low, 200 * wilson.low - 100, abs_tol=1e-6)
    assert isclose(told.high, 200 * wilson.high - 100, abs_tol=1e-6)


@given(counts, counts, counts)
def test_a_score_lies_in_its_interval_within_what_is_possible(promoters, passives, detractors):
    assume(promoters + passives + detractors)
    told = net_promoter_score(promoters, passives, detractors).estimate
    assert -100 <= told.low <= told.value <= told.high <= 100
    assert told.low < told.high
    assert isclose(told.value, 100 * (promoters - detractors) / told.n, abs_tol=1e-9)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(2, 20))
def test_the_same_score_of_more_is_told_more_exactly(promoters, passives, detractors, times):
    assume(promoters + passives + detractors)
    few = net_promoter_score(promoters, passives, detractors).estimate
    many = net_promoter_score(promoters * times, passives * times, detractors * times).estimate
    assert few.low - 1e-9 <= many.low
    assert many.high <= few.high + 1e-9
    assert many.high - many.low < few.high - few.low


@given(counts, counts, counts)
def test_promoters_and_detractors_are_mirrors(promoters, passives, detractors):
    assume(promoters + passives + detractors)
    one = net_promoter_score(promoters, passives, detractors).estimate
    other = net_promoter_score(detractors, passives, promoters).estimate
    assert isclose(one.low, -other.high, abs_tol=1e-6)
    assert isclose(one.high, -other.low, abs_tol=1e-6)


@given(st.integers(50, 500), st.integers(50, 500), st.integers(50, 500))
def test_for_many_it_comes_close_to_the_textbook(promoters, passives, detractors):
    """With plenty of each, estimate ± z standard errors is good, and both say nearly the same."""
    told = net_promoter_score(promoters, passives, detractors).estimate
    n = promoters + passives + detractors
    score = (promoters - detractors) / n
    reach = 100 * Z * sqrt(((promoters + detractors) / n - score**2) / n)
    assert abs(told.high - (told.value + reach)) < 0.12 * reach
    assert abs(told.low - (told.value - reach)) < 0.12 * reach


@given(st.permutations([3, 5, -1]))
def test_negative_counts_are_refused(counts):
    with pytest.raises(ValueError, match="-1"):
        net_promoter_score(*counts)
