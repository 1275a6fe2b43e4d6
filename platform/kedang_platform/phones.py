"""Telephone numbers as people write them, and countries as data names them.

The text of a person is always kept. E.164 exists beside it only where the number is valid in its country.
"""

from __future__ import annotations

import re
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
# A number kept without its area has at least so many digits: 555-4729.
_LOCAL_DIGITS: Final = 7
_LONGEST: Final = 20  # E.164 has at most 15 digits; an international prefix stands before them

_LONGEST_TEXT: Final = 250  # what is longer is no number, and not worth a search for its parts

# What telephone systems put before and after a number (RFC 3966 tel:, RFC 3261 sip:).
_URI: Final = re.compile(r"\s*(?P<scheme>tel|callto|sips?):", re.IGNORECASE)
_EXTENSION: Final = re.compile(
    r"[\s,;/(]*(?:;ext=|\bext(?:ension|n)?\b|转接|转|轉|分机号?|分機|内线|內線|(?<=\d)\s*[x#])[\s.:号=]*(?P<digits>\d{1,7})[\s)]*$",
    re.IGNORECASE,
)
# In China an extension often stands behind a mere hyphen: 010-65123456-8012.
_HYPHENATED: Final = re.compile(r"(?<=\d{7})\s*-\s*\d{1,6}\s*$")


@dataclass(frozen=True, slots=True)
class Phone:
    """One number: the text as given, E.164 only when valid, and its digits from the end for look-ups."""

    raw: str
    e164: str | None
    digits_reversed: str


def read_phone(text: str, country: str | None) -> Phone:
    """Read a number written in ``country`` (ISO 3166 alpha-2; ``None`` when unknown: only +... is then valid).

    Never fails: what is not valid has ``e164`` ``None`` and its digits in ``digits_reversed``. Of a valid
    number these are the digits of the E.164 form, so that every way of writing it has one ending. An
    extension (``ext. 12``, ``转12``) is no part of the number, and neither is ``tel:`` before it.
    """
    plain = _without_extension(_dialled(text))
    e164 = _valid_e164(plain, country) or _valid_before_hyphen(plain, country)
    digits = e164[1:] if e164 else _digits(plain.partition(";")[0] if ";phone-context=" in plain else plain)
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


@dataclass(frozen=True, slots=True)
class NumberAsked:
    """How the numbers that are kept, their digits reversed, are compared with one that somebody asks for.

    ``ending`` is what they begin with. Those that equal one of ``whole`` are the very number. ``parts``
    holds what the number may be kept as where its area or country is left out: that says something
    only of numbers that are kept without E.164.
    """

    e164: str | None
    ending: str
    whole: tuple[str, ...]
    parts: tuple[str, ...]


def number_asked(text: str, country: str | None) -> NumberAsked:
    """Read what somebody types, or a telephone system tells, to find out whose number it is.

    Up to eight digits are the end of a number wherever it is; more are a whole one, with or without
    country, area and trunk prefix. ``ending`` may be shorter than what was asked with, even empty: zeros
    before a whole number are a prefix.
    """
    phone = read_phone(text, country)
    given = _digits(_without_extension(_dialled(text)).partition(";")[0])[::-1]
    whole = tuple(dict.fromkeys((phone.digits_reversed, given)))
    if len(given) <= _ENDING_DIGITS:
        return NumberAsked(phone.e164, given, whole, ())
    ending = phone.digits_reversed if phone.e164 else given.rstrip("0")
    whole = tuple(dict.fromkeys((*whole, ending)))
    return NumberAsked(phone.e164, ending, whole, _parts(ending))


def _parts(ending: str) -> tuple[str, ...]:
    """The beginnings of reversed digits that may be a number without its area, also behind a trunk prefix 0."""
    if len(ending) > _LONGEST:
        return ()
    beginnings = [ending[:length] for length in range(_LOCAL_DIGITS, len(ending))]
    return tuple(part for beginning in beginnings for part in (beginning, beginning + "0"))


def country_code(name: str) -> str | None:
    """ISO 3166 alpha-2 of a country named in English or Chinese, or by its alpha-2 code; ``None`` if unknown."""
    return _country_names().get(_plain(name))


def _valid_before_hyphen(text: str, country: str | None) -> str | None:
    shorter = _HYPHENATED.sub("", text) if len(text) <= _LONGEST_TEXT else text
    return None if shorter == text else _valid_e164(shorter, country)


def _valid_e164(text: str, country: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _dialled(text: str) -> str:
    """What is dialled: a telephone system's address without its scheme and host."""
    uri = _URI.match(text)
    if uri is None:
        return text
    rest = text[uri.end() :]
    return rest.partition("@")[0] if uri["scheme"].lower().startswith("sip") else rest


def _without_extension(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return _EXTENSION.sub("", plain) if len(plain) <= _LONGEST_TEXT else plain


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
