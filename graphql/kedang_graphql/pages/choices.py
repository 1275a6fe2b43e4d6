"""What is offered to choose from when a company signs up, named in the language of the page."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from babel.core import Locale
from babel.dates import get_timezone_location

from kedang_graphql.pages.forms import Choice, Group
from kedang_platform.i18n import Language, msg, translate
from kedang_platform.search_text import name_sort
from kedang_platform.time_zones import time_zones
from kedang_tenants.opening import countries, currencies

LANGUAGES: Sequence[Group] = (Group("", (Choice("zh-CN", "中文"), Choice("en", "English"))),)
_AREAS = {
    "Africa": msg("Africa"),
    "America": msg("America"),
    "Antarctica": msg("Antarctica"),
    "Arctic": msg("Arctic"),
    "Asia": msg("Asia"),
    "Atlantic": msg("Atlantic"),
    "Australia": msg("Australia"),
    "Europe": msg("Europe"),
    "Indian": msg("Indian Ocean"),
    "Pacific": msg("Pacific"),
}


def usual(language: Language) -> dict[str, str]:
    """What stands in the form at first: a guess from the language of the page."""
    if language == "zh-CN":
        return {"country": "CN", "language": "zh-CN", "timeZone": "Asia/Shanghai", "currency": "CNY"}
    return {"country": "US", "language": "en", "timeZone": "America/New_York", "currency": "USD"}


@cache
def country_choices(language: Language) -> Sequence[Group]:
    names = _locale(language).territories
    return (Group("", _sorted([Choice(code, str(names[code])) for code in countries()])),)


@cache
def currency_choices(language: Language) -> Sequence[Group]:
    names = _locale(language).currencies
    return (
        Group("", tuple(Choice(code, f"{code} · {names.get(code, code)}") for code in sorted(currencies()))),
    )


@cache
def time_zone_choices(language: Language) -> Sequence[Group]:
    """By continent, each by the city that names it."""
    groups: dict[str, list[Choice]] = {area: [] for area in _AREAS}
    for zone in time_zones() - {"UTC"}:
        city = get_timezone_location(zone, locale=_locale(language), return_city=True)
        groups[zone.partition("/")[0]].append(Choice(zone, str(city)))
    named = [
        Group(translate(_AREAS[area], language), _sorted(choices))
        for area, choices in groups.items()
        if choices
    ]
    return (*named, Group("", (Choice("UTC", "UTC"),)))


def _locale(language: Language) -> Locale:
    return Locale.parse(language, sep="-")


def _sorted(choices: Sequence[Choice]) -> Sequence[Choice]:
    """In the order in which people look things up: Chinese by its sound."""
    return tuple(sorted(choices, key=lambda choice: name_sort(choice.label)))
