import csv
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.phones import Phone, country_code, ending_of, number_asked, read_phone

NORTHWIND = resources.files("kedang_workers") / "demo" / "northwind"


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader((NORTHWIND / name).read_text("utf-8").splitlines()))


def test_48_of_the_91_customers_of_northwind_have_a_valid_number():
    phones = [read_phone(c["phone"], country_code(c["country"])) for c in rows("customers.csv")]
    assert len(phones) == 91
    assert sum(phone.e164 is not None for phone in phones) == 48
    assert [phone.raw for phone in phones] == [c["phone"] for c in rows("customers.csv")]


def test_every_country_of_northwind_is_known():
    named = {r["country"] for name in ("customers.csv", "suppliers.csv", "employees.csv") for r in rows(name)}
    assert len(named) == 25
    assert {name for name in named if country_code(name) is None} == set()
    assert country_code("UK") == "GB"
    assert country_code("USA") == "US"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Germany", "DE"), (" germany ", "DE"), ("德国", "DE"), ("DE", "DE"), ("U.S.A.", "US"), ("美国", "US"),
        ("中国", "CN"), ("中华人民共和国", "CN"), ("China", "CN"), ("中国香港特别行政区", "HK"), ("香港", "HK"),
        ("United Kingdom", "GB"), ("英国", "GB"), ("Korea", "KR"), ("South Korea", "KR"), ("ＣＮ", "CN"),
        ("Viet Nam", "VN"), ("Holland", "NL"), ("Atlantis", None), ("", None), ("XX", None),
    ],
)  # fmt: skip
def test_countries_are_read_in_two_languages(name, code):
    assert country_code(name) == code


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("030-0074321", "DE", "+49300074321"),
        ("(010) 6512 3456", "CN", "+861065123456"),
        ("１３８ ００１３ ８０００", "CN", "+8613800138000"),
        ("+86 138-0013-8000", None, "+8613800138000"),
        ("138 0013 8000", None, None),
        ("555-4729", "MX", None),
        ("ask the porter", "DE", None),
        ("", "DE", None),
    ],
)
def test_e164_stands_only_where_the_number_is_valid(text, country, e164):
    assert read_phone(text, country).e164 == e164


def test_an_invalid_number_keeps_its_text_and_its_digits_without_the_extension():
    assert read_phone("(5) 555-4729 转 12", "MX") == Phone("(5) 555-4729 转 12", None, "92745555")


@pytest.mark.parametrize(
    "text",
    [
        "010-65123456转12", "010-6512 3456 ext. 12", "(010) 65123456-8012", "010 65123456#9", "010-65123456 x12",
        "01065123456 (转 12)", "010-65123456 分机号：12", "+86 10 6512 3456;ext=12", "tel:+86-10-6512-3456;ext=12",
        "tel:010-65123456;phone-context=+86", "sip:+861065123456@pbx.example;user=phone", "callto:+861065123456",
        "０１０－６５１２３４５６轉１２", "0086 10 6512 3456", "+86 (0)10 6512 3456",
    ],
)  # fmt: skip
def test_extensions_and_what_telephone_systems_write_are_no_part_of_the_number(text):
    assert read_phone(text, "CN") == Phone(text, "+861065123456", "654321560168")
    assert number_asked(text, "CN").whole[0] == "654321560168"


def test_up_to_eight_digits_are_asked_for_as_an_ending_even_where_they_are_a_valid_number():
    asked = number_asked("6512 3456", "HK")
    assert (asked.e164, asked.ending) == ("+85265123456", "65432156")
    assert asked.whole == ("65432156258", "65432156")


def test_a_number_kept_without_its_area_is_a_part_of_the_whole_one():
    kept = read_phone("(5) 555-4729", "MX")
    asked = number_asked("+52 5 555 4729", "CN")
    assert kept.e164 is None
    assert kept.digits_reversed in asked.parts
    assert read_phone("0621-08460", None).digits_reversed in number_asked("+49 621 08460", None).parts


@pytest.mark.parametrize(
    "asked", ["8000", "00138000", "138 0013 8000", "013800138000", "+86 138 0013 8000", "0086 138 0013 8000"]
)
def test_a_number_is_found_by_its_ending_however_it_is_written(asked):
    stored = read_phone("138-0013-8000", "CN").digits_reversed
    assert stored.startswith(ending_of(asked, "CN"))
    assert len(ending_of(asked, "CN")) >= 4


def test_an_ending_of_other_digits_is_another_number():
    stored = read_phone("138-0013-8000", "CN").digits_reversed
    assert not stored.startswith(ending_of("00138001", "CN"))
    assert ending_of("nobody", "CN") == ""


@given(st.text(), st.sampled_from(["CN", "DE", "US", None]))
def test_any_text_can_be_read_and_is_kept(text, country):
    phone = read_phone(text, country)
    assert phone.raw == text
    assert phone.digits_reversed.isascii()
    assert set(phone.digits_reversed) <= set("0123456789")


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.integers(1, 11))
def test_every_ending_of_a_stored_number_finds_it(number, length):
    stored = read_phone(number, "CN").digits_reversed
    assert stored.startswith(ending_of(number[-length:], None))
