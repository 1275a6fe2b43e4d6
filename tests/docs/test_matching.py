"""The comparison that the guide rests on: it finds what differs, and nothing that may differ."""

import pytest

from tests.docs.matching import Known, printed
from tests.docs.pages import CHINESE, GUIDE, pages, parts

ID, OTHER = "cus_" + "0a" * 16, "cus_" + "0b" * 16


def test_what_is_equal_has_no_differences():
    answer = {"data": {"n": 1, "list": [{"a": None}, {"a": "x"}]}}
    assert Known().differences(answer, answer) == []


@pytest.mark.parametrize(
    ("shown", "found"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1], [1, 1]),
        ({"a": "…"}, {"a": None}),
        ({"a": "pro_…1"}, {"a": ID}),
        ({"a": "cus_…1", "b": "cus_…1"}, {"a": ID, "b": OTHER}),
        ({"a": "cus_…1", "b": "cus_…2"}, {"a": ID, "b": ID}),
    ],
)
def test_what_differs_is_found(shown, found):
    assert len(Known().differences(shown, found)) == 1


def test_a_shortened_text_stands_for_one_value_on_a_page():
    known = Known()
    assert known.differences({"a": "cus_…1", "at": "…"}, {"a": ID, "at": "2026-11-22T10:00:00Z"}) == []
    assert known.full('{ "id": "cus_…1" }') == f'{{ "id": "{ID}" }}'
    assert known.shortened({"id": ID, "other": OTHER}) == {"id": "cus_…1", "other": "cus_…2"}


def test_of_what_varies_only_the_kind_is_compared():
    known, varying = Known(), frozenset({"sequence"})
    assert known.differences({"sequence": 1}, {"sequence": 99}, varying=varying) == []
    assert len(known.differences({"sequence": 1}, {"sequence": "99"}, varying=varying)) == 1


def test_answers_are_printed_on_one_line_where_they_fit():
    assert printed({"a": [1, {"b": None}]}) == '{ "a": [1, { "b": null }] }'
    assert printed({"a": ["x" * 60, "y" * 60]}).count("\n") == 5


@pytest.mark.parametrize(
    "page", [*pages(), *pages(CHINESE)], ids=lambda page: f"{page.parent.name}-{page.stem}"
)
def test_no_block_is_passed_over(page):
    text = page.read_text()
    assert text.count("```") == 2 * sum(not part.kind.endswith(":") for part in parts(text))
    assert text.count("<!--") == sum(part.kind.endswith(":") for part in parts(text))


def test_the_guide_executes_what_it_shows():
    shown = [part.kind for page in pages(GUIDE) for part in parts(page.read_text())]
    assert shown.count("graphql") > 50
    assert shown.count("graphql") == sum(kind.startswith("json answer") for kind in shown)
