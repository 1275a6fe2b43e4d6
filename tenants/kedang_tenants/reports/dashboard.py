"""Figures at a glance (R3): those of a report, worked out by the same code, shown with the moment that they are of.

A process remembers what it has worked out for a minute or less, for the same member with the same
rights; whoever asks says how old figures may be. Few are worked out at once, so that dashboards leave
room for everything else.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

import orjson

from kedang_platform.clock import Clock
from kedang_platform.database import Databases
from kedang_platform.i18n import msg
from kedang_tenants.reports.document import Document, Sheet, Value, arranged
from kedang_tenants.reports.errors import FiguresDelayed
from kedang_tenants.reports.gathering import Question, Reader, work_out
from kedang_tenants.reports.spool import Glance

MOST_ROWS: Final = 250
"""Rows of one table that are shown; how many there are is said beside them."""
OLDEST: Final = timedelta(minutes=1)
"""How old figures may be that are shown once more."""
_REMEMBERED: Final = 200
_AT_ONCE: Final = 2
_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Figures:
    """The document of a report as of ``as_of``, and the first rows of its sheets."""

    document: Document
    rows: Mapping[str, list[list[Value]]]
    as_of: datetime

    def rows_of(self, sheet: Sheet) -> list[list[Value]]:
        """Each with a value for every column; the first ``MOST_ROWS``, ``sheet.count`` says of how many."""
        return list(arranged(sheet, self.rows[sheet.rows]))


class Dashboard:
    """What one process shows and remembers for a while."""

    def __init__(self, databases: Databases, clock: Clock) -> None:
        self._databases = databases
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._remembered: OrderedDict[bytes, Figures] = OrderedDict()

    async def figures(self, question: Question, reader: Reader, *, oldest: timedelta) -> Figures:
        """The figures of a checked question, at most ``oldest`` (and never more than ``OLDEST``) old.

        Raises as ``work_out``, and FiguresDelayed.
        """
        key = _key(question, reader)
        if (known := self._fresh(key, min(oldest, OLDEST))) is not None:
            return known
        try:
            async with asyncio.timeout(_SECONDS), self._turns:
                # Whoever asked for the same meanwhile has brought it.
                if (known := self._fresh(key, min(oldest, OLDEST))) is not None:
                    return known
                found = await self._work_out(question, reader)
        except TimeoutError as error:
            text = msg("These figures take too long to be shown at once: have the report made.")
            raise FiguresDelayed(text) from error
        self._remember(key, found)
        return found

    def _fresh(self, key: bytes, oldest: timedelta) -> Figures | None:
        known = self._remembered.get(key)
        return known if known is not None and self._clock.now() - known.as_of < oldest else None

    async def _work_out(self, question: Question, reader: Reader) -> Figures:
        now, glance = self._clock.now(), Glance(MOST_ROWS)
        async with self._databases.tenant_read(reader.viewer.company) as read:
            document = await work_out(read, question, reader, now=now, spool=glance)
        return Figures(document, glance.held, now)

    def _remember(self, key: bytes, found: Figures) -> None:
        self._remembered[key] = found
        self._remembered.move_to_end(key)
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


def _key(question: Question, reader: Reader) -> bytes:
    """Whoever differs in rights, language or question has figures of their own."""
    viewer = reader.viewer
    who = (viewer.company.schema, viewer.member_id, viewer.fingerprint, reader.language)
    reach = (viewer.department_members, viewer.unit_members, viewer.chosen_members, viewer.shared)
    archives = (viewer.closed, viewer.opened)
    told = (
        question.kind,
        question.span.first,
        question.span.last,
        question.scheme_id,
        question.questionnaire_id,
        question.only_department_id,
        question.only_member_id,
        question.parameters or {},
    )
    return sha256(
        orjson.dumps((who, reach, archives, told), default=str, option=orjson.OPT_SORT_KEYS)
    ).digest()
