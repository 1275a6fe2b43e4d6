"""The statistics of surveys: shares and Net Promoter Scores with 95 % intervals, honest for small numbers.

All intervals are score intervals: they hold those values that a test at the 5 % level would not
reject given what was answered. So they contain the estimate, stay within what is possible, and say
something true for three answers and for three out of three, where the textbook's
estimate ± 1.96 standard errors is far too narrow. Of nothing answered nothing is said: every value
is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import Final

Z: Final = 1.959963984540054
"""The 97.5th percentile of the normal distribution: 2.5 % lie beyond it, and as many on the other side."""
_Z2: Final = Z * Z
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value estimated from ``n`` answers, and the ends of its 95 % interval; all None where ``n`` is 0."""

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``n``, and what share (0 to 1) that is."""

    count: int
    estimate: Estimate

    @property
    def n(self) -> int:
        return self.estimate.n


@dataclass(frozen=True, slots=True)
class NetPromoterScore:
    """How many would recommend (9 or 10 of 10), are passive (7, 8), or detract (0 to 6), and the score.

    The score is the percentage of promoters less that of detractors: -100 to 100.
    """

    promoters: int
    passives: int
    detractors: int
    estimate: Estimate

    @property
    def n(self) -> int:
        return self.estimate.n


def share(count: int, n: int) -> Share:
    """The share of ``count`` in ``n`` with Wilson's score interval.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212; recommended for small n by Brown, Cai and DasGupta,
    Statistical Science 16 (2001) 101-133. Raises ValueError unless 0 <= count <= n.
    """
    if not 0 <= count <= n:
        raise ValueError(f"{count} of {n}")
    if n == 0:
        return Share(0, Estimate(0))
    value = count / n
    middle = (value + _Z2 / (2 * n)) / (1 + _Z2 / n)
    reach = Z / (1 + _Z2 / n) * sqrt(value * (1 - value) / n + _Z2 / (4 * n * n))
    # What is exactly 0 or 1 by the formula is not left to rounding.
    low = 0.0 if count == 0 else middle - reach
    high = 1.0 if count == n else middle + reach
    return Share(count, Estimate(n, value, low, high))


def net_promoter_score(promoters: int, passives: int, detractors: int) -> NetPromoterScore:
    """The score with the score interval of a difference of two shares of the same people.

    Promoters and detractors are two shares of one sample, as the discordant pairs of a paired
    comparison are; the interval is that of Tango, Statistics in Medicine 17 (1998) 891-908. For the
    Net Promoter Score an iterative score interval was found among the best by Rocks, The American
    Statistician 70 (2016) 365-372. Where nobody is passive it is Wilson's for the promoters, stretched
    to -100 to 100. Raises ValueError for negative counts.
    """
    if min(promoters, passives, detractors) < 0:
        raise ValueError(f"{promoters}, {passives}, {detractors}")
    n = promoters + passives + detractors
    if n == 0:
        return NetPromoterScore(0, 0, 0, Estimate(0))
    value = (promoters - detractors) / n

    def inside(difference: float) -> bool:
        return _score_squared(promoters / n, detractors / n, difference) * n <= _Z2

    low = -1.0 if detractors == n else _end(inside, value, -1.0)
    high = 1.0 if promoters == n else _end(inside, value, 1.0)
    estimate = Estimate(n, 100 * value, 100 * low, 100 * high)
    return NetPromoterScore(promoters, passives, detractors, estimate)


def _score_squared(up: float, down: float, difference: float) -> float:
    """How far what was seen is from ``difference``, in squared standard errors of a single answer.

    ``up`` and ``down`` are the shares of promoters and detractors. The standard error is the one that
    holds if ``difference`` is true: with the likeliest share of detractors under that condition, the
    positive root of Tango's quadratic.
    """
    seen = up - down
    linear = -up - down + (2 - seen) * difference
    constant = -down * difference * (1 - difference)
    detracting = (sqrt(max(linear * linear - 8 * constant, 0.0)) - linear) / 4
    variance = 2 * detracting + difference * (1 - difference)
    distance = (seen - difference) ** 2
    if distance == 0:
        return 0.0
    return distance / variance if variance > 0 else float("inf")


def _end(inside: Callable[[float], bool], value: float, limit: float) -> float:
    """Where, between ``value`` and ``limit``, the interval ends: halved until no double is left between."""
    near, far = value, limit
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if inside(middle) else (near, middle)
    return near
