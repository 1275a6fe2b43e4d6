"""Where every figure comes from: one question, one reader, one moment; files and dashboards alike (R2, R3).

Whatever shows the figures of a report – a workbook, a PDF, a CSV file, the API – has them from
``work_out`` and shows the cells that it gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import orjson

from kedang_platform.database import TenantRead
from kedang_platform.i18n import Language
from kedang_tenants.reading import Viewer
from kedang_tenants.reports import asking, parameters
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Document
from kedang_tenants.reports.kind import PERIOD
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.schedule import Span
from kedang_tenants.reports.spool import Spool


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is to tell, its days settled; checked before."""

    kind: str
    span: Span
    scheme_id: UUID | None = None
    questionnaire_id: UUID | None = None
    only_department_id: UUID | None = None
    only_member_id: UUID | None = None
    parameters: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The question of a run, as its row has it."""
        stored = row["parameters"]
        return cls(
            row["kind"],
            Span(row["starts_on"], row["ends_on"]),
            row["scheme_id"],
            row["questionnaire_id"],
            row["only_department_id"],
            row["only_member_id"],
            orjson.loads(stored) if isinstance(stored, str) else stored,
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who is to read it: with which rights, in which language, and what company and reader are called."""

    viewer: Viewer
    language: Language
    company: str
    name: str


async def work_out(
    read: TenantRead, question: Question, reader: Reader, *, now: datetime, spool: Spool
) -> Document:
    """The figures as their reader may see them, as of ``now``; their rows go into ``spool``.

    Raises Forbidden where the reader may not read what it is about, and NotFound for a scheme, a
    questionnaire or anything else named that is not there for this reader.
    """
    # One report is of one moment, however many statements it takes.
    await read.fetch("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    kind = KINDS[question.kind]
    viewer = replace(reader.viewer, language=reader.language, known_masks={})
    people, limited_to = await asking.people_of(
        read, department_id=question.only_department_id, member_id=question.only_member_id
    )
    told = await parameters.take(read, viewer, kind.parameters, question.parameters, language=reader.language)
    asked = Asked(
        read=read,
        viewer=viewer,
        company=reader.company,
        made_for=reader.name,
        language=reader.language,
        span=question.span,
        now=now,
        scheme_id=question.scheme_id,
        questionnaire_id=question.questionnaire_id,
        people=people,
        limited_to=limited_to,
        timeless=PERIOD not in kind.columns,
        told=told,
        parameters=kind.parameters,
    )
    return await kind.make(asked, spool)
