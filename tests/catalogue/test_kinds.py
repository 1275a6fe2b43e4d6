"""What each kind of field takes, keeps and reads back from a file."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.i18n import LANGUAGES, msg, translate
from kedang_tenants.catalogue import (
    ChoiceKind,
    ChoicesKind,
    ColourKind,
    CountryKind,
    CurrencyKind,
    DayKind,
    DecimalKind,
    EmailKind,
    FlagKind,
    InstantKind,
    IntegerKind,
    InvalidValue,
    LocalisedKind,
    MoneyKind,
    Option,
    PhoneKind,
    ReferenceKind,
    TextKind,
    TimeOfDayKind,
    WordsKind,
    catalogue,
    contribute,
)
from kedang_tenants.catalogue.custom import CustomField, custom_expression
from kedang_tenants.catalogue.kinds import decimal_text

CHOICE = ChoiceKind((Option("BUYER", msg("Buyer")), Option("BANK", msg("Bank"))))
CHOICES = ChoicesKind(CHOICE.options)
texts = st.text(st.characters(exclude_categories=("Cs",)))


def refusal(kind, value, *, text: bool = False) -> str:
    with pytest.raises(InvalidValue) as refused:
        kind.read_text(value) if text else kind.check(value)
    return refused.value.reason


@given(texts, st.booleans())
def test_text_is_kept_trimmed_and_without_control_characters_and_only_once_changed(value, multiline):
    kind = TextKind(1000, multiline)
    kept = kind.check(value)
    if kept is None:
        return
    assert kept == kept.strip() != ""
    assert not any((ord(sign) < 32 and sign not in "\n\r\t") or ord(sign) == 127 for sign in kept)
    assert multiline or not {"\n", "\r"} & set(kept)
    assert kind.check(kept) == kept


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (TextKind(5), "  ab\x00c ", "abc"),
        (TextKind(5), "a\r\n  b", "a b"),
        (TextKind(5, multiline=True), "a\n b", "a\n b"),
        (TextKind(5), " \t\n", None),
        (TextKind(2), "  档案  ", "档案"),
        (EmailKind(), " Nancy@Northwind.EXAMPLE ", "nancy@northwind.example"),
        (EmailKind(), "", None),
        (PhoneKind(), "(5) 555-4729", "(5) 555-4729"),
        (ColourKind(), "#FFAA00", "#ffaa00"),
        (CurrencyKind(), "usd", "USD"),
        (CountryKind(), "de", "DE"),
        (CHOICE, "BANK", "BANK"),
        (CHOICES, ["BUYER", "BANK", "BUYER"], ["BANK", "BUYER"]),
        (CHOICES, [], []),
        (FlagKind(), False, False),
        (IntegerKind(0, 10), 10, 10),
        (MoneyKind(), -(10**15), -(10**15)),
        (DecimalKind(), Decimal("0.000001"), Decimal("0.000001")),
        (DecimalKind(), "12.5", Decimal("12.5")),
        (DecimalKind(), 12.5, Decimal("12.5")),
        (DecimalKind(), Decimal("1.5000000000"), Decimal("1.5")),
        (DayKind(), date(2024, 2, 29), date(2024, 2, 29)),
        (TimeOfDayKind(), " 9:05 ", "09:05"),
        (TimeOfDayKind(), "00:00", "00:00"),
        (TimeOfDayKind(), "24:00", "24:00"),
        (LocalisedKind(), {"en": " A ", "zh": None}, {"en": "A"}),
        (LocalisedKind(), {"en": "", "zh": "甲"}, {"zh": "甲"}),
        (WordsKind(), ["a", " a ", "", "b"], ["a", "b"]),
    ],
)
def test_what_is_kept(kind, given, kept):
    assert kind.check(given) == kept
    assert type(kind.check(given)) is type(kept)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (TextKind(2), "abc", "TOO_LONG"),
        (TextKind(), 1, "INVALID_TEXT"),
        (TextKind(), None, "INVALID_TEXT"),
        (EmailKind(), "a@b", "INVALID_EMAIL"),
        (EmailKind(), "a b@c.de", "INVALID_EMAIL"),
        (EmailKind(), "a@b@c.de", "INVALID_EMAIL"),
        (EmailKind(), "x" * 250 + "@b.example", "TOO_LONG"),
        (ColourKind(), "#12345g", "INVALID_COLOUR"),
        (CurrencyKind(), "ZZZ", "UNKNOWN_CURRENCY"),
        (CountryKind(), "ZZ", "UNKNOWN_VALUE"),
        (CHOICE, "buyer", "UNKNOWN_VALUE"),
        (CHOICE, ["BUYER"], "UNKNOWN_VALUE"),
        (CHOICES, "BUYER", "INVALID_LIST"),
        (CHOICES, ["KING"], "UNKNOWN_VALUE"),
        (FlagKind(), 1, "INVALID_FLAG"),
        (FlagKind(), "true", "INVALID_FLAG"),
        (IntegerKind(), 1.0, "INVALID_NUMBER"),
        (IntegerKind(), True, "INVALID_NUMBER"),
        (IntegerKind(0, 10), 11, "OUT_OF_RANGE"),
        (IntegerKind(), 2**31, "OUT_OF_RANGE"),
        (DecimalKind(), Decimal("NaN"), "INVALID_NUMBER"),
        (DecimalKind(), Decimal("Infinity"), "INVALID_NUMBER"),
        (DecimalKind(), "1,000", "INVALID_NUMBER"),
        (DecimalKind(), True, "INVALID_NUMBER"),
        (DecimalKind(), [[1]], "INVALID_NUMBER"),
        (DecimalKind(), Decimal(10**12), "OUT_OF_RANGE"),
        (DecimalKind(), Decimal("0.0000001"), "TOO_PRECISE"),
        (DayKind(), datetime(2024, 1, 1, tzinfo=UTC), "INVALID_DATE"),
        (DayKind(), "2024-01-01", "INVALID_DATE"),
        (DayKind(), date(1, 1, 1), "INVALID_DATE"),
        (TimeOfDayKind(), "24:01", "INVALID_TIME"),
        (TimeOfDayKind(), "9:5", "INVALID_TIME"),
        (TimeOfDayKind(), "noon", "INVALID_TIME"),
        (TimeOfDayKind(), 9, "INVALID_TEXT"),
        (InstantKind(), datetime(2024, 1, 1), "INVALID_INSTANT"),  # noqa: DTZ001 - that is what is wrong
        (InstantKind(), date(2024, 1, 1), "INVALID_INSTANT"),
        (InstantKind(), datetime(1, 1, 1, tzinfo=UTC), "INVALID_INSTANT"),
        (ReferenceKind(), "01a20133-2eba-7001-9458-b090ec3f3f2f", "NOT_FOUND"),
        (LocalisedKind(), {}, "REQUIRED"),
        (LocalisedKind(), "text", "REQUIRED"),
        (LocalisedKind(), {"en": " ", "zh": ""}, "REQUIRED"),
        (LocalisedKind(3), {"en": "text"}, "TOO_LONG"),
        (LocalisedKind(), {"en": 5}, "INVALID_TEXT"),
        (WordsKind(), "a", "INVALID_LIST"),
        (WordsKind(2), ["a", "b", "c"], "TOO_MANY"),
        (WordsKind(), [1], "INVALID_TEXT"),
    ],
)
def test_what_is_refused(kind, value, reason):
    assert refusal(kind, value) == reason


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (CHOICE, " bank ", "BANK"),
        (CHOICES, "Bank；buyer", ["BANK", "BUYER"]),
        (FlagKind(), "Yes", True),
        (FlagKind(), "否", False),
        (IntegerKind(), "1,234", 1234),
        (IntegerKind(), "12.00", 12),
        (DecimalKind(), "1,234.5", Decimal("1234.5")),
        (
            DecimalKind(),
            "1，000.5",
            Decimal("1000.5"),
        ),
        (DayKind(), "1996-07-04", date(1996, 7, 4)),
        (DayKind(), "1996/7/4", date(1996, 7, 4)),
        (DayKind(), "1996年7月4日", date(1996, 7, 4)),
        (DayKind(), "19960704", date(1996, 7, 4)),
        (DayKind(), "1996-07-04 00:00:00", date(1996, 7, 4)),
        (InstantKind(), "2024-01-01T08:00:00+08:00", datetime(2024, 1, 1, tzinfo=UTC)),
        (CountryKind(), "China", "CN"),
        (CountryKind(), "德国", "DE"),
        (LocalisedKind(), "x", {"en": "x", "zh": "x"}),
        (WordsKind(), "a; b；c|d", ["a", "b", "c", "d"]),
    ],
)
def test_what_a_cell_means(kind, cell, value):
    assert kind.read_text(cell) == value


@pytest.mark.requirement("A9")
@pytest.mark.parametrize(
    ("kind", "cell", "reason"),
    [
        (CHOICE, "king", "UNKNOWN_VALUE"),
        (FlagKind(), "perhaps", "INVALID_FLAG"),
        (IntegerKind(), "1.5", "INVALID_NUMBER"),
        (IntegerKind(), "", "INVALID_NUMBER"),
        (DecimalKind(), "one", "INVALID_NUMBER"),
        (DayKind(), "2024-02-30", "INVALID_DATE"),
        (DayKind(), "2024-02-29 12:00", "INVALID_DATE"),
        (DayKind(), "", "INVALID_DATE"),
        (InstantKind(), "2024-01-01T08:00:00", "INVALID_INSTANT"),
        (CountryKind(), "Atlantis", "UNKNOWN_VALUE"),
    ],
)
def test_cells_that_mean_nothing(kind, cell, reason):
    assert refusal(kind, cell, text=True) == reason


ROUND = st.one_of(
    st.tuples(
        st.just(TextKind()),
        texts.map(TextKind(10**6).check).filter(bool).map(lambda t: t[:200].strip()).filter(bool),
    ),
    st.tuples(st.just(CHOICE), st.sampled_from(["BUYER", "BANK"])),
    st.tuples(st.just(CHOICES), st.sets(st.sampled_from(["BUYER", "BANK"])).map(sorted)),
    st.tuples(st.just(FlagKind()), st.booleans()),
    st.tuples(st.just(IntegerKind()), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just(DecimalKind()), st.decimals(-(10**11), 10**11, places=6)),
    st.tuples(st.just(DayKind()), st.dates(date(2, 1, 1), date(9998, 12, 31))),
    st.tuples(
        st.just(InstantKind()),
        st.integers(-(10**10), 10**11).map(lambda n: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=n)),
    ),
)


@pytest.mark.requirement("A9")
@given(ROUND)
def test_what_is_written_to_a_cell_is_read_back(pair):
    kind, value = pair
    if value == []:
        assert kind.write_text(value) == ""
        return
    assert kind.read_text(kind.write_text(value)) == value


def test_choices_are_read_by_their_labels_in_every_language():
    for language in LANGUAGES:
        assert CHOICE.read_text(translate("Buyer", language)) == "BUYER"


def test_decimals_are_written_plainly():
    numbers = ["12.500000", "0", "0E+3", "1E+3", "-0.10", "0.000001"]
    told = ["12.5", "0", "0", "1000", "-0.1", "0.000001"]
    assert [decimal_text(Decimal(number)) for number in numbers] == told


def test_a_contributed_field_does_not_take_the_place_of_another():
    from kedang_tenants.catalogue import field
    from kedang_tenants.customers.models import Customer

    with pytest.raises(ValueError, match="Customer has name already"):
        contribute(Customer, "name", field(TextKind(), label="Name"))


def test_an_own_field_enters_no_sql_but_by_its_id():
    field = CustomField("0a1b", "customer", "size", "DECIMAL", "Size", "尺寸")
    assert custom_expression("t.custom", field) == "(t.custom ->> '0a1b')::numeric"
    with pytest.raises(ValueError, match="not the id"):
        custom_expression("t.custom", CustomField("0' OR 1", "customer", "x", "TEXT", "", ""))


def test_names_in_the_catalogue_are_unambiguous():
    """What the API calls a field, a relation, a record is said once."""
    words = {"id", "customFields", "custom", "search", "AND", "OR", "NOT"}
    plurals: set[str] = set()
    for record in catalogue():
        names = [f.api_name for f in record.visible_fields] + [r.api_name for r in record.relations.values()]
        assert len(names) == len(set(names)), record.name
        assert not words & set(names), record.name
        assert len(record.prefix) == 3
        plurals |= {record.api_plural, record.api_name[0].lower() + record.api_name[1:]}
    assert len(plurals) == 2 * len(list(catalogue()))
    assert len({record.prefix for record in catalogue()}) == len(list(catalogue()))
