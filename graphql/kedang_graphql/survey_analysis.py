"""The analysis of surveys in the API: figures with their intervals and n, and what customers wrote."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import public_id, record_id
from kedang_graphql.engine.types import generated_types
from kedang_graphql.scalars import DecimalString, LocalisedText
from kedang_tenants.catalogue import catalogue
from kedang_tenants.surveys import analysis, figures, statistics
from kedang_tenants.surveys.analysis import AnalysisRequest, analyse
from kedang_tenants.surveys.analysis import GroupBy as By

_ITEM = catalogue().record("survey_item")
_KIND: Any = generated_types().scalar(_ITEM, _ITEM.fields["kind"])
_ITEM_ANSWER = catalogue().record("survey_item_answer")
_LEVEL: Any = generated_types().scalar(_ITEM_ANSWER, _ITEM_ANSWER.fields["level"])
ITEM = generated_types().of["survey_item"].node
CUSTOMER = generated_types().of["customer"].node
ANSWER = generated_types().of["survey_answer"].node


@strawberry.enum(description="What the figures of an analysis are told apart by.")
class SurveyAnalysisGroupBy(Enum):
    NONE = strawberry.enum_value(By.NONE.value, description="Not at all.")
    GRADE = strawberry.enum_value(By.GRADE.value, description="The customer's grade of now.")
    REGION = strawberry.enum_value(By.REGION.value, description="The customer's region.")
    MONTH = strawberry.enum_value(By.MONTH.value, description="The month of sending, or of answering.")
    VERSION = strawberry.enum_value(By.VERSION.value, description="The version that was asked.")
    OWNER = strawberry.enum_value(By.OWNER.value, description="Who looks after the customer now.")


@strawberry.type(description="How many of n, as a share from 0 to 1 with its 95 % interval (Wilson).")
class SurveyShare:
    count: int
    n: int
    value: float | None
    low: float | None
    high: float | None


@strawberry.type(
    description="Percent of promoters (9, 10) less percent of detractors (0 to 6), with its 95 % interval."
)
class SurveyNetPromoterScore:
    n: int
    promoters: int
    passives: int
    detractors: int
    value: float | None = strawberry.field(description="-100 to 100; null where n is 0")
    low: float | None
    high: float | None


@strawberry.type(description="Invitations sent in the period, and what became of them until now.")
class SurveyParticipation:
    sent: int
    bounced: int
    delivered: int = strawberry.field(description="Sent and not bounced")
    answered: int
    response: SurveyShare = strawberry.field(description="Answered of delivered")


@strawberry.type(description="How often a level or an option was chosen.")
class SurveyCount:
    code: str
    label: LocalisedText
    count: int
    share: float | None = strawberry.field(description="0 to 1, of all who answered the question")


@strawberry.type(description="Answers on the five levels.")
class SurveyLevels:
    distribution: list[SurveyCount] = strawberry.field(description="All five, the best first")
    mean: float | None = strawberry.field(description="5 is very satisfied, 1 not satisfied")
    satisfied: SurveyShare = strawberry.field(description="The share of the upper three levels")
    top_two: SurveyShare = strawberry.field(description="The share of the upper two levels")


@strawberry.type
class SurveyNumbers:
    mean: float | None
    least: Decimal | None = strawberry.field(graphql_type=DecimalString | None)
    most: Decimal | None = strawberry.field(graphql_type=DecimalString | None)


@strawberry.type(
    description="What was answered to a question, the same one in all versions; of its kind's figures, one."
)
class SurveyItemFigures:
    key: str
    kind: Enum = strawberry.field(graphql_type=_KIND)
    label: LocalisedText
    heading: LocalisedText | None
    item: Ref | None = strawberry.field(
        graphql_type=ITEM | None, description="The question as the latest version puts it"
    )
    n: int
    levels: SurveyLevels | None
    nps: SurveyNetPromoterScore | None
    choices: list[SurveyCount] | None
    numbers: SurveyNumbers | None


@strawberry.type
class SurveyMean:
    n: int
    value: float | None


@strawberry.type
class SurveyFigures:
    participation: SurveyParticipation
    answers: int = strawberry.field(description="Answers handed in in the period")
    satisfaction: SurveyMean = strawberry.field(description="The mean of the answers' mean levels, 1 to 5")
    unhappy: SurveyShare = strawberry.field(
        description="Answers that are unhappy by the questionnaire's rule"
    )
    nps: SurveyNetPromoterScore
    items: list[SurveyItemFigures]


@strawberry.type
class SurveyAnalysisGroup:
    key: str | None = strawberry.field(
        description="The id of the level, version or member, the region, or the month as 2026-03"
    )
    label: LocalisedText
    figures: SurveyFigures


@strawberry.type(description="What a customer wrote.")
class SurveyComment:
    at: datetime
    customer: Ref | None = strawberry.field(
        graphql_type=CUSTOMER | None, description="Null for whoever reads answers without names."
    )
    answer: Ref | None = strawberry.field(graphql_type=ANSWER | None)
    item: Ref | None = strawberry.field(graphql_type=ITEM | None)
    level: Enum | None = strawberry.field(graphql_type=_LEVEL | None)
    text: str


@strawberry.type(description="The figures of a questionnaire, of those customers whose answers one may read.")
class SurveyAnalysis:
    questionnaire: LocalisedText
    total: SurveyFigures
    groups: list[SurveyAnalysisGroup]
    comments: list[SurveyComment] = strawberry.field(description="The latest, at most 100")


async def answer_survey_analysis(
    info: Info[Context, None],
    questionnaire_id: strawberry.ID,
    first: Annotated[date, strawberry.argument(name="from")],
    end: Annotated[date, strawberry.argument(name="to", description="The first day that no longer counts")],
    version_id: strawberry.ID | None = None,
    group_by: SurveyAnalysisGroupBy = SurveyAnalysisGroupBy.NONE,
) -> SurveyAnalysis | None:
    context = info.context
    context.require_scope("read")
    viewer = await context.viewer()
    request = AnalysisRequest(
        questionnaire_id=record_id(questionnaire_id, "questionnaire", path=("questionnaireId",)),
        first=first,
        end=end,
        version_id=record_id(version_id, "questionnaire_version", path=("versionId",))
        if version_id
        else None,
        group_by=By(group_by.value),
    )
    async with context.databases.tenant_read(viewer.company) as read:
        found = await analyse(read, viewer, request)
    return SurveyAnalysis(
        questionnaire=_texts(found.questionnaire),
        total=_figures(found.total),
        groups=[_group(group, request.group_by) for group in found.groups],
        comments=[_comment(comment) for comment in found.comments],
    )


_KEYS = {By.GRADE: "grade_level", By.VERSION: "questionnaire_version", By.OWNER: "member"}


def _group(group: analysis.Group, by: By) -> SurveyAnalysisGroup:
    key = public_id(_KEYS[by], group.key) if isinstance(group.key, UUID) else group.key
    return SurveyAnalysisGroup(key=key, label=_texts(group.label), figures=_figures(group.figures))


def _comment(comment: analysis.Comment) -> SurveyComment:
    return SurveyComment(
        at=comment.at,
        customer=Ref("customer", comment.customer_id) if comment.customer_id else None,
        answer=Ref("survey_answer", comment.answer_id),
        item=Ref("survey_item", comment.item.id),
        level=_LEVEL(comment.level) if comment.level else None,
        text=comment.text,
    )


def _figures(told: figures.Figures) -> SurveyFigures:
    participation = told.participation
    return SurveyFigures(
        participation=SurveyParticipation(
            sent=participation.sent,
            bounced=participation.bounced,
            delivered=participation.delivered,
            answered=participation.answered,
            response=_share(participation.response),
        ),
        answers=told.answers,
        satisfaction=SurveyMean(n=told.rated, value=told.satisfaction),
        unhappy=_share(told.unhappy),
        nps=_nps(told.nps),
        items=[_item(item) for item in told.items],
    )


def _item(told: figures.ItemFigures) -> SurveyItemFigures:
    item = told.item
    return SurveyItemFigures(
        key=item.key,
        kind=_KIND(item.kind),
        label=_texts(item.label),
        heading=_texts(item.heading) if item.heading else None,
        item=Ref("survey_item", item.id),
        n=told.n,
        levels=_levels(told.levels) if told.levels else None,
        nps=_nps(told.nps) if told.nps else None,
        choices=_counts(told.choices) if told.choices is not None else None,
        numbers=_numbers(told.numbers) if told.numbers else None,
    )


def _levels(told: figures.LevelFigures) -> SurveyLevels:
    return SurveyLevels(
        distribution=_counts(told.distribution),
        mean=told.mean,
        satisfied=_share(told.satisfied),
        top_two=_share(told.top_two),
    )


def _numbers(told: figures.NumberFigures) -> SurveyNumbers:
    return SurveyNumbers(mean=told.mean, least=told.least, most=told.most)


def _counts(told: tuple[figures.Count, ...]) -> list[SurveyCount]:
    return [
        SurveyCount(code=one.code, label=_texts(one.label), count=one.count, share=one.share) for one in told
    ]


def _share(told: statistics.Share) -> SurveyShare:
    estimate = told.estimate
    return SurveyShare(count=told.count, n=told.n, value=estimate.value, low=estimate.low, high=estimate.high)


def _nps(told: statistics.NetPromoterScore) -> SurveyNetPromoterScore:
    estimate = told.estimate
    return SurveyNetPromoterScore(
        n=told.n,
        promoters=told.promoters,
        passives=told.passives,
        detractors=told.detractors,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
    )


def _texts(texts: figures.Texts) -> LocalisedText:
    return LocalisedText(dict(texts))


@strawberry.type
class SurveyAnalysisQuery:
    survey_analysis: SurveyAnalysis | None = strawberry.field(
        resolver=answer_survey_analysis,
        description=(
            "Who answered a questionnaire and what: invitations by the day they were sent, answers by the day"
            " they were handed in, from the first day until before the last, in the company's zone."
        ),
    )
