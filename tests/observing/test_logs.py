"""The formatter: what has no known shape, or was put together while the program runs, is left out."""

import ast
import logging
import warnings

import asyncpg
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedang_platform.errors import Forbidden
from kedang_platform.observing import tracing
from kedang_platform.observing.logs import _EVENT, FACTS, SECURITY, SECURITY_ONLY, LineFormatter, as_console
from tests.house.test_layout import ROOT

pytestmark = pytest.mark.requirement("O3")

CANARY = "Zitronenfalter"
FORMATTER = LineFormatter("test", as_json=True)


@pytest.fixture
def say():
    """A logger of a library, and the lines that come of what it says."""
    told = []

    class Handler(logging.Handler):
        def emit(self, record):
            told.append(FORMATTER.format(record))

    logger = logging.getLogger("some.library")
    handler = Handler()
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, lambda: [orjson.loads(line) for line in told]
    logger.removeHandler(handler)
    logger.propagate = True


def test_of_a_library_only_what_stands_in_its_program_is_told(say):
    logger, lines = say
    logger.warning("the query %s failed", CANARY)
    logger.warning(f"the query {CANARY} failed")  # noqa: G004 - as libraries do
    logger.warning("the query {} failed".format(CANARY))  # noqa: G001, UP032 - put together as libraries do
    first, *others = lines()
    assert (first["event"], first["logger"]) == ("library.told", "some.library")
    assert first["text"] == "the query %s failed"
    assert first["at"].startswith("observing/test_logs.py:")
    assert [line["text"] for line in others] == ["", ""]
    assert CANARY not in str(lines())


def test_of_an_error_its_type_and_places_are_told(say):
    logger, lines = say

    def broken():
        raise ValueError(CANARY) from LookupError(CANARY)

    try:
        broken()
    except ValueError:
        logger.exception("it broke")
    (line,) = lines()
    assert (line["error"], line["because"]) == ("ValueError", ["LookupError"])
    assert [place.rpartition(":")[0] for place in line["places"]] == [
        "observing/test_logs.py:test_of_an_error_its_type_and_places_are_told",
        "observing/test_logs.py:broken",
    ]
    assert CANARY not in str(line)


def test_of_expected_failures_and_of_the_database_the_code_is_told(say):
    logger, lines = say
    logger.warning("refused", exc_info=Forbidden("{what} is not yours", what=CANARY))
    broken = asyncpg.UniqueViolationError(f"Key (name)=({CANARY}) already exists.")
    logger.warning("broken", exc_info=broken)
    refused, taken = lines()
    assert (refused["code"], taken["sqlstate"]) == ("FORBIDDEN", "23505")
    assert CANARY not in str(lines())


def record(event, name="kedang.test", **facts):
    made = logging.LogRecord(name, logging.INFO, __file__, 1, event, (), None)
    made.kedang_facts = facts
    return orjson.loads(FORMATTER.format(made))


@settings(max_examples=60)
@given(
    st.sampled_from([*sorted(FACTS), "recipient", "name"]),
    st.one_of(st.text(), st.binary(), st.lists(st.text())),
)
def test_a_fact_of_another_shape_is_left_out(name, value):
    line = record("job.failed", **{name: f"{CANARY} {value}" if isinstance(value, str) else value})
    assert name not in line or name == "event"


@pytest.mark.parametrize("amount", [10**30, -(10**30), float("inf"), float("nan")])
def test_a_number_that_no_line_holds_is_left_out_and_the_line_stands(amount):
    line = record("job.failed", count=amount, kind="mail.send")
    assert (line["event"], line["kind"], "count" in line) == ("job.failed", "mail.send", False)


def test_who_is_told_by_the_security_log_alone():
    who = dict.fromkeys(sorted(SECURITY_ONLY - {"network"}), "0190a6b0-0000-7000-8000-000000000001")
    assert not SECURITY_ONLY & record("job.failed", **who, network="10.0.0.0/24").keys()
    assert record("sign_in.failed", SECURITY, **who, network="10.0.0.0/24").keys() >= SECURITY_ONLY


def test_an_event_that_is_no_name_is_left_out():
    assert CANARY not in str(record(f"job {CANARY}"))


def test_lines_of_one_request_have_its_trace():
    with tracing.span("graphql.query") as asked:
        assert record("operation.answered")["trace"] == asked.trace_id
    assert "trace" not in record("operation.answered")


def test_a_line_is_one_line():
    assert "\n" not in FORMATTER.format(logging.LogRecord("x", 20, "", 1, "a\nb\x1b[31m", (), None))
    line = {"time": "t", "level": "info", "event": "e.f", "process": "p", "text": "a b", "places": ["x:y:1"]}
    assert as_console(line) == 't INFO e.f text="a b"\n    x:y:1'
    assert as_console(line | {"text": "a\nb\x1b[31m", "places": []}) == 't INFO e.f text="a b [31m"'


def test_a_warning_is_told_by_its_category():
    from kedang_platform.observing.logs import _warned

    assert warnings.showwarning is not _warned  # only a process of the product has it so


def test_every_line_of_the_product_has_a_name_and_known_facts():
    """Every call of a logger in the product, read out of its source."""
    wrong = []
    for folder in ("platform", "tenants", "graphql", "workers", "migrations"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for call in logging_calls(ast.parse(file.read_text(encoding="utf-8"))):
                where = f"{file.relative_to(ROOT)}:{call.lineno}"
                event = call.args[0] if len(call.args) == 1 else None
                either = [event.body, event.orelse] if isinstance(event, ast.IfExp) else [event]
                if not all(
                    isinstance(one, ast.Constant) and _EVENT.fullmatch(str(one.value)) for one in either
                ):
                    wrong.append(f"{where}: no event of its own")
                wrong += [
                    f"{where}: {keyword.arg}"
                    for keyword in call.keywords
                    if keyword.arg not in {*FACTS, "exc_info", None}
                ]
    assert wrong == []


def logging_calls(tree):
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"log", "_log"}
            and not (node.args and isinstance(node.args[0], ast.Name) and node.args[0].id == "event")
            and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
        ):
            yield node
