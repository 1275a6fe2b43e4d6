"""Measuring operations: a few sums in memory for each answer, written down in passing.

In the way of a request there are two readings of a clock, and additions; whatever takes longer is done by
``keep_measuring`` beside. What cannot be written down is lost, never a request.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, perf_counter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import structlog

from kedang_graphql.measuring.sums import Sums
from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, Databases, DatabaseUnavailable
from kedang_platform.database.noting import Ledger, open_ledger
from kedang_platform.errors import KedangError
from kedang_platform.identity.browsers import place_of
from kedang_platform.observing import tracing
from kedang_platform.observing.security import note_refusal
from kedang_tenants.measuring.explaining import EVERY, Slow, explain
from kedang_tenants.measuring.storing import store_tallies
from kedang_tenants.measuring.tallies import OTHERS, SESSIONS, UNREAD, Signature, Taken, Tally

if TYPE_CHECKING:
    from kedang_graphql.context import Context

MOST_A_COMPANY: Final = 200
"""Tallies that a company has between two writings; what is more is counted as OTHERS."""
MOST: Final = 5_000
"""Tallies of all companies together."""
MOST_TEXT: Final = 8 * 1024 * 1024
"""Characters of statements that are held between two writings; of what is more only the sums are kept."""
_MOST_SLOW: Final = 32
_MOST_EXPLAINED: Final = 10_000
_LAST_SECONDS: Final = 5.0

log = structlog.get_logger(__name__)
_LINES: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class _Company:
    ref: CompanyRef
    tallies: dict[tuple[UUID, UUID], Tally] = field(default_factory=dict)


_NOTHING = Ledger()
_NOTHING.is_open = False


class Measured:
    """One answer in the making: when it began, what it turned out to be, and its statements."""

    __slots__ = ("began", "counted", "ledger", "planned", "signature", "spent")

    def __init__(self) -> None:
        self.began = perf_counter()
        self.signature = UNREAD
        self.planned = False
        self.counted = False
        self.spent = 0
        """Points that reading the request cost."""
        self.ledger = _NOTHING

    def known_as(self, signature: Signature) -> None:
        """The operation is known and begins: what is asked of the databases from now on is its own."""
        self.signature = signature
        self.ledger = open_ledger()


class Measurer:
    """The sums of a process. Used on one event loop; nothing in it waits but ``flush``."""

    def __init__(self, clock: Clock, *, slow_seconds: float) -> None:
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._companies: dict[UUID, _Company] = {}
        self._tallies = 0
        self._text = 0
        self._slow: deque[tuple[CompanyRef, Slow]] = deque(maxlen=_MOST_SLOW)
        self._explained: dict[tuple[UUID, UUID], float] = {}
        self.sums: dict[tuple[str, str], Sums] = {}
        """What the process has answered since it started, by kind and by who answered (``planned`` or ``stock``)."""
        self.outcomes: Counter[tuple[str, str, str]] = Counter()
        """The same by outcome: OK, REFUSED (in ``userErrors``), or the code of the first error."""

    def answered(self, context: Context, body: Mapping[str, Any]) -> None:
        """Count an operation that was answered, perhaps with errors; its cost is known by now."""
        errors = tuple([error["extensions"]["code"] for error in body["errors"]]) if "errors" in body else ()
        self._end(context, errors)

    def failed(self, context: Context | None, error: Exception) -> None:
        """Count an operation that was refused, or met a bug."""
        self.unread(context, error.code if isinstance(error, KedangError) else "INTERNAL_ERROR")

    def unread(self, context: Context | None, code: str) -> None:
        """Count a request that was refused, most often before its operation was known; once, whoever says so first.

        Of nobody known it is counted in the metrics only.
        """
        if context is None:
            self.outcomes[UNREAD.kind, "stock", code] += 1
            note_refusal(code)
        elif not context.measured.counted:
            self._end(context, (code,))

    def _end(self, context: Context, errors: tuple[str, ...]) -> None:
        try:
            self._add_up(context, errors)
        except Exception:  # what was answered, and perhaps written, stands
            log.exception("measuring.not_counted")

    def _add_up(self, context: Context, errors: tuple[str, ...]) -> None:
        measured, cost, identified = context.measured, context.answer.cost, context.identified
        measured.counted = True
        signature, ledger = measured.signature, measured.ledger
        seconds = perf_counter() - measured.began
        ledger.is_open = False
        refusals = ledger.refusals
        statements, ledger.statements = ledger.statements, []  # parameters are not held longer than needed
        charged, refunded = measured.spent, 0
        if cost is not None:
            charged += cost["requestedQueryCost"]
            refunded = cost["requestedQueryCost"] - (cost["actualQueryCost"] or 0)
        taken = Taken(seconds, charged, refunded, errors, refusals, statements)
        sql_seconds = sum([noted.seconds for noted in statements])
        key = (signature.kind, "planned" if measured.planned else "stock")
        sums = self.sums.get(key)
        if sums is None:
            sums = self.sums[key] = Sums()
        sums.add(seconds, sql_seconds, charged - refunded, len(statements))
        self.outcomes[*key, errors[0] if errors else "REFUSED" if refusals else "OK"] += 1
        _tell(context, [*errors, *refusals], seconds, sql_seconds, len(statements), charged - refunded)
        if identified is not None:
            company = identified.company.ref
            credential = identified.credential_id if identified.kind == "api_key" else SESSIONS
            self._count(company, credential, signature, taken)
            if sql_seconds >= self._slow_seconds and statements:
                self._remember_slow(company, signature, taken, sql_seconds)

    def forget(self) -> None:
        """Forget what was counted and is not written down yet, and what was explained."""
        self._companies.clear()
        self._slow.clear()
        self._explained.clear()
        self._tallies = self._text = 0

    async def flush(self, databases: Databases) -> None:
        """Write down what was counted and explain what was slow; what the database does not take now waits."""
        pending, self._companies = self._companies, {}
        self._tallies = self._text = 0
        away = False
        try:
            while pending and not away:
                _, counted = pending.popitem()
                away = not await self._write_down(databases, counted)
        finally:  # also when there is no more time
            for counted in pending.values():
                self._put_back(counted)
        while self._slow and not away:
            await self._explain(databases, *self._slow.popleft())

    async def _write_down(self, databases: Databases, counted: _Company) -> bool:
        """Whether the database can be reached; what it does not take at the moment is put back."""
        try:
            async with databases.tenant_write(counted.ref) as write:
                await store_tallies(write, counted.tallies.values(), now=self._clock.now())
        except KedangError as error:
            log.warning("measuring.written_later", code=error.code)
            self._put_back(counted)
            return not isinstance(error, DatabaseUnavailable)
        except Exception:
            # Of a company that is gone, say: figures are lost, nothing else.
            log.warning("measuring.not_written", exc_info=True)
        return True

    def _count(self, company: CompanyRef, credential: UUID, signature: Signature, taken: Taken) -> None:
        counted = self._companies.get(company.id)
        if counted is None:
            counted = self._companies[company.id] = _Company(company)
        key = (signature.id, credential)
        tally = counted.tallies.get(key)
        if tally is None:
            tally = self._new(counted, credential, signature)
        self._text += tally.add(taken, texts=self._text < MOST_TEXT)

    def _new(self, counted: _Company, credential: UUID, signature: Signature) -> Tally:
        """A tally of the operation, or where there is no room that of all others."""
        if len(counted.tallies) >= MOST_A_COMPANY or self._tallies >= MOST:
            signature, credential = OTHERS, SESSIONS
        key = (signature.id, credential)
        tally = counted.tallies.get(key)
        if tally is None:
            tally = counted.tallies[key] = Tally(signature, credential)
            self._tallies += 1
        return tally

    def _put_back(self, counted: _Company) -> None:
        now = self._companies.setdefault(counted.ref.id, _Company(counted.ref))
        for (_, credential), tally in counted.tallies.items():
            known = now.tallies.get((tally.signature.id, credential))
            (known or self._new(now, credential, tally.signature)).merge(tally)

    def _remember_slow(
        self, company: CompanyRef, signature: Signature, taken: Taken, sql_seconds: float
    ) -> None:
        """Have it explained later, unless that was done within the hour."""
        key = (company.id, signature.id)
        if monotonic() - self._explained.get(key, -EVERY.total_seconds()) < EVERY.total_seconds():
            return
        if len(self._explained) >= _MOST_EXPLAINED:
            self._explained.clear()
        self._explained[key] = monotonic()
        slowest = max(taken.statements, key=lambda noted: noted.seconds)
        self._slow.append(
            (
                company,
                Slow(
                    signature.id,
                    self._clock.now(),
                    taken.seconds,
                    sql_seconds,
                    len(taken.statements),
                    slowest,
                ),
            )
        )

    async def _explain(self, databases: Databases, company: CompanyRef, slow: Slow) -> None:
        try:
            async with databases.tenant_write(company) as write:
                await explain(write, slow)
        except KedangError as error:
            log.warning("measuring.not_explained", code=error.code)
        except Exception:
            log.warning("measuring.explaining_failed", exc_info=True)


def _tell(
    context: Context, codes: Sequence[str], seconds: float, sql_seconds: float, statements: int, cost: int
) -> None:
    """The answer in its span and in the log, and what was refused in that of security."""
    signature = context.measured.signature
    way = "planned" if context.measured.planned else "stock"
    outcome = codes[0] if codes else "OK"
    span = tracing.current()
    if span is not None:
        span.tell(kind=signature.kind.lower(), way=way, outcome=outcome, statements=statements, cost=cost)
        span.tell(sql_seconds=sql_seconds)
        if codes:
            span.failed(outcome)
    if _LINES.isEnabledFor(logging.DEBUG):
        log.debug(
            "operation.answered",
            kind=signature.kind.lower(),
            way=way,
            code=outcome,
            operation=signature.id.hex,
            statements=statements,
            cost=cost,
            milliseconds=round(seconds * 1000, 1),
        )
    for code in dict.fromkeys(codes):
        identified = context.identified
        who: dict[str, object] = {}
        if identified is not None:
            who = {"company": identified.company.id, "member": identified.member_id, "by": identified.kind}
            who["credential"] = identified.credential_id
        note_refusal(code, **who, network=place_of(context.request_address))


async def keep_measuring(measurer: Measurer, databases: Databases, *, interval: float) -> None:
    """Until cancelled: write down every ``interval`` seconds what was counted, and at the end what is left."""
    writing: asyncio.Future[None] | None = None
    try:
        while True:
            await asyncio.sleep(interval)
            writing = asyncio.ensure_future(measurer.flush(databases))
            await asyncio.shield(writing)  # broken off, it would lose what it has in its hands
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                if writing is not None:
                    await writing
                await measurer.flush(databases)
