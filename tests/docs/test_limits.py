"""The table of limits says what the code says."""

import re
from pathlib import Path

import pytest

from kedang_graphql import http, idempotency
from kedang_graphql.engine import aggregates, arguments, cost, limits, requests, verbs
from kedang_platform.files import receiving
from kedang_platform.identity import api_keys
from kedang_platform.settings import Settings
from kedang_tenants.bulk import errors as bulk
from kedang_tenants.changing import repeating
from kedang_tenants.people import custom_fields
from kedang_tenants.reading import groups, kept, planner
from kedang_tenants.trade import orders
from kedang_tenants.webhooks import guards as webhooks
from tests.docs.codes import codes
from tests.docs.pages import CHINESE, GUIDE

_ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<number>[\d,]+)[^|]* \| (?:`(?P<code>\w+)`)? ?\|$", re.MULTILINE
)
_DEFAULTS = {name: field.default for name, field in Settings.model_fields.items()}
LIMITS = {
    "points of a bucket": _DEFAULTS["cost_points"],
    "points that come back each second": _DEFAULTS["cost_points_per_second"],
    "body of a request": http.LARGEST_BODY,
    "body of a request without credential": http.LARGEST_ANONYMOUS_BODY,
    "time for the body to arrive": _DEFAULTS["body_timeout"],
    "document": limits.LONGEST_DOCUMENT,
    "tokens of a document": limits.MOST_TOKENS,
    "levels of a selection": limits.DEEPEST,
    "aliases": limits.MOST_ALIASES,
    "directives": limits.MOST_DIRECTIVES,
    "mutations in a document": limits.MOST_MUTATIONS,
    "`__schema` in a document": limits.MOST_SCHEMAS,
    "`__type` in a document": limits.MOST_TYPES,
    "values in the variables": limits.MOST_VALUES,
    "records of a page": _DEFAULTS["largest_page"],
    "ids of `nodes`": arguments.LARGEST_PAGE,
    "records that an answer could hold": requests.MOST_NODES,
    "levels of a filter": arguments.DEEPEST_FILTER,
    "segments in a filter, with those that they name": kept.MOST_KEPT,
    "segments and relations in one another": kept.DEEPEST,
    "conditions that segments bring into a filter": kept.MOST_PARTS,
    "values of `in`, entries of `AND` and `OR`": arguments.LONGEST_LIST,
    "sortings": arguments.MOST_SORTS,
    "characters of a search": arguments.LONGEST_SEARCH,
    "keys of a group": aggregates.MOST_KEYS,
    "groups": groups.MOST_GROUPS,
    "counting of `totalCount`": planner.TOTAL_LIMIT,
    "inputs of a batch": verbs.MOST_INPUTS,
    "records that the inputs of a batch bring along": verbs.MOST_BELOW,
    "lines of `placeOrder`": orders.MOST_LINES,
    "characters of an idempotency key": idempotency.LONGEST_KEY,
    "hours that an idempotency key is kept": repeating.KEPT.total_seconds() / 3600,
    "living API keys of a company": api_keys._MOST_KEYS,
    "webhooks of a company": webhooks.MOST,
    "own fields of a record": custom_fields.MOST_PER_RECORD,
    "bytes of a file": receiving.LARGEST_FILE,
    "lines of a bulk import": bulk.MOST_LINES,
    "bytes of a line of a bulk import": bulk.LONGEST_LINE,
    "WebSockets of a credential in a process": _DEFAULTS["live_connections"],
    "operations under way on a WebSocket": _DEFAULTS["live_operations"],
    "time of a statement in the database": _DEFAULTS["statement_timeout"],
}


def rows(page: Path) -> list[tuple[str, int, str]]:
    return [
        (row["what"], int(row["number"].replace(",", "")), row["code"])
        for row in _ROW.finditer(page.read_text())
    ]


@pytest.mark.requirement("I1")
def test_the_table_says_what_the_code_says():
    listed = {what: number for what, number, _ in rows(GUIDE / "limits.md")}
    assert listed == LIMITS


def test_what_happens_beyond_is_a_code_or_a_word_of_the_api():
    told = {code for _, _, code in rows(GUIDE / "limits.md") if code}
    assert told - set(codes()) == {"hasMoreGroups", "AT_LEAST", "1013"}


def test_the_table_is_the_same_in_both_languages():
    english, chinese = rows(GUIDE / "limits.md"), rows(CHINESE / "limits.md")
    assert [row[1:] for row in chinese] == [row[1:] for row in english]


@pytest.mark.parametrize("folder", [GUIDE, CHINESE], ids=["en", "zh-CN"])
def test_prices_are_those_that_are_charged(folder):
    page = (folder / "limits.md").read_text()
    prices = re.findall(r"^\| ([^|]+) \| (\d+)(?:, and 1|，|,)?[^|]* \|$", page.split("```")[0], re.MULTILINE)
    assert [int(price) for _, price in prices] == [1, 1, cost.CHANGE, cost.SUMMARY]
    assert str(cost.NODES_PER_POINT) in prices[1][0]
