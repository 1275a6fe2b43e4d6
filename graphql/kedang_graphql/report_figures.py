"""The figures of reports in the API, for dashboards: the cells that the files of the same report have (R3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import Annotated, Any

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import values_of
from kedang_graphql.inputs import given
from kedang_graphql.reports import KIND, RUN, ReportQuestionInput
from kedang_platform.errors import BadUserInput, Forbidden, Refused
from kedang_platform.i18n import msg, translate
from kedang_tenants.catalogue.languages import language_of
from kedang_tenants.reading import Scope, Viewer
from kedang_tenants.reports import document
from kedang_tenants.reports.dashboard import MOST_ROWS, OLDEST, Figures
from kedang_tenants.reports.gathering import Question, Reader
from kedang_tenants.reports.kind import PEOPLE
from kedang_tenants.reports.kinds import KINDS
from kedang_tenants.reports.operations import question_of
from kedang_tenants.reports.parameters import Parameter

# What kinds there are


@strawberry.type(description="A value that a parameter can have.")
class ReportParameterOption:
    code: str = strawberry.field(description="What stands in parameters.")
    label: str = strawberry.field(description="What people call it.")


@strawberry.enum(description="What the value of a parameter is.")
class ReportParameterType(Enum):
    CHOICE = strawberry.enum_value("CHOICE", description="The code of one of its options.")
    INTEGER = strawberry.enum_value("INTEGER", description="A whole number.")
    FLAG = strawberry.enum_value("FLAG", description="True or false.")
    REFERENCE = strawberry.enum_value("REFERENCE", description="The id of a record.")
    TEXT = strawberry.enum_value("TEXT", description="A text.")


@strawberry.type(description="Something that a report can be told beside its period.")
class ReportParameter:
    name: str = strawberry.field(description="Under this name it stands in parameters.")
    label: str = strawberry.field(description="What people call it.")
    description: str | None = strawberry.field(description="What has to be known of it.")
    type: ReportParameterType = strawberry.field(description="What its value is.")
    required: bool = strawberry.field(description="Whether the report cannot do without it.")
    default: JSON | None = strawberry.field(description="What counts where nothing is said.")
    options: list[ReportParameterOption] = strawberry.field(description="Of a choice only.")
    record: str | None = strawberry.field(description="Of a reference: the kind of record that it names.")

    @classmethod
    def of(cls, parameter: Parameter, language: str) -> ReportParameter:
        return cls(
            name=parameter.name,
            label=translate(parameter.label, language),
            description=translate(parameter.description, language) if parameter.description else None,
            type=ReportParameterType(parameter.type),
            required=parameter.required,
            default=None if parameter.default is None else JSON(parameter.default),
            options=[
                ReportParameterOption(code=one.code, label=translate(one.label, language))
                for one in parameter.options
            ],
            record=parameter.target,
        )


@strawberry.type(description="A kind of report that one may ask for.")
class ReportKind:
    kind: Enum = strawberry.field(graphql_type=KIND, description="Which report.")
    label: str = strawberry.field(description="What people call it.")
    takes: list[str] = strawberry.field(
        description="Which of period, schemeId, questionnaireId, onlyDepartmentId and onlyMemberId count for it."
    )
    parameters: list[ReportParameter] = strawberry.field(description="What it can be told beside.")


async def answer_report_kinds(info: Info[Context, None]) -> list[ReportKind]:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    if viewer.on("report_run").create is Scope.NONE:
        return []
    readable = [kind for kind in KINDS.values() if kind.is_for(viewer)]
    return [
        ReportKind(
            kind=KIND(kind.code),
            label=translate(kind.label, context.language),
            takes=sorted(_taken(kind.columns)),
            parameters=[ReportParameter.of(one, context.language) for one in kind.parameters],
        )
        for kind in readable
    ]


def _taken(columns: frozenset[str]) -> set[str]:
    people = {"onlyDepartmentId", "onlyMemberId"} if PEOPLE in columns else set()
    return {*(columns - {PEOPLE}), *people}


# Figures


@strawberry.enum(description="What stands in a column.")
class ReportColumnKind(Enum):
    TEXT = strawberry.enum_value("TEXT", description="A text.")
    LEVEL = strawberry.enum_value("LEVEL", description="The code of a grade.")
    COUNT = strawberry.enum_value("COUNT", description="A whole number.")
    NUMBER = strawberry.enum_value("NUMBER", description="A number.")
    SHARE = strawberry.enum_value("SHARE", description="A fraction of 1.")
    MONEY = strawberry.enum_value("MONEY", description="Minor units of the column's currency.")
    DAY = strawberry.enum_value("DAY", description="A day, as 2026-03-31.")


@strawberry.type
class ReportColumn:
    label: str = strawberry.field(description="What stands over it.")
    kind: ReportColumnKind = strawberry.field(description="What stands in it.")
    currency: str | None = strawberry.field(description="Of money: ISO 4217.")


@strawberry.type(description="A table of figures.")
class ReportSheet:
    title: str = strawberry.field(description="What the table shows.")
    columns: list[ReportColumn] = strawberry.field(description="Its columns from left to right.")
    rows: list[JSON] = strawberry.field(
        description=f"A list of values each, one a column, null being unknown; the first {MOST_ROWS} rows."
    )
    count: int = strawberry.field(description="How many rows there are.")
    totals: JSON | None = strawberry.field(description="A last row that stands apart, as the others.")
    note: str | None = strawberry.field(description="What has to be known to read it.")


@strawberry.type
class ReportSeries:
    label: str = strawberry.field(description="What it counts.")
    colour: str = strawberry.field(description="Its colour, as #2e9e6b.")
    values: list[float | None] = strawberry.field(description="One a category.")


@strawberry.type(description="Bars over categories, as the files draw them.")
class ReportChart:
    title: str = strawberry.field(description="What it shows.")
    axis: str = strawberry.field(description="What is counted.")
    categories: list[str] = strawberry.field(description="What is compared.")
    series: list[ReportSeries] = strawberry.field(description="What is drawn over each category.")
    stacked: bool = strawberry.field(description="Whether the series stand upon each other.")
    percent: bool = strawberry.field(description="The values are fractions of 1.")


@strawberry.type
class ReportFact:
    label: str = strawberry.field(description="What it is called.")
    value: str


@strawberry.type(description="The figures of a report, of what one may read: the very cells of its files.")
class ReportFigures:
    kind: Enum = strawberry.field(graphql_type=KIND, description="Which report.")
    title: str = strawberry.field(description="What the report is called.")
    as_of: datetime = strawberry.field(description="The moment that the figures are of.")
    age_seconds: int = strawberry.field(description="How old they are.")
    facts: list[ReportFact] = strawberry.field(description="What they are about.")
    notes: list[str] = strawberry.field(description="What has to be known to read them.")
    sheets: list[ReportSheet] = strawberry.field(description="Its tables.")
    charts: list[ReportChart] = strawberry.field(description="What is drawn of them.")


async def answer_report_figures(
    info: Info[Context, None],
    question: Annotated[
        ReportQuestionInput, strawberry.argument(description="Which report, and what it is to tell.")
    ],
    max_age: Annotated[
        int,
        strawberry.argument(
            description=f"How old they may be, in seconds; from 0 (worked out anew) to {int(OLDEST.total_seconds())}."
        ),
    ] = int(OLDEST.total_seconds()),
) -> ReportFigures | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    if viewer.on("report_run").create is Scope.NONE:
        raise Forbidden(msg("You may not do this."))
    said = values_of(RUN, given(question))
    values = {name: value for name, value in said.items() if value is not None}
    asked = await _asked(context, viewer, values)
    language = language_of(str(values["language"])) if "language" in values else context.language
    # Company and reader stand on paper only: whoever looks at a screen knows both.
    reader = Reader(viewer, language, "", "")
    found = await context.dashboard.figures(asked, reader, oldest=timedelta(seconds=max(0, max_age)))
    age = context.clock.now() - found.as_of
    return ReportFigures(
        kind=KIND(asked.kind),
        title=found.document.title,
        as_of=found.as_of,
        age_seconds=max(0, int(age.total_seconds())),
        facts=[ReportFact(label=label, value=value) for label, value in found.document.facts if value],
        notes=list(found.document.notes),
        sheets=[_sheet(found, sheet) for sheet in found.document.sheets],
        charts=[_chart(chart) for chart in found.document.charts],
    )


async def _asked(context: Context, viewer: Viewer, values: Mapping[str, Any]) -> Question:
    try:
        async with context.databases.tenant_read(viewer.company) as read:
            return await question_of(read, viewer, values=values, clock=context.clock, under=("question",))
    except Refused as refused:
        first = refused.errors[0]
        raise BadUserInput(first.message, path=first.path, **first.params) from refused


def _sheet(found: Figures, sheet: document.Sheet) -> ReportSheet:
    return ReportSheet(
        title=sheet.title,
        columns=[
            ReportColumn(label=one.label, kind=ReportColumnKind(one.kind), currency=one.currency)
            for one in sheet.columns
        ],
        rows=[JSON(row) for row in found.rows_of(sheet)],
        count=sheet.count,
        totals=JSON(list(sheet.totals)) if sheet.totals is not None else None,
        note=sheet.note,
    )


def _chart(chart: document.Chart) -> ReportChart:
    return ReportChart(
        title=chart.title,
        axis=chart.axis,
        categories=list(chart.categories),
        series=[
            ReportSeries(label=one.label, colour=one.colour, values=list(one.values)) for one in chart.series
        ],
        stacked=chart.stacked,
        percent=chart.percent,
    )


@strawberry.type
class ReportQuery:
    report_kinds: list[ReportKind] = strawberry.field(
        resolver=answer_report_kinds,
        description="The kinds of reports that one may ask for, and what each can be told.",
    )
    report_figures: ReportFigures | None = strawberry.field(
        resolver=answer_report_figures,
        description=(
            "The figures of a report at once, for a dashboard: worked out as its files are, from what one may read."
        ),
    )
