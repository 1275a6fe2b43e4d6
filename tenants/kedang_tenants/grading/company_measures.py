"""Measures out of the customer's archive: credit rating, purchasing power, every number, choice and own field (G2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import asyncpg
import orjson

from kedang_platform.database import TenantRead
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import (
    ChoiceKind,
    DecimalKind,
    FlagKind,
    IntegerKind,
    MoneyKind,
    Option,
    catalogue,
)
from kedang_tenants.catalogue.record_types import Field
from kedang_tenants.grading.criteria_models import CREDIT_RATINGS, PURCHASING_POWERS
from kedang_tenants.grading.measures import (
    ARCHIVE,
    CHOICE,
    DAYS,
    HIGHER,
    MONEY,
    NEITHER,
    NUMBER,
    Choice,
    Measure,
    register_measure,
    registered,
)
from kedang_tenants.reading.statement import quoted


def _choices(options: Sequence[Option]) -> tuple[Choice, ...]:
    return tuple(Choice(option.code, option.label) for option in options)


register_measure(
    Measure(
        "CREDIT_RATING",
        msg("Credit rating"),
        CHOICE,
        ARCHIVE,
        "{c}.credit_rating",
        sensitivity="credit",
        choices=_choices(CREDIT_RATINGS),
    )
)
register_measure(
    Measure(
        "PURCHASING_POWER",
        msg("Purchasing power"),
        CHOICE,
        ARCHIVE,
        "{c}.purchasing_power",
        choices=_choices(PURCHASING_POWERS),
    )
)

# What grading itself writes would have a rule feed on its own grades; the others are measures of their own.
_NOT_MEASURED: Final = frozenset({"grade_rank", "credit_rating", "purchasing_power", "version"})
_YES_OR_NO: Final = (Choice("true", msg("Yes")), Choice("false", msg("No")))


class Measures(Mapping[str, Measure]):
    """What customers of one company can be measured by, by code: the product's, ``field:…`` and ``custom:…``."""

    def __init__(self, measures: Mapping[str, Measure]) -> None:
        self._measures = dict(measures)

    def __getitem__(self, code: str) -> Measure:
        return self._measures[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._measures)

    def __len__(self) -> int:
        return len(self._measures)


async def measures_of(read: TenantRead, *, dropped: bool = False) -> Measures:
    """All measures of the company; with ``dropped``, also fields of its own that it put away: rules in force know them."""
    rows = await read.fetch(
        "SELECT id, kind, label, options FROM custom_field WHERE record = 'customer' AND kind <> 'TEXT'"
        " AND ($1 OR archived_at IS NULL) ORDER BY position, key",
        dropped,
    )
    own = [_own_measure(row) for row in rows]
    return Measures({**registered(), **field_measures(), **{measure.code: measure for measure in own}})


def field_measures() -> dict[str, Measure]:
    """The numbers and choices of the customer's archive by ``field:`` and their name in the API."""
    found = [_field_measure(field) for field in catalogue().record("customer").visible_fields]
    return {measure.code: measure for measure in found if measure is not None}


def _field_measure(field: Field) -> Measure | None:
    if field.name in _NOT_MEASURED:
        return None
    code, value = f"field:{field.api_name}", f"{{c}}.{quoted(field.name)}"
    label, sensitivity = field.spec.label, field.spec.sensitivity
    match field.kind:
        case MoneyKind():
            return Measure(code, label, MONEY, ARCHIVE, value, sensitivity=sensitivity)
        case IntegerKind() | DecimalKind():
            return Measure(code, label, NUMBER, ARCHIVE, f"{value}::numeric", sensitivity=sensitivity)
        case ChoiceKind() as kind:
            choices = _choices(kind.options)
            return Measure(
                code, label, CHOICE, ARCHIVE, value, better=NEITHER, sensitivity=sensitivity, choices=choices
            )
        case FlagKind():
            return Measure(code, label, CHOICE, ARCHIVE, f"{value}::text", better=NEITHER, choices=_YES_OR_NO)
        case _:
            return None


def _own_measure(row: asyncpg.Record) -> Measure:
    key = row["id"].hex
    code, value = f"custom:{key}", f"({{c}}.custom ->> '{key}')"
    told = orjson.loads(row["label"])
    label = {language: told.get(language) or next(iter(told.values()), key) for language in ("en", "zh")}
    match row["kind"]:
        case "INTEGER" | "DECIMAL":
            return Measure(code, label, NUMBER, ARCHIVE, f"{value}::numeric")
        case "DAY":
            return Measure(code, label, DAYS, ARCHIVE, f"{{as_of}} - {value}::date", better=HIGHER)
        case "FLAG":
            return Measure(code, label, CHOICE, ARCHIVE, value, better=NEITHER, choices=_YES_OR_NO)
        case _:
            choices = tuple(Choice(option, {"en": option, "zh": option}) for option in row["options"] or ())
            return Measure(code, label, CHOICE, ARCHIVE, value, better=NEITHER, choices=choices)
