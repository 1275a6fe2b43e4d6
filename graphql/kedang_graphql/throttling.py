"""Each credential may cost so much: charged before an operation runs, refunded by what it did not need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import thread_time
from typing import Any

from kedang_graphql.context import Context
from kedang_graphql.engine.cost import Measure
from kedang_graphql.engine.requests import QueryTooLarge
from kedang_platform.buckets import Buckets
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.identity.browsers import network_of


class Throttled(KedangError):
    """The credential has spent what it may; ``seconds`` tells when the same request can be paid for."""

    passing = True

    def __init__(self, cost: Mapping[str, Any], seconds: int) -> None:
        super().__init__(
            msg("This costs more than is left at the moment. Try again in {seconds} seconds."),
            seconds=seconds,
        )
        self.cost = cost
        self.seconds = seconds


@dataclass(slots=True)
class Charge:
    """What an operation was charged, until it is known what it took."""

    buckets: Buckets
    key: str
    measure: Measure
    variables: Mapping[str, Any]
    requested: int

    def introspected(self, milliseconds: float) -> int:
        """Charge for the time that it took to tell what the schema has; returns the points."""
        points = round(milliseconds * INTROSPECTED)
        self.buckets.spend(self.key, points)
        return points

    def settle(self, data: Any) -> Mapping[str, Any]:
        """Refund what the answer did not take; ``extensions.cost`` of the answer."""
        actual = min(self.measure.actual(self.variables, data), self.requested)
        available = self.buckets.give_back(self.key, self.requested - actual)
        return _told(self.buckets, self.requested, actual, available)


# Points for a millisecond of processor time spent on reading a request that is refused then, or is not.
REFUSED = 20
READ = 1
# For one spent on telling what the schema has; an answer that is remembered takes no time.
INTROSPECTED = 3


class Reading:
    """Times what is done with a request before it is known what it costs; use as ``with reading: …``.

    What is refused is paid for by its time, and so are documents that take long to read. Nothing in
    it may wait, since the time is that of the thread.
    """

    def __init__(self, buckets: Buckets, context: Context) -> None:
        """Raise Throttled for who has nothing left at all, before anything is read."""
        self._buckets = buckets
        self._key = payer(context)
        self._measured = context.measured
        self._began = 0.0
        self.refused = False
        available = buckets.give_back(self._key, 0)
        if available < 1:
            raise throttled(buckets, 1, available)

    def __enter__(self) -> None:
        self._began = thread_time()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        milliseconds = (thread_time() - self._began) * 1000
        if kind is not None or self.refused:
            self._spend(max(1, round(milliseconds * REFUSED)))
        elif milliseconds >= 1:
            self._spend(int(milliseconds) * READ)

    def _spend(self, points: int) -> None:
        self._buckets.spend(self._key, points)
        self._measured.spent += points


async def charge(
    buckets: Buckets, context: Context, measure: Measure, variables: Mapping[str, Any]
) -> Charge:
    """Charge the credential, or the address of somebody without one. Raises Throttled, QueryTooLarge."""
    requested = measure.requested(variables)
    if requested > buckets.size:
        raise QueryTooLarge(
            msg("This costs {cost} points; at most {limit} can be saved up. Ask for less at once."),
            cost=requested,
            limit=buckets.size,
        )
    key = payer(context)
    taken = await buckets.take(key, requested)
    if not taken.granted:
        raise throttled(buckets, requested, taken.available)
    return Charge(buckets, key, measure, variables, requested)


def payer(context: Context) -> str:
    """Whose bucket pays: the credential's, or that of the address of somebody without one."""
    known = context.identified or context.enrolling
    return known.credential_id.hex if known else network_of(context.request_address)


def throttled(buckets: Buckets, requested: int, available: float) -> Throttled:
    """The refusal, with when to come again."""
    seconds = buckets.seconds_until(requested, available)
    return Throttled(_told(buckets, requested, None, available), seconds)


def _told(buckets: Buckets, requested: int, actual: int | None, available: float) -> Mapping[str, Any]:
    """In the shape that clients of Shopify's API know."""
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": buckets.size,
            "currentlyAvailable": max(int(available), 0),
            "restoreRate": buckets.rate,
        },
    }
