"""One spelling of an address is one person."""

import pytest

from kedang_platform.identity.emails import clean_name, normalise
from kedang_platform.identity.errors import InvalidEmail, NameMissing


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" Andrew.Fuller@Northwind.Example ", "andrew.fuller@northwind.example"),
        ("li.wei+crm@例子.公司", "li.wei+crm@xn--fsqu00a.xn--55qx5d"),
        ("a@b.co", "a@b.co"),
        ("o'neil_{x}@sub.domain.example", "o'neil_{x}@sub.domain.example"),
    ],
)
def test_an_address_is_kept_in_one_spelling(typed, kept):
    assert normalise(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "fuller",
        "@northwind.example",
        "fuller@",
        "fuller@localhost",
        "fuller@-northwind.example",
        "fuller@north wind.example",
        "fuller@northwind..example",
        "fuller@northwind.example\nBcc: x@y.example",
        "fuller\x00@northwind.example",
        "李伟@northwind.example",
        '"a b"@northwind.example',
        "Andrew <fuller@northwind.example>",
        "a" * 65 + "@northwind.example",
        "a@" + "b" * 64 + ".example",
        "a@" + ".".join(["b" * 60] * 5),
    ],
)
def test_anything_else_is_refused(typed):
    with pytest.raises(InvalidEmail):
        normalise(typed)


def test_a_name_stands_on_one_line():
    assert clean_name("  Andrew \r\n\tFuller\x00 ") == "Andrew Fuller"
    assert clean_name("李 伟") == "李 伟"
    for wrong in ("", " \n ", "x" * 101):
        with pytest.raises(NameMissing):
            clean_name(wrong)
