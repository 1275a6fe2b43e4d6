"""The scalars of the API beyond GraphQL's own."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig

from kedang_tenants.catalogue.kinds import decimal_text

MinorUnits = NewType("MinorUnits", int)
LocalisedText = NewType("LocalisedText", dict[str, str])
DecimalString = NewType("DecimalString", str)
_SAFE = 2**53
_DIGITS = 100


def _whole(value: Any) -> int:
    number = int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= _SAFE:
        raise GraphQLError("MinorUnits is a whole number between -(2^53-1) and 2^53-1.")
    return number


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise GraphQLError('Decimal is written as a string, such as "12.50".')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise GraphQLError('Decimal is written as a string, such as "12.50".') from None
    if not number.is_finite():
        raise GraphQLError("Decimal is a finite number.")
    _, digits, exponent = number.as_tuple()
    if len(digits) > _DIGITS or abs(int(exponent)) > _DIGITS:
        raise GraphQLError(f"Decimal has at most {_DIGITS} digits.")
    return number


def _texts(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= {"en", "zh"}:
        raise GraphQLError("LocalisedText is an object with the keys en and zh.")
    return value


SCALARS: dict[object, Any] = {
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description="An amount of money in the smallest unit of its currency, as a whole number.",
        serialize=lambda value: value,
        parse_value=_whole,
    ),
    DecimalString: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number, written as a string.",
        serialize=lambda value: decimal_text(value) if isinstance(value, Decimal) else value,
        parse_value=_decimal,
    ),
    LocalisedText: strawberry.scalar(
        name="LocalisedText",
        description="A company's own text in its languages: {en, zh}.",
        serialize=lambda value: value,
        parse_value=_texts,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)
