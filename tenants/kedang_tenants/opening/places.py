"""The countries, languages and currencies that a company may choose from."""

from __future__ import annotations

import re
from functools import cache

from babel.core import Locale
from babel.numbers import get_territory_currencies

from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import LANGUAGES, msg
from kedang_platform.time_zones import TimeZoneUnknown, time_zones

_COUNTRY = re.compile(r"[A-Z]{2}")
# Codes of CLDR that are no countries: pseudo-accents, unknown, unions, the outlying ocean, and islands
# and exclaves that ISO only reserves a code for.
_NO_COUNTRY = frozenset(["XA", "XB", "ZZ", "EU", "EZ", "UN", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"])


class CountryUnknown(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("Please choose a country."), path=("country",))


class CurrencyUnknown(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("Please choose a currency."), path=("currency",))


class LanguageUnknown(BadUserInput):
    def __init__(self) -> None:
        super().__init__(msg("Please choose a language."), path=("language",))


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes."""
    codes = (str(code) for code in Locale.parse("en").territories)
    return frozenset(code for code in codes if _COUNTRY.fullmatch(code)) - _NO_COUNTRY


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes of the currencies that are legal tender somewhere today."""
    return frozenset(str(code) for country in countries() for code in get_territory_currencies(country))


def check_places(*, country: str, language: str, time_zone: str, currency: str) -> None:
    """Raises the error of the first that is unknown."""
    if country not in countries():
        raise CountryUnknown
    if language not in LANGUAGES:
        raise LanguageUnknown
    if time_zone not in time_zones():
        raise TimeZoneUnknown
    if currency not in currencies():
        raise CurrencyUnknown
