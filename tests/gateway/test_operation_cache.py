"""What is remembered of documents stays within its bytes, whatever and however many are sent."""

import gc

import pytest
from graphql import Token
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import VariableValues

from kedang_graphql.engine.arguments import page_of
from kedang_graphql.engine.operations import OperationCache
from kedang_graphql.engine.selection import RecordNode
from kedang_graphql.schema import build_gateway
from kedang_platform.errors import BadUserInput, KedangError
from kedang_tenants.catalogue import catalogue
from tests.support.attacks import ATTACKS

pytestmark = pytest.mark.requirement("I1")
MOST = 400_000


@pytest.fixture
def cache() -> OperationCache:
    gateway = build_gateway()
    return OperationCache(gateway.core, catalogue(), gateway.roots, MOST)


def planned(cache: OperationCache, text: str, variables=None) -> object:
    operation = cache.get(text)
    definition = operation.definition(None)
    values = cache.variables(definition, variables or {})
    assert isinstance(values, VariableValues)
    cache.measure(operation, definition)
    return cache.plan(operation, definition, values)


def test_distinct_documents_without_end_take_no_more_than_they_may(cache):
    counts = set()
    for n in range(1000):
        planned(cache, f"{{ t{n}: tags {{ totalCount }} }}")
        assert 0 < cache.held_bytes <= MOST
        if n >= 500:
            counts.add(cache.entries)
    assert len(counts) == 1, "as many are remembered after 1,000 as after 500"
    assert 10 < counts.pop() < 100


def test_documents_that_are_refused_take_no_more_either(cache):
    for n in range(3):
        for attack in ATTACKS.values():
            try:
                cache.get(f"{attack.query} # {n}")
            except KedangError:
                continue
            assert cache.held_bytes <= MOST or cache.entries == 1


def test_what_cannot_be_parsed_is_remembered_without_what_was_read_of_it(cache):
    fields = " ".join(f"field{n}" for n in range(900))
    held = tokens()
    kept = cache.get(f"{{ {fields} ]")
    assert [error.message for error in kept.errors] == ["Syntax Error: Expected Name, found ']'."]
    assert tokens() == held


def tokens() -> int:
    """How many tokens of documents are in the memory of this process."""
    gc.collect()
    return sum(isinstance(thing, Token) for thing in gc.get_objects())


def test_the_documents_used_last_are_remembered(cache):
    often = "{ tags { totalCount } }"
    first = cache.get(often)
    seldom = cache.get("{ seldom: tags { totalCount } }")
    for n in range(200):
        cache.get(f"{{ t{n}: tags {{ totalCount }} }}")
        assert cache.get(often) is first
    assert cache.get("{ seldom: tags { totalCount } }") is not seldom


def test_plans_of_one_document_are_bounded_and_weighed(cache):
    names = [f"v{n}" for n in range(6)]
    text = (
        f"query ({' '.join(f'${name}: Boolean!' for name in names)}) {{ tags {{ totalCount }} "
        + " ".join(f"{name}: tags @include(if: ${name}) {{ totalCount }}" for name in names)
        + " }"
    )
    weights = []
    for number in range(64):
        planned(cache, text, {name: bool(number >> n & 1) for n, name in enumerate(names)})
        weights.append(cache.held_bytes)
    assert cache.entries == 1
    assert len(cache.get(text).plans) == 16
    assert weights[15] == max(weights) == weights[-1] > 2 * weights[0]
    assert min(weights[16:]) == weights[0]


def test_an_operation_that_was_forgotten_while_it_ran_weighs_nothing(cache):
    operation = cache.get("{ old: tags { totalCount } }")
    definition = operation.definition(None)
    values = cache.variables(definition, {})
    assert isinstance(values, VariableValues)
    for n in range(200):
        cache.get(f"{{ t{n}: tags {{ totalCount }} }}")
    before = cache.held_bytes
    assert cache.plan(operation, definition, values) is not None
    assert cache.held_bytes == before


def selected(cache: OperationCache, operation, *, short: bool) -> object:
    definition = operation.definition(None)
    values = cache.variables(definition, {"short": short})
    details = [FieldDetails(definition.selection_set.selections[0], None)]
    return cache.selected(operation, "tag", details, values, lambda: RecordNode(catalogue().record("tag")))


def test_what_a_payload_selects_is_found_out_once_for_what_its_directives_say(cache):
    operation = cache.get(
        "mutation ($short: Boolean!) { archiveTag(input: {id: 1}) { record { id name @skip(if: $short) } } }"
    )
    before = cache.held_bytes
    once = selected(cache, operation, short=True)
    weighed = cache.held_bytes
    assert weighed > before
    assert selected(cache, operation, short=True) is once
    assert cache.held_bytes == weighed
    assert selected(cache, operation, short=False) is not once


@pytest.mark.parametrize(("largest", "points"), [(250, 4), (1000, 11)])
def test_pages_may_be_larger_where_the_operator_says_so(largest, points):
    gateway = build_gateway()
    cache = gateway.operation_cache(largest)
    operation = cache.get("{ tags(first: 1000) { nodes { id } } }")
    assert cache.measure(operation, operation.definition(None)).requested({}) == points
    assert page_of({"first": largest}, largest=largest).limit == largest
    with pytest.raises(BadUserInput):
        page_of({"first": largest + 1}, largest=largest)
