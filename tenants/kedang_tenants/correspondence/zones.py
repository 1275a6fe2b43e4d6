"""The time zone in which somebody lives, as far as country and region of their customer tell it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.core import get_global

_MOST_LIVE_IN: Final[Mapping[str, str]] = {
    "AR": "America/Argentina/Buenos_Aires",
    "AU": "Australia/Sydney",
    "BR": "America/Sao_Paulo",
    "CA": "America/Toronto",
    "CD": "Africa/Kinshasa",
    "CL": "America/Santiago",
    "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia",
    "DE": "Europe/Berlin",
    "EC": "America/Guayaquil",
    "ES": "Europe/Madrid",
    "FM": "Pacific/Pohnpei",
    "GL": "America/Nuuk",
    "ID": "Asia/Jakarta",
    "KI": "Pacific/Tarawa",
    "KZ": "Asia/Almaty",
    "MH": "Pacific/Majuro",
    "MN": "Asia/Ulaanbaatar",
    "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur",
    "NZ": "Pacific/Auckland",
    "PF": "Pacific/Tahiti",
    "PG": "Pacific/Port_Moresby",
    "PS": "Asia/Gaza",
    "PT": "Europe/Lisbon",
    "RU": "Europe/Moscow",
    "UA": "Europe/Kyiv",
    "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}
"""Where most people of a country with several zones live."""

# Regions as they are written: the code of ISO 3166-2 and the name; a state in two zones is where most of it lives.
_REGIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "US": {
        "America/Chicago": (
            "AL Alabama|AR Arkansas|IL Illinois|IA Iowa|KS Kansas|LA Louisiana|MN Minnesota|MS Mississippi|MO Missouri|"
            "NE Nebraska|ND North Dakota|OK Oklahoma|SD South Dakota|TN Tennessee|TX Texas|WI Wisconsin"
        ),
        "America/Denver": "CO Colorado|ID Idaho|MT Montana|NM New Mexico|UT Utah|WY Wyoming",
        "America/Phoenix": "AZ Arizona",
        "America/Los_Angeles": "CA California|NV Nevada|OR Oregon|WA Washington",
        "America/Anchorage": "AK Alaska",
        "Pacific/Honolulu": "HI Hawaii",
    },
    "CA": {
        "America/Halifax": "NB New Brunswick|NS Nova Scotia|PE Prince Edward Island",
        "America/St_Johns": "NL Newfoundland and Labrador|NL Newfoundland",
        "America/Winnipeg": "MB Manitoba",
        "America/Regina": "SK Saskatchewan",
        "America/Edmonton": "AB Alberta|NT Northwest Territories",
        "America/Vancouver": "BC British Columbia",
        "America/Whitehorse": "YT Yukon",
    },
    "AU": {
        "Australia/Brisbane": "QLD Queensland",
        "Australia/Adelaide": "SA South Australia",
        "Australia/Darwin": "NT Northern Territory",
        "Australia/Perth": "WA Western Australia",
        "Australia/Hobart": "TAS Tasmania",
    },
    "BR": {
        "America/Manaus": "AM Amazonas|RO Rondônia|RO Rondonia|RR Roraima|MT Mato Grosso|MS Mato Grosso do Sul",
        "America/Rio_Branco": "AC Acre",
    },
    "RU": {
        "Europe/Kaliningrad": "KGD Kaliningrad",
        "Europe/Samara": "SAM Samara|UD Udmurtia",
        "Asia/Yekaterinburg": "SVE Sverdlovsk|CHE Chelyabinsk|PER Perm|TYU Tyumen|ORE Orenburg|BA Bashkortostan",
        "Asia/Omsk": "OMS Omsk",
        "Asia/Novosibirsk": "NVS Novosibirsk|TOM Tomsk|ALT Altai Krai|KEM Kemerovo",
        "Asia/Krasnoyarsk": "KYA Krasnoyarsk",
        "Asia/Irkutsk": "IRK Irkutsk|BU Buryatia",
        "Asia/Yakutsk": "SA Yakutia|AMU Amur|ZAB Zabaykalsky",
        "Asia/Vladivostok": "PRI Primorsky|KHA Khabarovsk",
        "Asia/Kamchatka": "KAM Kamchatka",
    },
}


def _by_name(regions: Mapping[str, str]) -> Mapping[str, str]:
    found = {}
    for zone, said in regions.items():
        for region in said.split("|"):
            code, _, name = region.partition(" ")
            found[code.casefold()] = found[name.casefold()] = zone
    return found


_BY_REGION: Final = {country: _by_name(regions) for country, regions in _REGIONS.items()}


@lru_cache(maxsize=4096)
def zone_of(country: str | None, region: str | None, *, otherwise: str) -> str:
    """The name of the zone of a country (ISO 3166-1) and region; ``otherwise``, the company's, where none is known.

    In a country with several zones, without a region that is known, it is the one in which most people live.
    """
    if not country:
        return otherwise
    named = (region or "").strip().casefold().removeprefix(f"{country.casefold()}-")
    by_region = _BY_REGION.get(country, {}).get(named)
    zones = get_global("territory_zones").get(country, ())
    found = by_region or _MOST_LIVE_IN.get(country) or (zones[0] if len(zones) == 1 else None)
    return found if found and _is_known(found) else otherwise


def _is_known(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True
