import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kedang_platform.search_text import (
    NAME_SORT_CHARS,
    _readings,
    like_pattern,
    name_sort,
    normal_form,
    query_tokens,
    tokens,
)

HAN = "重庆长沙厦门银行阿里巴巴有限公司科技股份北京上海𠮷"
LATIN = "abcdefxyz0123456789 .&-_%\\'"
mixed = st.text(st.sampled_from(HAN + LATIN), max_size=40)


def like(pattern: str, text: str) -> bool:
    """What PostgreSQL's LIKE answers to a pattern of ours: %literal% with backslash as escape."""
    literal = pattern[1:-1]
    for special in "%_\\":
        literal = literal.replace("\\" + special, "\0" + str(ord(special)) + "\0")
    for special in "%_\\":
        literal = literal.replace("\0" + str(ord(special)) + "\0", special)
    return literal in text


def test_chinese_is_indexed_by_signs_and_pairs_latin_also_by_triples():
    assert tokens("北京ABC") == sorted(["北", "京", "a", "b", "c", "北京", "京a", "ab", "bc", "abc"])
    assert query_tokens("北京abc") == sorted(["北京", "京a", "abc"])
    assert query_tokens("京") == ["京"]
    assert query_tokens("B") == ["b"]
    assert query_tokens("Bc") == ["bc"]
    assert query_tokens("abcd") == ["abc", "bcd"]
    assert query_tokens("公 司") == ["公", "司"]
    assert query_tokens("  ") == []


def test_width_case_and_blanks_make_no_difference():
    assert normal_form("　ＡＢＣ（上海）\t 有限\x00公司 ") == "abc(上海) 有限 公司"
    assert tokens("ＡＢＣ") == tokens("abc")
    assert normal_form("Straße") == "strasse"


@given(st.text())
def test_the_normal_form_is_a_fixed_point(text):
    assert normal_form(normal_form(text)) == normal_form(text)


@given(st.data(), st.one_of(mixed, st.text(max_size=40)))
def test_every_part_of_a_text_finds_it(data, text):
    plain = normal_form(text)
    start = data.draw(st.integers(0, len(plain)))
    part = plain[start : data.draw(st.integers(start, len(plain)))]
    assert set(query_tokens(part)) <= set(tokens(text))
    assert query_tokens(part) or not normal_form(part)


@given(st.one_of(mixed, st.text(max_size=20)), st.one_of(mixed, st.text(max_size=5)))
def test_the_like_pattern_means_contains_and_nothing_more(text, query):
    assert like(like_pattern(query), normal_form(text)) == (normal_form(query) in normal_form(text))


def test_special_signs_of_like_are_escaped():
    assert like_pattern("50%_a\\") == "%50\\%\\_a\\\\%"


def test_names_come_in_peoples_order():
    people = [
        "章伟",
        "zebra",
        "张伟",
        "北京",
        "Beijing Foods",
        "阿里",
        "Alfreds",
        "重庆",
        "长沙",
        "Émile",
        "绿地",
        "卢氏",
        "（上海）甲",
    ]
    assert sorted(people, key=name_sort) == [
        "阿里", "Alfreds", "北京", "Beijing Foods", "长沙", "重庆", "Émile",
        "卢氏", "绿地", "（上海）甲", "zebra", "张伟", "章伟",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("重庆", "chong2重qing4庆"),
        ("银行", "yin2银hang2行"),
        ("厦门", "xia4厦men2门"),
        ("Ørsted A/S", "orsted a/s"),
        ("", ""),
        ("…", "..."),
    ],
)
def test_readings_follow_the_pair_they_stand_in(name, key):
    assert name_sort(name) == key


def test_readings_of_all_signs_are_known():
    singles, pairs = _readings()
    assert len(singles) > 40_000
    assert len(pairs) > 3_000
    assert {reading[-1] for reading in singles.values()} == set("12345")


@given(st.text(st.sampled_from(HAN), min_size=1, max_size=200))
def test_a_key_always_fits_a_b_tree_entry(name):
    assert len(name_sort(name).encode()) <= NAME_SORT_CHARS * 11
    assert name_sort(name) == name_sort(name[:NAME_SORT_CHARS])


def test_a_hundred_thousand_names_are_prepared_in_seconds():
    names = [f"重庆市{first}{second}科技有限公司" for first in HAN[:10] for second in HAN[:10]] * 1000
    began = time.process_time()
    keys = [name_sort(name) for name in names]
    sorted_at = time.process_time()
    grams = [tokens(name) for name in names]
    done = time.process_time()
    assert len(keys) == len(grams) == 100_000
    assert sorted_at - began < 5
    assert done - sorted_at < 3
