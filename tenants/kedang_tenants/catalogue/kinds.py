"""The kinds of values that a field can hold: one place for storing, checking, reading and writing each.

A value enters from two sides. ``check`` takes what an API client sent, already of the kind's Python
type; ``read_text`` takes what stands in a cell of a file. Both return the value to be stored or
raise ``InvalidValue`` with a stable code.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Boolean, Date, DateTime, Integer, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from kedang_platform.errors import KedangError
from kedang_platform.i18n import LANGUAGES, msg, translate
from kedang_platform.money import UnknownCurrency, minor_digits
from kedang_platform.phones import country_code

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAK = re.compile(r"\s*[\r\n]+\s*")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+")
_TIME_OF_DAY = re.compile(r"(?:[01]?[0-9]|2[0-3]):[0-5][0-9]|24:00")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_TRUE = frozenset({"1", "true", "yes", "y", "是", "对"})
_FALSE = frozenset({"0", "false", "no", "n", "否", "不"})
_DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y%m%d")


class InvalidValue(KedangError):
    """A value does not fit the kind of its field; ``reason`` is the stable code told to people."""

    def __init__(self, reason: str, message: str, **params: Any) -> None:
        super().__init__(message, **params)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; ``code`` is upper-case and the same in storage and in the API."""

    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Kind(ABC):
    """The base of all kinds."""

    sortable: ClassVar[bool] = True
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "in", "not_in", "is_null")

    @abstractmethod
    def column_type(self) -> TypeEngine[Any]: ...

    def check(self, value: object) -> object:
        """The value to store; raises InvalidValue."""
        return value

    def read_text(self, text: str) -> object:
        """The value that a file's cell means; raises InvalidValue."""
        return self.check(text)

    def write_text(self, value: object) -> str:
        """The cell that ``read_text`` reads back as ``value``."""
        return str(value)


_ORDERED = ("eq", "ne", "in", "not_in", "lt", "lte", "gt", "gte", "is_null")


@dataclass(frozen=True, slots=True)
class TextKind(Kind):
    """Text of at most ``max_length`` characters, trimmed, without control characters."""

    max_length: int = 200
    multiline: bool = False
    operators: ClassVar[tuple[str, ...]] = (*_ORDERED, "contains", "starts_with")

    def column_type(self) -> TypeEngine[Any]:
        return Text(collation="C")

    def check(self, value: object) -> object:
        if not isinstance(value, str):
            raise InvalidValue("INVALID_TEXT", msg("This must be text."))
        text = value.strip()
        if not text.isprintable():  # neither control characters nor line breaks are printable
            text = _CONTROL.sub("", text).strip()
            if not self.multiline:
                text = _LINE_BREAK.sub(" ", text)
        if len(text) > self.max_length:
            raise InvalidValue(
                "TOO_LONG", msg("At most {limit} characters are allowed here."), limit=self.max_length
            )
        return self.form(text) if text else None

    def form(self, text: str) -> str:
        """The one way in which a text is kept; raises InvalidValue for what is none of this kind."""
        return text


@dataclass(frozen=True, slots=True)
class EmailKind(TextKind):
    """An e-mail address, kept in lower case (RFC 5321 limits it to 254 characters)."""

    max_length: int = 254

    def form(self, text: str) -> str:
        address = text.lower()
        if not _EMAIL.fullmatch(address):
            raise InvalidValue("INVALID_EMAIL", msg("This is not an e-mail address."))
        return address


@dataclass(frozen=True, slots=True)
class PhoneKind(TextKind):
    """A telephone number as people write it; the international form is derived beside it."""

    max_length: int = 60
    operators: ClassVar[tuple[str, ...]] = (*TextKind.operators, "ending")


@dataclass(frozen=True, slots=True)
class ColourKind(TextKind):
    """A colour as ``#rrggbb``."""

    max_length: int = 7

    def form(self, text: str) -> str:
        colour = text.lower()
        if not _COLOUR.fullmatch(colour):
            raise InvalidValue("INVALID_COLOUR", msg("A colour is written as #rrggbb."))
        return colour


@dataclass(frozen=True, slots=True)
class TimeOfDayKind(TextKind):
    """A time of the day to the minute as ``HH:MM``, wherever the company is; ``24:00`` is the end of the day.

    Kept as text, in which two digits for the hour make the order of texts that of times.
    """

    max_length: int = 5

    def form(self, text: str) -> str:
        if not _TIME_OF_DAY.fullmatch(text):
            raise InvalidValue("INVALID_TIME", msg("A time of the day is written as 09:30."))
        return text.zfill(5)


@dataclass(frozen=True, slots=True)
class CurrencyKind(TextKind):
    """A currency by its ISO 4217 code, in capitals."""

    max_length: int = 3

    def form(self, text: str) -> str:
        code = text.upper()
        try:
            minor_digits(code)
        except UnknownCurrency as error:
            raise InvalidValue(error.code, error.message, **error.params) from None
        return code


@dataclass(frozen=True, slots=True)
class CountryKind(TextKind):
    """A country by its ISO 3166-1 alpha-2 code; in a file also by its name in English or Chinese."""

    max_length: int = 2

    def form(self, text: str) -> str:
        code = country_code(text)
        if code is None:
            raise InvalidValue("UNKNOWN_VALUE", msg("“{value}” is not a country."), value=text)
        return code

    def read_text(self, text: str) -> object:
        code = country_code(text)
        if code is None:
            raise InvalidValue("UNKNOWN_VALUE", msg("“{value}” is not a country."), value=text.strip()[:50])
        return code


@dataclass(frozen=True, slots=True)
class ChoiceKind(Kind):
    """One of fixed options; in a file its code or its label in any of our languages is understood."""

    options: tuple[Option, ...] = ()

    def column_type(self) -> TypeEngine[Any]:
        return Text(collation="C")

    def check(self, value: object) -> object:
        if any(option.code == value for option in self.options):
            return value
        shown = str(value)[:50] if isinstance(value, str | int | float) else "…"
        raise InvalidValue("UNKNOWN_VALUE", msg("“{value}” is not one of the choices."), value=shown)

    def read_text(self, text: str) -> object:
        wanted = text.strip().casefold()
        for option in self.options:
            if wanted in _names(option):
                return option.code
        return self.check(text)


@cache
def _names(option: Option) -> set[str]:
    """What people call an option: its code, and its label in each of our languages."""
    return {option.code.casefold(), *(translate(option.label, lang).casefold() for lang in LANGUAGES)}


@dataclass(frozen=True, slots=True)
class ChoicesKind(Kind):
    """Several of fixed options, without order, each at most once."""

    options: tuple[Option, ...] = ()
    sortable: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ("has", "is_null")

    def column_type(self) -> TypeEngine[Any]:
        return ARRAY(Text(collation="C"))

    def check(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise InvalidValue("INVALID_LIST", msg("This must be a list."))
        one = ChoiceKind(self.options)
        return sorted({str(one.check(item)) for item in value})

    def read_text(self, text: str) -> object:
        one = ChoiceKind(self.options)
        parts = [part for part in re.split(r"[,;，；、|]", text) if part.strip()]
        return sorted({str(one.read_text(part)) for part in parts})

    def write_text(self, value: object) -> str:
        return ";".join(value) if isinstance(value, list) else ""


@dataclass(frozen=True, slots=True)
class FlagKind(Kind):
    """Yes or no."""

    operators: ClassVar[tuple[str, ...]] = ("eq", "is_null")

    def column_type(self) -> TypeEngine[Any]:
        return Boolean()

    def check(self, value: object) -> object:
        if isinstance(value, bool):
            return value
        raise InvalidValue("INVALID_FLAG", msg("This must be yes or no."))

    def read_text(self, text: str) -> object:
        word = text.strip().casefold()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise InvalidValue("INVALID_FLAG", msg("This must be yes or no."))

    def write_text(self, value: object) -> str:
        return "true" if value else "false"


@dataclass(frozen=True, slots=True)
class IntegerKind(Kind):
    """A whole number between ``minimum`` and ``maximum``, both included."""

    minimum: int = -(2**31)
    maximum: int = 2**31 - 1
    operators: ClassVar[tuple[str, ...]] = _ORDERED

    def column_type(self) -> TypeEngine[Any]:
        return Integer()

    def check(self, value: object) -> object:
        if not isinstance(value, int) or isinstance(value, bool):
            raise InvalidValue("INVALID_NUMBER", msg("This must be a whole number."))
        if not self.minimum <= value <= self.maximum:
            raise InvalidValue(
                "OUT_OF_RANGE",
                msg("This must lie between {minimum} and {maximum}."),
                minimum=self.minimum,
                maximum=self.maximum,
            )
        return value

    def read_text(self, text: str) -> object:
        number = _read_decimal(text)
        if number != number.to_integral_value():
            raise InvalidValue("INVALID_NUMBER", msg("This must be a whole number."))
        return self.check(int(number))


@dataclass(frozen=True, slots=True)
class MoneyKind(IntegerKind):
    """An amount in minor units of the currency beside it (design 7)."""

    minimum: int = -(10**15)
    maximum: int = 10**15

    def column_type(self) -> TypeEngine[Any]:
        return BigInteger()


def _read_decimal(text: str) -> Decimal:
    """The number in a file's cell, where commas and blanks part thousands."""
    return _decimal(text.strip().replace(",", "").replace("，", "").replace(" ", ""))


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise InvalidValue("INVALID_NUMBER", msg("“{value}” is not a number."), value=text[:50]) from None
    if not number.is_finite():
        raise InvalidValue("INVALID_NUMBER", msg("“{value}” is not a number."), value=text[:50])
    return number


@dataclass(frozen=True, slots=True)
class DecimalKind(Kind):
    """An exact number with at most 12 digits before and 6 after the point; a decimal string in the API."""

    minimum: Decimal = Decimal(-(10**12) + 1)
    maximum: Decimal = Decimal(10**12 - 1)
    operators: ClassVar[tuple[str, ...]] = _ORDERED

    def column_type(self) -> TypeEngine[Any]:
        return Numeric(18, 6)

    def check(self, value: object) -> object:
        if not isinstance(value, Decimal | int | float | str) or isinstance(value, bool):
            raise InvalidValue("INVALID_NUMBER", msg("This must be a number."))
        number = _decimal(str(value))
        if not self.minimum <= number <= self.maximum:
            raise InvalidValue(
                "OUT_OF_RANGE",
                msg("This must lie between {minimum} and {maximum}."),
                minimum=self.minimum,
                maximum=self.maximum,
            )
        exponent = number.normalize().as_tuple().exponent
        if isinstance(exponent, int) and exponent < -6:
            raise InvalidValue("TOO_PRECISE", msg("At most 6 digits after the point are kept."))
        return number

    def read_text(self, text: str) -> object:
        return self.check(_read_decimal(text))

    def write_text(self, value: object) -> str:
        return decimal_text(value) if isinstance(value, Decimal) else str(value)


def decimal_text(number: Decimal) -> str:
    """The shortest plain notation of a number: ``12.5``, never ``12.500000`` or ``1.25E+1``."""
    return format(number.normalize(), "f") if number else "0"


@dataclass(frozen=True, slots=True)
class DayKind(Kind):
    """A calendar day of the company, without a time."""

    operators: ClassVar[tuple[str, ...]] = _ORDERED

    def column_type(self) -> TypeEngine[Any]:
        return Date()

    def check(self, value: object) -> object:
        if isinstance(value, date) and not isinstance(value, datetime) and 1 < value.year < 9999:
            return value
        raise InvalidValue("INVALID_DATE", msg("This is not a date."))

    def read_text(self, text: str) -> object:
        cleaned = text.strip()
        day, _, rest = cleaned.partition(" ")
        for form in _DATE_FORMS:
            try:
                parsed = datetime.strptime(day, form).replace(tzinfo=UTC).date()
            except ValueError:
                continue
            if not rest or re.fullmatch(r"0?0:00(:00)?", rest):
                return self.check(parsed)
        raise InvalidValue("INVALID_DATE", msg("“{value}” is not a date."), value=cleaned[:50])


@dataclass(frozen=True, slots=True)
class InstantKind(Kind):
    """A moment in time, aware; stored in UTC. The first and last years are left out: in another zone they end."""

    operators: ClassVar[tuple[str, ...]] = _ORDERED

    def column_type(self) -> TypeEngine[Any]:
        return DateTime(timezone=True)

    def check(self, value: object) -> object:
        if isinstance(value, datetime) and value.tzinfo is not None and 1 < value.year < 9999:
            return value
        raise InvalidValue("INVALID_INSTANT", msg("This must be a time with its zone."))

    def read_text(self, text: str) -> object:
        try:
            return self.check(datetime.fromisoformat(text.strip()))
        except ValueError:
            raise InvalidValue("INVALID_INSTANT", msg("This must be a time with its zone.")) from None

    def write_text(self, value: object) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True)
class ReferenceKind(Kind):
    """The id of a record of the same company; ``target`` names its record type."""

    target: str = ""
    sortable: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ("eq", "ne", "in", "not_in", "is_null")

    def column_type(self) -> TypeEngine[Any]:
        return Uuid()

    def check(self, value: object) -> object:
        if isinstance(value, UUID):
            return value
        raise InvalidValue("NOT_FOUND", msg("There is no such record."))


@dataclass(frozen=True, slots=True)
class TreeReferenceKind(ReferenceKind):
    """The id of a record that lies in others of its kind, by a reference of its own: it can be asked for with all below it."""

    operators: ClassVar[tuple[str, ...]] = (*ReferenceKind.operators, "within")


@dataclass(frozen=True, slots=True)
class LocalisedKind(Kind):
    """A company's own text in our languages: ``{"en": …, "zh": …}``, at least one of them."""

    max_length: int = 200
    multiline: bool = False
    sortable: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ("is_null",)

    def column_type(self) -> TypeEngine[Any]:
        return JSONB(none_as_null=True)

    def check(self, value: object) -> object:
        texts = value if isinstance(value, Mapping) else {}
        one = TextKind(self.max_length, self.multiline)
        given = {lang: one.check(texts[lang]) for lang in ("en", "zh") if texts.get(lang) is not None}
        kept = {lang: text for lang, text in given.items() if text}
        if not kept:
            raise InvalidValue("REQUIRED", msg("At least one language must be filled in."))
        return kept

    def read_text(self, text: str) -> object:
        return self.check({"en": text, "zh": text})

    def write_text(self, value: object) -> str:
        return next(iter(value.values()), "") if isinstance(value, dict) else ""


@dataclass(frozen=True, slots=True)
class WordsKind(Kind):
    """A list of at most ``most`` different short texts, in the order given."""

    most: int = 100
    max_length: int = 100
    sortable: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ("has", "is_null")

    def column_type(self) -> TypeEngine[Any]:
        return ARRAY(Text(collation="C"))

    def check(self, value: object) -> object:
        if not isinstance(value, list | tuple):
            raise InvalidValue("INVALID_LIST", msg("This must be a list."))
        one = TextKind(self.max_length)
        words = [str(word) for word in dict.fromkeys(one.check(item) for item in value) if word]
        if len(words) > self.most:
            raise InvalidValue("TOO_MANY", msg("At most {limit} entries are allowed here."), limit=self.most)
        return words

    def read_text(self, text: str) -> object:
        return self.check(re.split(r"[;；|]", text))

    def write_text(self, value: object) -> str:
        return ";".join(value) if isinstance(value, list) else ""


@dataclass(frozen=True, slots=True)
class DocumentKind(Kind):
    """A structured value that the product writes and people only read."""

    sortable: ClassVar[bool] = False
    operators: ClassVar[tuple[str, ...]] = ("is_null",)
    default: Mapping[str, object] = field(default_factory=dict)

    def column_type(self) -> TypeEngine[Any]:
        return JSONB(none_as_null=True)
