"""Spans: linked to whence work was asked for, without anything of it; nothing where none are wanted."""

import threading

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from kedang_platform.errors import Forbidden
from kedang_platform.observing import tracing
from kedang_platform.work import NewJob, Registry, RunningJob, enqueue, handler
from tests.support.workers import run_jobs

pytestmark = pytest.mark.requirement("O3")

OUTSIDE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def spans(monkeypatch):
    """Every span that has ended, in that order."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    yield kept.get_finished_spans
    provider.shutdown()


async def test_a_job_is_a_trace_of_its_own_linked_to_what_asked_for_it(spans, databases, company):
    @handler("first", retries=0)
    async def first(job: RunningJob) -> None:
        async with job.finish() as write:
            await enqueue(write, NewJob("second"))

    @handler("second", retries=0)
    async def second(_job: RunningJob) -> None:
        raise ValueError("secret")

    with tracing.span("graphql.operation") as asked:
        async with databases.tenant_write(company.ref) as write:
            await enqueue(write, NewJob("first"))
    await run_jobs(databases, registry=Registry.of(first, second), strict=False)
    operation, one, two = spans()
    assert [span.name for span in (operation, one, two)] == ["graphql.operation", "job", "job"]
    assert f"{operation.context.trace_id:032x}" == asked.trace_id
    assert [span.parent for span in (one, two)] == [None, None]
    assert [link.context.span_id for link in one.links] == [operation.context.span_id]
    assert [link.context.span_id for link in two.links] == [one.context.span_id]
    assert len({span.context.trace_id for span in (operation, one, two)}) == 3
    assert (one.attributes["kedang.kind"], one.attributes["kedang.outcome"]) == ("first", "done")
    assert (two.attributes["error.type"], two.attributes["kedang.outcome"]) == ("INTERNAL_ERROR", "failed")
    assert (two.events, two.status.description) == ((), None)
    assert "secret" not in two.to_json()


def test_a_trace_from_outside_is_a_link_and_what_is_none_is_left_out(spans):
    for link in (OUTSIDE, "00-nonsense", None, OUTSIDE.replace("b7ad6b7169203331", "0" * 16), OUTSIDE + "x"):
        with tracing.span("graphql.request", link=link, root=True):
            pass
    linked, *others = spans()
    assert f"{linked.links[0].context.trace_id:032x}" == OUTSIDE.split("-")[1]
    assert linked.context.trace_id != linked.links[0].context.trace_id
    assert linked.parent is None
    assert [span.links for span in others] == [(), (), (), ()]


def test_what_is_part_of_something_has_its_trace_and_a_failure_is_its_code(spans):
    with pytest.raises(Forbidden), tracing.span("graphql.request"), tracing.span("graphql.operation"):
        raise Forbidden("{what} is not yours", what="secret")
    inner, outer = spans()
    assert inner.parent.span_id == outer.context.span_id
    assert inner.attributes["error.type"] == "FORBIDDEN"
    assert "secret" not in inner.to_json() + outer.to_json()


def test_without_a_collector_only_lines_of_the_log_are_joined():
    with tracing.span("graphql.request") as outer, tracing.span("graphql.operation") as inner:
        assert inner.trace_id == outer.trace_id
        assert tracing.asked_from() is None
    assert tracing.current() is None


def test_a_collector_that_does_not_answer_holds_up_no_process_that_ends(monkeypatch):
    monkeypatch.setattr(tracing, "_END_SECONDS", 0.01)
    answered = threading.Event()

    class Waiting(TracerProvider):
        def shutdown(self):
            assert answered.wait(60)
            super().shutdown()

    tracing.stop(Waiting(shutdown_on_exit=False))
    assert not answered.is_set()
    answered.set()
