"""What a part of a period costs: exact fractions of days, and one half-up rounding per line (T4, design 7)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import floor


def share_left(*, start: date, end: date, today: date) -> Fraction:
    """The part of the period [``start``, ``end``) that is left, ``today`` counted in full; from 0 to 1."""
    days = (end - start).days
    left = (end - max(today, start)).days
    return Fraction(max(left, 0), days)


def prorated(*, seats: int, unit_price: int, share: Fraction) -> int:
    """Minor units of ``seats`` for ``share`` of an interval that costs ``unit_price`` a seat; a half goes up."""
    return floor(seats * unit_price * share + Fraction(1, 2))
