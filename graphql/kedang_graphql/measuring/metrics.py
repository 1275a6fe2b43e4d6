"""What a process tells of itself to Prometheus: no company, no person, no document, no name of an operation.

Whatever is counted anyway is read when it is asked for; nothing is added to the way of a request. Each process
tells its own figures. The page is there only where the operator has set a token, and for whoever bears it.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import time
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kedang_graphql.authentication import bearer_of
from kedang_graphql.engine.operations import OperationCache
from kedang_graphql.measuring.measurer import Measurer
from kedang_graphql.measuring.sums import Spread
from kedang_platform.database import Databases
from kedang_platform.observing import metrics as figures
from kedang_platform.settings import Settings

_LOOK_EVERY: Final = 0.5
_PAUSES: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


class Probes:
    """How late the event loop comes to what is due, and how long the collector of garbage holds everything up."""

    def __init__(self) -> None:
        self.lag = Spread(_PAUSES)
        self.pauses = Spread(_PAUSES)
        self._began = 0.0
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        gc.callbacks.append(self._collecting)
        self._looking = asyncio.get_running_loop().create_task(self._look())

    def stop(self) -> None:
        gc.callbacks.remove(self._collecting)
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self) -> None:
        while True:
            due = time.perf_counter() + _LOOK_EVERY
            await asyncio.sleep(_LOOK_EVERY)
            self.lag.add(max(time.perf_counter() - due, 0.0))

    def _collecting(self, phase: str, _info: Mapping[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.pauses.add(time.perf_counter() - self._began)


class Metrics(Collector):
    """Everything that the process tells; ``token`` opens the page."""

    def __init__(
        self, measurer: Measurer, databases: Databases, operations: OperationCache, *, token: str
    ) -> None:
        super().__init__()
        self._measurer = measurer
        self._operations = operations
        self._token = token.encode()
        self._probes = Probes()
        self._pools = figures.Pools(databases)

    @classmethod
    def started(
        cls, settings: Settings, measurer: Measurer, databases: Databases, operations: OperationCache
    ) -> Metrics | None:
        """The metrics, which look at the event loop and the collector of garbage from now on; None without a token."""
        if settings.metrics_token is None:
            return None
        token = settings.metrics_token.get_secret_value()
        metrics = cls(measurer, databases, operations, token=token)
        metrics._probes.start()
        return metrics

    def stop(self) -> None:
        self._probes.stop()

    def opens_for(self, bearer: str | None) -> bool:
        return bearer is not None and hmac.compare_digest(bearer.encode(), self._token)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return figures.text(self, self._pools)

    def collect(self) -> Iterator[Metric]:
        yield from self._of_operations()
        yield from self._of_cache()
        yield _spread("kedang_event_loop_lag_seconds", "How late the event loop was.", self._probes.lag)
        yield _spread("kedang_gc_pause_seconds", "How long a collection took.", self._probes.pauses)

    def _of_operations(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "kedang_operations", "Operations answered.", labels=["kind", "way", "outcome"]
        )
        for (kind, way, outcome), count in list(self._measurer.outcomes.items()):
            answers.add_metric([kind.lower(), way, outcome], count)
        yield answers
        sums = [([kind.lower(), way], found) for (kind, way), found in list(self._measurer.sums.items())]
        labels = ["kind", "way"]
        for name, text, told in (
            ("kedang_operation_seconds", "Duration of operations.", [(at, s.seconds) for at, s in sums]),
            (
                "kedang_operation_sql_seconds",
                "Time that operations waited for the database.",
                [(at, s.sql_seconds) for at, s in sums],
            ),
            (
                "kedang_operation_cost_points",
                "Points that operations cost.",
                [(at, s.points) for at, s in sums],
            ),
        ):
            family = HistogramMetricFamily(name, text, labels=labels)
            for values, spread in told:
                family.add_metric(values, spread.cumulated(), spread.total)
            yield family
        statements = CounterMetricFamily("kedang_sql_statements", "Statements of operations.", labels=labels)
        for values, found in sums:
            statements.add_metric(values, found.statements)
        yield statements

    def _of_cache(self) -> Iterator[Metric]:
        cache = self._operations
        asked = CounterMetricFamily(
            "kedang_document_cache_requests", "Documents looked for.", labels=["result"]
        )
        asked.add_metric(["hit"], cache.hits)
        asked.add_metric(["miss"], cache.misses)
        yield asked
        yield GaugeMetricFamily("kedang_document_cache_bytes", "What they take.", cache.held_bytes)
        yield GaugeMetricFamily("kedang_document_cache_entries", "Documents remembered.", cache.entries)


def _spread(name: str, text: str, spread: Spread) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, text, buckets=spread.cumulated(), sum_value=spread.total)


async def _metrics(request: Request) -> Response:
    metrics: Metrics | None = request.app.state.metrics
    if metrics is None or not metrics.opens_for(bearer_of(request)):
        return Response(status_code=404)  # whether there is such a page is told to nobody else
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST, headers={"cache-control": "no-store"})


routes: tuple[Route, ...] = (Route("/metrics", _metrics),)
