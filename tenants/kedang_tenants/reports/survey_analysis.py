"""The analysis of a questionnaire on paper: the very figures of ``surveys.analysis``, laid out (V6, R1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final
from uuid import UUID

from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.reading import Lookup, Scope, Select, Viewer, read_lookup
from kedang_tenants.reports import asking
from kedang_tenants.reports.asking import Asked
from kedang_tenants.reports.document import Chart, Column, Document, Series, Sheet, Value
from kedang_tenants.reports.kind import PEOPLE, PERIOD, QUESTIONNAIRE, Kind
from kedang_tenants.reports.models import SURVEY_ANALYSIS
from kedang_tenants.reports.spool import Spool
from kedang_tenants.surveys.analysis import Analysis, AnalysisRequest, Comment, Group, GroupBy, analyse
from kedang_tenants.surveys.figures import Figures, ItemFigures
from kedang_tenants.surveys.models import LEVELS
from kedang_tenants.surveys.statistics import Share

READS: Final = ("survey_invitation", "survey_answer", "survey_item_answer")

_RULE: Final = msg(
    "Invitations count by the day they were sent, answers by the day they were handed in. Satisfaction is the mean"
    " of the levels, 5 being very satisfied. Ranges are 95 % intervals."
)
_COMMENTS: Final = msg("The latest {count} comments.")
_LEFT_OUT: Final = msg("Comments are left out: you may not export answers.")
_COLOURS: Final = ("#1f8a5b", "#7fb65a", "#d9c04a", "#e0893a", "#c8403a")
"""From very satisfied to not satisfied."""


async def make(asked: Asked, spool: Spool) -> Document:
    """The report; raises Forbidden, and NotFound for a questionnaire that the viewer does not see."""
    asking.reader(asked.viewer, *READS)
    by_grade = await _analysed(asked, asked.viewer, GroupBy.GRADE)
    by_month = await _analysed(asked, asked.viewer, GroupBy.MONTH)
    total = by_grade.total
    sheets = [
        _groups(asked, spool, asked.text(msg("By grade")), asked.text(msg("Grade")), by_grade.groups, total),
        _groups(asked, spool, asked.text(msg("By month")), asked.text(msg("Month")), by_month.groups, total),
        _levels(asked, spool, total),
        _answers(asked, spool, total),
    ]
    notes = [asked.text(_RULE)]
    if _export(asked.viewer) is Scope.NONE:
        notes.append(asked.text(_LEFT_OUT))
    else:
        sheets.append(await _comments(asked, spool))
    await spool.told(sum(sheet.count for sheet in sheets))
    return Document(
        title=asked.text(msg("Survey analysis")),
        company=asked.company,
        language=asked.language,
        facts=asking.facts_of(
            asked,
            (asked.text(msg("Questionnaire")), text_in(by_grade.questionnaire, asked.language)),
            *_key_figures(asked, total),
        ),
        notes=tuple(notes),
        sheets=tuple(sheets),
        charts=tuple(_charts(asked, total)),
        words=asking.words(asked),
    )


def _export(viewer: Viewer) -> Scope:
    """How far answers may be taken away one by one."""
    return min(viewer.on(record).export for record in READS)


async def _analysed(asked: Asked, viewer: Viewer, group_by: GroupBy) -> Analysis:
    if asked.questionnaire_id is None:
        raise NotFound(msg("There is no such record."), path=("input", "questionnaireId"))
    request = AnalysisRequest(
        questionnaire_id=asked.questionnaire_id,
        first=asked.span.first,
        end=asked.span.end,
        group_by=group_by,
        people=asked.people,
    )
    return await analyse(asked.read, viewer, request)


def _key_figures(asked: Asked, total: Figures) -> Iterator[tuple[str, str]]:
    """What a reader looks for first, each with how many it rests on."""
    participation, nps = total.participation, total.nps
    rate = participation.response.estimate.value
    if rate is not None:
        text = msg("{rate} ({answered} of {delivered} delivered)")
        told = asked.text(
            text, rate=f"{rate:.1%}", answered=participation.answered, delivered=participation.delivered
        )
        yield asked.text(msg("Response rate")), told
    if total.satisfaction is not None:
        told = asked.text(msg("{mean} of 5 (n = {n})"), mean=f"{total.satisfaction:.2f}", n=total.rated)
        yield asked.text(msg("Satisfaction")), told
    if nps.estimate.value is not None:
        low, high = nps.estimate.low or 0.0, nps.estimate.high or 0.0
        told = asked.text(
            msg("{score} ({low} to {high}, n = {n})"),
            score=f"{nps.estimate.value:.0f}",
            low=f"{low:.0f}",
            high=f"{high:.0f}",
            n=nps.n,
        )
        yield asked.text(msg("Net promoter score")), told


# Groups


def _groups(
    asked: Asked, spool: Spool, title: str, key: str, groups: Iterable[Group], total: Figures
) -> Sheet:
    columns = (
        Column(key, width=14),
        Column(asked.text(msg("Sent")), "COUNT", 8),
        Column(asked.text(msg("Bounced")), "COUNT", 9),
        Column(asked.text(msg("Answered")), "COUNT", 9),
        Column(asked.text(msg("Response rate")), "SHARE", 12),
        Column(asked.text(msg("Answers")), "COUNT", 9),
        Column(asked.text(msg("Satisfaction")), "NUMBER", 12),
        Column(asked.text(msg("Unhappy")), "SHARE", 10),
        Column(asked.text(msg("NPS")), "NUMBER", 9),
        Column(asked.text(msg("NPS from")), "NUMBER", 9),
        Column(asked.text(msg("NPS to")), "NUMBER", 9),
        Column(asked.text(msg("NPS answers")), "COUNT", 9),
    )
    rows = [[text_in(group.label, asked.language), *_figures(group.figures)] for group in groups]
    table = spool.table(rows)
    totals = (asked.text(msg("Total")), *_figures(total))
    return Sheet(title, columns, table.name, table.count, totals)


def _figures(figures: Figures) -> list[Value]:
    participation, nps = figures.participation, figures.nps
    return [
        participation.sent,
        participation.bounced,
        participation.answered,
        _rate(participation.response),
        figures.answers,
        _rounded(figures.satisfaction),
        _rate(figures.unhappy),
        _rounded(nps.estimate.value),
        _rounded(nps.estimate.low),
        _rounded(nps.estimate.high),
        nps.n,
    ]


def _rate(share: Share) -> float | None:
    return _rounded(share.estimate.value)


def _rounded(value: float | Decimal | None) -> float | None:
    return None if value is None else round(float(value), 6)


# Items


def _levels(asked: Asked, spool: Spool, total: Figures) -> Sheet:
    columns = (
        Column(asked.text(msg("Question")), width=40),
        Column(asked.text(msg("Answers")), "COUNT", 9),
        Column(asked.text(msg("Mean")), "NUMBER", 9),
        Column(asked.text(msg("Satisfied")), "SHARE", 10),
        Column(asked.text(msg("Satisfied from")), "SHARE", 12),
        Column(asked.text(msg("Satisfied to")), "SHARE", 12),
        Column(asked.text(msg("Very or fairly satisfied")), "SHARE", 14),
    )
    rows: list[list[Value]] = [
        [
            question(asked, item),
            item.n,
            _rounded(item.levels.mean),
            _rate(item.levels.satisfied),
            _rounded(item.levels.satisfied.estimate.low),
            _rounded(item.levels.satisfied.estimate.high),
            _rate(item.levels.top_two),
        ]
        for item in total.items
        if item.levels is not None
    ]
    table = spool.table(rows)
    return Sheet(asked.text(msg("Satisfaction by question")), columns, table.name, table.count)


def question(asked: Asked, item: ItemFigures) -> str:
    """A question with the heading that it stands under."""
    label = text_in(item.item.label, asked.language)
    heading = text_in(item.item.heading, asked.language) if item.item.heading else ""
    return f"{heading} · {label}" if heading else label


def _answers(asked: Asked, spool: Spool, total: Figures) -> Sheet:
    columns = (
        Column(asked.text(msg("Question")), width=40),
        Column(asked.text(msg("Answer given")), width=24),
        Column(asked.text(msg("Answers")), "COUNT", 9),
        Column(asked.text(msg("Share of answers")), "SHARE", 10),
    )
    rows = [[question(asked, item), *cells] for item in total.items for cells in _distribution(asked, item)]
    table = spool.table(rows)
    title = asked.text(msg("Distribution of answers"))
    return Sheet(title, columns, table.name, table.count, main=True)


def _distribution(asked: Asked, item: ItemFigures) -> Iterator[list[Value]]:
    """How often each level or option was chosen, or how a recommendation splits; numbers by their ends."""
    if not item.n:
        yield [asked.text(msg("Answered")), 0, None]
    elif item.levels is not None or item.choices is not None:
        counts = item.levels.distribution if item.levels is not None else item.choices or ()
        for count in counts:
            yield [text_in(count.label, asked.language), count.count, _rounded(count.share)]
    elif item.nps is not None:
        nps = item.nps
        for label, part in (
            (msg("Promoters (9, 10)"), nps.promoters),
            (msg("Passives (7, 8)"), nps.passives),
            (msg("Detractors (0 to 6)"), nps.detractors),
        ):
            yield [asked.text(label), part, round(part / nps.n, 6)]
    elif item.numbers is not None:
        numbers = item.numbers
        told = asked.text(
            msg("mean {mean}, from {least} to {most}"),
            mean=f"{numbers.mean or 0:.2f}",
            least=numbers.least,
            most=numbers.most,
        )
        yield [told, item.n, None]
    else:
        yield [asked.text(msg("Answered")), item.n, None]


# Comments


async def _comments(asked: Asked, spool: Spool) -> Sheet:
    found = await _analysed(asked, _taking_away(asked.viewer), GroupBy.NONE)
    names = await _names(asked, found.comments)
    levels = {option.code: asked.text(option.label) for option in LEVELS}
    columns = (
        Column(asked.text(msg("Day")), "DAY", 12),
        Column(asked.text(msg("Customer")), width=28),
        Column(asked.text(msg("Question")), width=28),
        Column(asked.text(msg("Level")), width=18),
        Column(asked.text(msg("Comment")), width=60),
    )
    rows: list[list[Value]] = [
        [
            asked.local_day(comment.at),
            names.get(comment.customer_id) if comment.customer_id else None,
            text_in(comment.item.label, asked.language),
            levels.get(comment.level or ""),
            comment.text,
        ]
        for comment in found.comments
    ]
    table = spool.table(rows)
    note = asked.text(_COMMENTS, count=table.count)
    return Sheet(asked.text(msg("Comments")), columns, table.name, table.count, note=note, long=True)


def _taking_away(viewer: Viewer) -> Viewer:
    """The viewer, seeing only answers that they may take away."""
    access = dict(viewer.access)
    for record in READS:
        known = viewer.on(record)
        access[record] = replace(
            known, names=min(known.names, known.export), read=min(known.read, known.export)
        )
    return replace(viewer, access=access, known_masks={})


async def _names(asked: Asked, comments: Iterable[Comment]) -> dict[UUID, str]:
    ids = tuple({comment.customer_id for comment in comments if comment.customer_id})
    lookup = Lookup("customer", ids, Select(fields=("name",)))
    found = await read_lookup(asked.read, asked.viewer, lookup)
    place, name = found.layout.id, found.layout.fields["name"]
    return {row[place]: row[name] for row in found.page.rows}


def _charts(asked: Asked, total: Figures) -> list[Chart]:
    items = [item for item in total.items if item.levels is not None and item.n]
    if not items:
        return []
    series = []
    for number, option in enumerate(LEVELS):
        shares = [item.levels.distribution[number].share or 0.0 for item in items if item.levels]
        series.append(Series(asked.text(option.label), _COLOURS[number], tuple(shares)))
    title = asked.text(msg("How satisfied the answers are, by question"))
    categories = tuple(text_in(item.item.label, asked.language) for item in items)
    axis = asked.text(msg("Share of answers"))
    return [Chart(title, axis, categories, tuple(series), stacked=True, percent=True, lying=True)]


KIND: Final = Kind(SURVEY_ANALYSIS, READS, make, columns=frozenset({PERIOD, PEOPLE, QUESTIONNAIRE}))
