"""Amounts of money: whole minor units of an ISO 4217 currency, never a float.

Unit prices and quantities are decimals; they become money once, at the line, by one half-up rounding.
Sums are made of rounded lines and never across currencies.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from typing import Final

from babel.core import Locale

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg

# ISO 4217, table A.1. CLDR's digits are those people print (IDR 0), so they cannot be used here.
_ZERO_DIGITS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS: Final = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DIGITS: Final = "CLF UYW"
_DIGITS: Final[dict[str, int]] = (
    dict.fromkeys(_ZERO_DIGITS.split(), 0)
    | dict.fromkeys(_THREE_DIGITS.split(), 3)
    | dict.fromkeys(_FOUR_DIGITS.split(), 4)
)

# Three factors numeric(18,6) have at most 54 digits together: nothing is rounded before the line is.
_EXACT: Final = Context(prec=80, rounding=ROUND_HALF_UP)
_LARGEST: Final = 2**63 - 1


class UnknownCurrency(BadUserInput):
    """A text that is no ISO 4217 code."""


class AmountOutOfRange(BadUserInput):
    """An amount that does not fit 64 bits of minor units, or is no number."""


@cache
def minor_digits(currency: str) -> int:
    """Decimal places of the minor unit of ``currency`` (ISO 4217), 0 to 4; raises ``UnknownCurrency``."""
    if currency not in _known_currencies():
        raise UnknownCurrency(msg("{currency} is not a currency code."), currency=currency)
    return _DIGITS.get(currency, 2)


def round_half_up(value: Decimal) -> int:
    """The nearest whole number; a half goes away from zero, on both sides of it.

    Raises ``AmountOutOfRange`` where the result does not fit 64 bits or ``value`` is not finite.
    """
    try:
        whole = int(value.to_integral_value(context=_EXACT))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise AmountOutOfRange(msg("The amount is not a number.")) from error
    if abs(whole) > _LARGEST:
        raise AmountOutOfRange(msg("The amount is too large."))
    return whole


def line_amount(*, quantity: Decimal, unit_price: Decimal, discount: Decimal, currency: str) -> int:
    """What one line costs, in minor units: quantity x unit price x (1 - discount), rounded half up once.

    ``discount`` is a fraction (0.15 is fifteen percent off). Design 7, "one half-up rounding per line".
    """
    net = _EXACT.multiply(_EXACT.multiply(quantity, unit_price), _EXACT.subtract(Decimal(1), discount))
    return to_minor(amount=net, currency=currency)


def to_minor(*, amount: Decimal, currency: str) -> int:
    """``amount`` in major units (12.345 of EUR) as minor units (1235), rounded half up."""
    return round_half_up(_EXACT.scaleb(amount, minor_digits(currency)))


def to_amount(*, minor: int, currency: str) -> Decimal:
    """Minor units as the exact decimal of major units, with all its places: 1230 of EUR is 12.30."""
    return _EXACT.scaleb(Decimal(minor), -minor_digits(currency))


@cache
def _known_currencies() -> frozenset[str]:
    return frozenset(Locale.parse("en").currencies)
