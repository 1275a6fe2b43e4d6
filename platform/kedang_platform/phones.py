"""Telephone numbers as people write them, and countries as data names them.

The text of a person is always kept. E.164 exists beside it only where the number is valid in its country.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Final

import phonenumbers
from babel.core import Locale
from phonenumbers import NumberParseException, PhoneNumberFormat

# Names that data uses and CLDR does not list, casefolded and without full stops.
_ALIASES: Final = {
    "uk": "GB",
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "usa": "US",
    "united states of america": "US",
    "america": "US",
    "uae": "AE",
    "holland": "NL",
    "the netherlands": "NL",
    "czech republic": "CZ",
    "turkey": "TR",
    "korea": "KR",
    "republic of korea": "KR",
    "russian federation": "RU",
    "viet nam": "VN",
    "pr china": "CN",
    "prc": "CN",
    "people's republic of china": "CN",
    "mainland china": "CN",
    "中华人民共和国": "CN",
    "中国大陆": "CN",
    "hong kong": "HK",
    "香港": "HK",
    "中国香港": "HK",
    "macau": "MO",
    "macao": "MO",
    "澳门": "MO",
    "中国澳门": "MO",
    "中国台湾": "TW",
    "美利坚合众国": "US",
    "大不列颠": "GB",
    "大韩民国": "KR",
}
_ALPHA_2: Final = 2
_NO_COUNTRIES: Final = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ"})
_ENDING_DIGITS: Final = 8


@dataclass(frozen=True, slots=True)
class Phone:
    """One number: the text as given, E.164 only when valid, and its digits from the end for look-ups."""

    raw: str
    e164: str | None
    digits_reversed: str


def read_phone(text: str, country: str | None) -> Phone:
    """Read a number written in ``country`` (ISO 3166 alpha-2; ``None`` when unknown: only +... is then valid).

    Never fails: what is not valid has ``e164`` ``None`` and all its digits in ``digits_reversed``. Of a
    valid number these are the digits of the E.164 form, so that every way of writing it has one ending.
    """
    e164 = _valid_e164(text, country)
    digits = e164[1:] if e164 else _digits(text)
    return Phone(raw=text, e164=e164, digits_reversed=digits[::-1])


def ending_of(text: str, country: str | None) -> str:
    """What ``digits_reversed`` of a stored number starts with when that number ends in ``text``.

    A whole valid number is looked up by its E.164 digits. Otherwise the digits are taken as they stand;
    in more than eight of them leading zeros are a trunk or international prefix, which E.164 leaves out.
    Empty when ``text`` holds no digit.
    """
    phone = read_phone(text, country)
    if phone.e164 or len(phone.digits_reversed) <= _ENDING_DIGITS:
        return phone.digits_reversed
    return phone.digits_reversed.rstrip("0")


def country_code(name: str) -> str | None:
    """ISO 3166 alpha-2 of a country named in English or Chinese, or by its alpha-2 code; ``None`` if unknown."""
    return _country_names().get(_plain(name))


def _valid_e164(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(unicodedata.normalize("NFKC", text), country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _digits(text: str) -> str:
    return "".join(str(unicodedata.digit(char)) for char in text if char.isdigit())


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace(".", "").split())


@cache
def _country_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in ("zh_Hans", "en"):
        for code, name in Locale.parse(language).territories.items():
            if len(code) == _ALPHA_2 and code not in _NO_COUNTRIES:
                names[_plain(str(name))] = code
                names[code.casefold()] = code
    return names | _ALIASES
