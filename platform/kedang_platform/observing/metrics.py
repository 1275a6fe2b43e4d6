"""The instruments of a process, for Prometheus: as fixed as its loggers, and read by ``endpoint`` or the gateway.

Every label has its values from a closed set - kinds of handlers, outcomes, channels, codes -, so that there are as
many series on the last day as on the first. No company, no person, no id, no text.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kedang_platform.database import Databases

REGISTRY: Final = CollectorRegistry()
UNKNOWN: Final = "unknown"
"""What stands for every value that is not in its label's set."""
_TRY_SECONDS: Final = (0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)
_WAIT_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 1800.0)

BUILD: Final = Gauge(
    "kedang_build_info", "What runs here; always 1.", ["process", "version", "python"], registry=REGISTRY
)
JOBS: Final = Counter(
    "kedang_jobs", "Tries of jobs by what came of them.", ["kind", "outcome"], registry=REGISTRY
)
JOB_SECONDS: Final = Histogram(
    "kedang_job_try_seconds", "How long a try took.", ["kind"], buckets=_TRY_SECONDS, registry=REGISTRY
)
JOB_WAIT: Final = Histogram(
    "kedang_job_wait_seconds",
    "From the instant a job was due to its beginning.",
    ["channel", "priority"],
    buckets=_WAIT_SECONDS,
    registry=REGISTRY,
)
MESSAGES: Final = Counter(
    "kedang_messages", "Messages that a worker has answered.", ["outcome"], registry=REGISTRY
)
MESSAGE_WAIT: Final = Histogram(
    "kedang_message_wait_seconds",
    "From the relay's sending to the worker's taking.",
    buckets=_WAIT_SECONDS,
    registry=REGISTRY,
)
HANDED_OUT: Final = Counter(
    "kedang_jobs_handed_out", "Jobs that the relay has handed out.", registry=REGISTRY
)
EXPIRED: Final = Counter("kedang_leases_expired", "Jobs taken back from silent workers.", registry=REGISTRY)
UNANSWERED: Final = Counter(
    "kedang_messages_unanswered", "Jobs taken back because nobody answered their message.", registry=REGISTRY
)
MAILS: Final = Counter("kedang_mails", "Tries to hand a mail over.", ["outcome"], registry=REGISTRY)
MAIL_SECONDS: Final = Histogram(
    "kedang_mail_seconds", "How long handing a mail over took.", buckets=_TRY_SECONDS, registry=REGISTRY
)
BOUNCES: Final = Counter("kedang_bounces", "What came back of mails.", ["kind"], registry=REGISTRY)
INVITATIONS: Final = Counter(
    "kedang_survey_invitations", "Invitations to surveys by step.", ["step"], registry=REGISTRY
)
OCCURRENCES: Final = Counter(
    "kedang_occurrences", "Jobs that the scheduler has made of recurring rules.", registry=REGISTRY
)
SCHEDULED_AT: Final = Gauge(
    "kedang_scheduler_looked_timestamp_seconds",
    "When the scheduler last saw to everything that was due (Unix time).",
    registry=REGISTRY,
)
VALKEY_AWAY: Final = Gauge(
    "kedang_valkey_away", "1 while this part of the process does without Valkey.", ["part"], registry=REGISTRY
)
WAITING: Final = Gauge(
    "kedang_jobs_waiting", "Jobs that wait, due or not.", ["channel", "priority"], registry=REGISTRY
)
OLDEST: Final = Gauge(
    "kedang_jobs_oldest_due_seconds",
    "For how long the oldest job that is due has waited.",
    ["channel", "priority"],
    registry=REGISTRY,
)
IN_FLIGHT: Final = Gauge("kedang_jobs_in_flight", "Jobs handed out or begun.", ["state"], registry=REGISTRY)
DEAD: Final = Gauge("kedang_jobs_dead", "Jobs that failed for good and are kept.", registry=REGISTRY)
SECURITY: Final = Counter(
    "kedang_security_events", "Lines of the security log.", ["event"], registry=REGISTRY
)

ProcessCollector(registry=REGISTRY)


def tell_build(*, process: str, version: str) -> None:
    """Tell which release runs here, as what."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads
    BUILD.clear()
    BUILD.labels(process, version, platform.python_version()).set(1)


def priority_class(priority: int) -> str:
    """``urgent``, ``normal`` or ``later``: a job's number is anybody's, its class one of three."""
    return "normal" if priority == 0 else "urgent" if priority < 0 else "later"


def text(*more: Collector) -> bytes:
    """All figures in Prometheus's text format, with those of ``more``."""
    return generate_latest(_Joined((REGISTRY, *more)))


class _Joined:
    def __init__(self, parts: Sequence[CollectorRegistry | Collector]) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        for part in self._parts:
            yield from part.collect()


class Pools(Collector):
    """Connections of a process to its databases."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    def collect(self) -> Iterator[Metric]:
        used = GaugeMetricFamily("kedang_pool_used", "Connections in use.", labels=["database", "pool"])
        size = GaugeMetricFamily("kedang_pool_size", "Connections at most.", labels=["database", "pool"])
        for use in self._databases.pool_use():
            used.add_metric([use.database, use.pool], use.used)
            size.add_metric([use.database, use.pool], use.size)
        yield used
        yield size
