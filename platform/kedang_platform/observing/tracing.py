"""Traces of whole operations, jobs and mails, sent by OTLP over HTTP where KEDANG_OTLP_ENDPOINT says so.

A span bears a name out of the program, codes, counts and kinds: no value, no id of a record, no company. Errors
are codes; messages and tracebacks never get in. What somebody outside says of their own trace is a link, nothing is
continued that we did not begin.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from secrets import token_hex
from time import time_ns
from typing import TYPE_CHECKING, Final, TypeAlias

from kedang_platform.errors import KedangError
from kedang_platform.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Span as SdkSpan
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import SpanContext, Tracer

Fact: TypeAlias = str | int | float | bool

# https://www.w3.org/TR/trace-context/#traceparent-header; an id of zeros only is none.
_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
_LONGEST_QUEUE: Final = 4_096
_SEND_EVERY_MS: Final = 2_000
_SEND_SECONDS: Final = 5.0
_END_SECONDS: Final = 3.0


class Span:
    """A piece of work under way: its place in a trace, and what is told of it. Without tracing only an id for the log."""

    __slots__ = ("_inner", "trace_id")

    def __init__(self, inner: SdkSpan | None, trace_id: str) -> None:
        self._inner = inner
        self.trace_id = trace_id
        """32 hexadecimal digits; what the lines of the log have in common."""

    def tell(self, **facts: Fact) -> None:
        """Add facts; names and values come out of the program."""
        if self._inner is not None:
            for name, value in facts.items():
                self._inner.set_attribute(f"kedang.{name}", value)

    def failed(self, code: str) -> None:
        """The work failed, with this code."""
        if self._inner is not None:
            from opentelemetry.trace import StatusCode

            self._inner.set_attribute("error.type", code)
            self._inner.set_status(StatusCode.ERROR)

    @property
    def address(self) -> str | None:
        """As W3C's traceparent has it; None where no traces are made."""
        if self._inner is None:
            return None
        found = self._inner.get_span_context()
        return None if found is None else f"00-{found.trace_id:032x}-{found.span_id:016x}-01"


_current: ContextVar[Span | None] = ContextVar("kedang_span", default=None)
_tracer: Tracer | None = None


def start(settings: Settings, *, process: str, version: str) -> TracerProvider | None:
    """Make traces from now on, where the settings say where to; the caller ends it with ``stop``."""
    global _tracer
    if settings.otlp_endpoint is None:
        return None
    # What is not asked for is not loaded: the library takes 0.15 s and 15 MB.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    names: Mapping[str, str] = {
        "service.name": f"kedang-{process}",
        "service.version": version,
        "service.instance.id": token_hex(8),
    }
    provider = TracerProvider(resource=Resource(names), shutdown_on_exit=False)
    sending = OTLPSpanExporter(endpoint=settings.otlp_endpoint.get_secret_value(), timeout=_SEND_SECONDS)
    provider.add_span_processor(
        BatchSpanProcessor(sending, max_queue_size=_LONGEST_QUEUE, schedule_delay_millis=_SEND_EVERY_MS)
    )
    _tracer = provider.get_tracer("kedang")
    return provider


def stop(provider: TracerProvider | None) -> None:
    """Make no more, and send what is left; for three seconds at most, whether the collector answers or not."""
    global _tracer
    _tracer = None
    if provider is not None:
        # The library itself waits half a minute for each that does not answer: longer than a drained process has.
        sending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        sending.start()
        sending.join(_END_SECONDS)


def current() -> Span | None:
    """The work under way."""
    return _current.get()


def asked_from() -> str | None:
    """Whence what is asked for now is asked, to be kept with it (``traceparent``); None where no traces are made."""
    span = _current.get()
    return None if span is None else span.address


@contextmanager
def span(name: str, *, link: str | None = None, root: bool = False, **facts: Fact) -> Iterator[Span]:
    """Work from now to the end of the block; part of the work under way unless it is a ``root``.

    ``link`` is a ``traceparent``: whence it was asked for. What is none is left out. An error that leaves the
    block is told by its code.
    """
    made = _open(name, link=link, root=root)
    token = _current.set(made)
    try:
        if facts:
            made.tell(**facts)
        yield made
    except Exception as error:
        made.failed(error.code if isinstance(error, KedangError) else "INTERNAL_ERROR")
        raise
    finally:
        _current.reset(token)
        if made._inner is not None:  # noqa: SLF001 - a span is opened and ended here only
            made._inner.end(time_ns())  # noqa: SLF001


def _open(name: str, *, link: str | None, root: bool) -> Span:
    around = None if root else _current.get()
    if _tracer is None:
        return Span(None, around.trace_id if around is not None else token_hex(16))
    from opentelemetry import trace
    from opentelemetry.context import Context

    within = Context()  # never the library's own current one: nothing else puts spans around ours
    if around is not None and around._inner is not None:  # noqa: SLF001
        within = trace.set_span_in_context(around._inner, within)  # noqa: SLF001
    elsewhere = _parsed(link)
    links = [] if elsewhere is None else [trace.Link(elsewhere)]
    inner = _tracer.start_span(
        name, context=within, links=links, record_exception=False, set_status_on_exception=False
    )
    found = inner.get_span_context()
    return Span(inner, f"{found.trace_id:032x}")  # type: ignore[arg-type]  # the provider's own, not an API stub


def _parsed(link: str | None) -> SpanContext | None:
    from opentelemetry import trace

    found = _TRACEPARENT.fullmatch(link) if link else None
    if found is None:
        return None
    return trace.SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True)
