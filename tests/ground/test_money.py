import csv
from collections import Counter
from decimal import Decimal
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.money import (
    AmountOutOfRange,
    UnknownCurrency,
    line_amount,
    minor_digits,
    round_half_up,
    to_amount,
    to_minor,
)

NORTHWIND = resources.files("kedang_workers") / "demo" / "northwind"


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((NORTHWIND / name).read_text("utf-8").splitlines()))


def test_the_sales_of_northwind_are_exact_to_the_cent():
    year_of = {order["order_id"]: order["order_date"][:4] for order in rows("orders.csv")}
    sales: Counter[str] = Counter()
    for line in rows("order_details.csv"):
        sales[year_of[line["order_id"]]] += line_amount(
            quantity=Decimal(line["quantity"]),
            unit_price=Decimal(line["unit_price"]),
            discount=Decimal(line["discount"]),
            currency="USD",
        )
    assert sales == {"1996": 208_083_99, "1997": 617_085_35, "1998": 440_623_95}
    assert sales.total() == 1_265_793_29


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        ("0.5", 1),
        ("-0.5", -1),
        ("1.5", 2),
        ("2.5", 3),
        ("2.4999999999999999999999999999999", 2),
        ("-2.5", -3),
        ("0", 0),
    ],
)
def test_a_half_goes_away_from_zero(value, rounded):
    assert round_half_up(Decimal(value)) == rounded


def test_a_line_is_rounded_once_and_not_at_its_steps():
    # 3 x 0.335 = 1.005 -> 1.01; rounding the price first would give 1.02, cutting the discount 1.00.
    assert (
        line_amount(quantity=Decimal(3), unit_price=Decimal("0.335"), discount=Decimal(0), currency="CNY")
        == 101
    )
    # The product is ...0999999.499999999999: the 28 digits of an ordinary context would make a half of it.
    assert (
        line_amount(
            quantity=Decimal("999999999999.999999"),
            unit_price=Decimal("500000.000001"),
            discount=Decimal(0),
            currency="JPY",
        )
        == 500_000_000_000_999_999
    )


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("CNY", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("CLF", 4), ("IDR", 2)],
)
def test_minor_units_are_those_of_iso_4217(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "usd", "XQX", "RMB", "US"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(UnknownCurrency) as refused:
        to_minor(amount=Decimal(1), currency=currency)
    assert refused.value.code == "UNKNOWN_CURRENCY"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "9223372036854775808", "-1e40", "1e500"])
def test_what_does_not_fit_64_bits_is_refused(value):
    with pytest.raises(AmountOutOfRange):
        round_half_up(Decimal(value))


def test_the_largest_amount_fits():
    assert round_half_up(Decimal("9223372036854775807.4")) == 2**63 - 1


@given(st.integers(-(10**15), 10**15), st.sampled_from(["CNY", "JPY", "KWD", "CLF"]))
def test_an_amount_survives_the_way_out_and_back(minor, currency):
    amount = to_amount(minor=minor, currency=currency)
    assert to_minor(amount=amount, currency=currency) == minor
    assert -amount.as_tuple().exponent == minor_digits(currency)


@given(st.decimals(-(10**12), 10**12, places=6))
def test_rounding_is_never_further_off_than_a_half_and_has_no_favourite_sign(value):
    assert abs(round_half_up(value) - value) <= Decimal("0.5")
    assert round_half_up(-value) == -round_half_up(value)
