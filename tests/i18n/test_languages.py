"""Which language a request is answered in: what its reader wants most of what we speak."""

import pytest

from kedang_platform.i18n import choose_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh", "zh-CN"),
        ("zh-CN", "zh-CN"),
        ("ZH-cn", "zh-CN"),
        ("zh-Hans-CN", "zh-CN"),
        ("zh-TW", "zh-CN"),  # the only Chinese we have
        ("zh-Hant-HK", "zh-CN"),
        ("zh_CN", "zh-CN"),  # a locale of a terminal
        ("en", "en"),
        ("en-GB", "en"),
        ("en-US,en;q=0.5", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("fr", "en"),
        ("fr-FR,fr;q=0.9", "en"),
        ("fr,zh;q=0.4", "zh-CN"),
        ("zhuang,enochian", "en"),
    ],
)
def test_a_header_of_a_browser_chooses(header, language):
    assert choose_language(header) == language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("en;q=0.5,zh-CN;q=0.9", "zh-CN"),
        ("zh;q=0.3, en;q=0.31", "en"),
        ("en; q=0.2 , zh ; q=0.7", "zh-CN"),
        ("zh;q=0,en;q=0.1", "en"),
        ("en;q=0,zh;q=0.001", "zh-CN"),
        ("zh;q=0", "en"),
        ("zh;q=0.8,en;q=0.8", "zh-CN"),  # wanted alike: the first one
        ("en;q=0.8,zh;q=0.8", "en"),
        ("en;Q=0.1,zh", "zh-CN"),
        ("zh-TW;q=0.2,en;q=0.5,zh-CN;q=1.0", "zh-CN"),
    ],
)
def test_weights_count_and_not_the_order(header, language):
    assert choose_language(header) == language


@pytest.mark.parametrize(
    "header",
    ["", " ", ",", ";", ";q=1", "*", "zh;q=2", "zh;q=-1", "zh;q=nan", "zh;q=", "zh;q=0.9999", "zh CN", "中文", "\x00",
     "z" * 9, "fr," * 5000 + "zh"],
)  # fmt: skip
def test_what_is_broken_unknown_or_indifferent_wants_nothing(header):
    assert choose_language(header) == "en"
    assert choose_language(header, "zh-CN") == "zh-CN"


def test_a_broken_part_leaves_the_others():
    assert choose_language("en;q=x, ,;, zh;q=0.5") == "zh-CN"


def test_the_first_wish_that_we_speak_counts():
    assert choose_language(None, "", "fr", "zh-CN", "en") == "zh-CN"
    assert choose_language("en", "zh-CN") == "en"
    assert choose_language() == "en"
    assert choose_language(None) == "en"
