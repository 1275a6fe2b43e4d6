"""The verbs of daily reports: made, submitted, returned; what is urgent settled or reported upward; emergencies acknowledged."""

from __future__ import annotations

from datetime import date

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue.languages import text_in
from kedang_tenants.dailies import making, reporting, returning, rule, settling, submitting
from kedang_tenants.reading import Viewer

_TYPES = generated_types()
REPORT = _TYPES.of["daily_report"].node
CARD = _TYPES.of["daily_report_card"].node
EMERGENCY = _TYPES.of["emergency_report"].node
_VERSION = "The version that was last seen; the last write wins without it."


@strawberry.type(description="A kind of emergency of the company.")
class EmergencyKind:
    code: str = strawberry.field(description="Names it in `reportEmergency`.")
    label: str = strawberry.field(description="For people, in the language of the request.")


@strawberry.type
class DailyReportStepPayload:
    record: Ref | None = strawberry.field(graphql_type=REPORT | None)
    user_errors: list[UserError]


@strawberry.type
class SettleUrgentCardPayload:
    record: Ref | None = strawberry.field(graphql_type=CARD | None)
    user_errors: list[UserError]


@strawberry.type
class EmergencyReportStepPayload:
    record: Ref | None = strawberry.field(graphql_type=EMERGENCY | None)
    user_errors: list[UserError]


@strawberry.input
class MakeDailyReportInput(Repeatable):
    day: date | None = strawberry.field(
        default=None, description="In the company's zone; today where none is said."
    )


async def answer_make(
    info: Info[Context, None],
    input: MakeDailyReportInput,  # noqa: A002 - the API's word
) -> DailyReportStepPayload:
    async def make(write: TenantWrite, viewer: Viewer) -> Ref:
        made = await making.make_report(write, viewer, day=input.day, clock=info.context.clock)
        return Ref("daily_report", made)

    record, errors = await write_in_company(info.context, make)
    return DailyReportStepPayload(record=record, user_errors=errors)


@strawberry.input
class SubmitDailyReportInput(Repeatable):
    id: strawberry.ID = strawberry.field(
        description="One's own draft, or one's own report that was returned."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_submit(
    info: Info[Context, None],
    input: SubmitDailyReportInput,  # noqa: A002 - the API's word
) -> DailyReportStepPayload:
    async def submit(write: TenantWrite, viewer: Viewer) -> Ref:
        report = record_id(input.id, "daily_report", path=("input", "id"))
        await submitting.submit_report(
            write, viewer, report_id=report, version=input.version, clock=info.context.clock
        )
        return Ref("daily_report", report)

    record, errors = await write_in_company(info.context, submit)
    return DailyReportStepPayload(record=record, user_errors=errors)


@strawberry.input
class ReturnDailyReportInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="A report of somebody else that was submitted.")
    why: str = strawberry.field(description="What is to be mended.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_return(
    info: Info[Context, None],
    input: ReturnDailyReportInput,  # noqa: A002 - the API's word
) -> DailyReportStepPayload:
    async def give_back(write: TenantWrite, viewer: Viewer) -> Ref:
        report = record_id(input.id, "daily_report", path=("input", "id"))
        await returning.return_report(
            write,
            viewer,
            report_id=report,
            why=input.why,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("daily_report", report)

    record, errors = await write_in_company(info.context, give_back)
    return DailyReportStepPayload(record=record, user_errors=errors)


@strawberry.input
class SettleUrgentCardInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="An urgent card of a report that was submitted.")
    settled_how: str = strawberry.field(description="What was done about it.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_settle(
    info: Info[Context, None],
    input: SettleUrgentCardInput,  # noqa: A002 - the API's word
) -> SettleUrgentCardPayload:
    async def settle(write: TenantWrite, viewer: Viewer) -> Ref:
        card = record_id(input.id, "daily_report_card", path=("input", "id"))
        await settling.settle_card(
            write,
            viewer,
            card_id=card,
            settled_how=input.settled_how,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("daily_report_card", card)

    record, errors = await write_in_company(info.context, settle)
    return SettleUrgentCardPayload(record=record, user_errors=errors)


@strawberry.input
class ReportEmergencyInput(Repeatable):
    kind: str = strawberry.field(description="One of `emergencyKinds`, by its code.")
    subject: str = strawberry.field(description="What it is about.")
    content: str = strawberry.field(description="What happened.")
    proposal: str | None = strawberry.field(default=None, description="What is proposed.")
    card_id: strawberry.ID | None = strawberry.field(
        default=None, description="The urgent card that it comes from, which is reported upward with it."
    )
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="The customer that it concerns; the card's, where one is named."
    )


async def answer_report(
    info: Info[Context, None],
    input: ReportEmergencyInput,  # noqa: A002 - the API's word
) -> EmergencyReportStepPayload:
    async def report(write: TenantWrite, viewer: Viewer) -> Ref:
        new = reporting.NewEmergency(
            kind=input.kind,
            subject=input.subject,
            content=input.content,
            proposal=input.proposal,
            card_id=record_id(input.card_id, "daily_report_card", path=("input", "cardId"))
            if input.card_id
            else None,
            customer_id=record_id(input.customer_id, "customer", path=("input", "customerId"))
            if input.customer_id
            else None,
        )
        made = await reporting.report_emergency(write, viewer, new, clock=info.context.clock)
        return Ref("emergency_report", made)

    record, errors = await write_in_company(info.context, report)
    return EmergencyReportStepPayload(record=record, user_errors=errors)


@strawberry.input
class AcknowledgeEmergencyInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="An emergency report that somebody else wrote.")
    instruction: str | None = strawberry.field(default=None, description="What is to be done.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_acknowledge(
    info: Info[Context, None],
    input: AcknowledgeEmergencyInput,  # noqa: A002 - the API's word
) -> EmergencyReportStepPayload:
    async def acknowledge(write: TenantWrite, viewer: Viewer) -> Ref:
        report = record_id(input.id, "emergency_report", path=("input", "id"))
        await reporting.acknowledge(
            write,
            viewer,
            report_id=report,
            instruction=input.instruction,
            version=input.version,
            clock=info.context.clock,
        )
        return Ref("emergency_report", report)

    record, errors = await write_in_company(info.context, acknowledge)
    return EmergencyReportStepPayload(record=record, user_errors=errors)


async def answer_kinds(info: Info[Context, None]) -> list[EmergencyKind]:
    context = info.context
    viewer = await context.viewer()
    async with context.databases.tenant_read(viewer.company) as read:
        habits = await rule.load_habits(read)
    return [
        EmergencyKind(code=kind.code, label=text_in(kind.name, context.language)) for kind in habits.kinds
    ]


@strawberry.type
class DailyReportQuery:
    emergency_kinds: list[EmergencyKind] = strawberry.field(
        resolver=answer_kinds, description="The kinds of emergencies that can be reported upward."
    )


@strawberry.type
class DailyReportMutation:
    make_daily_report: DailyReportStepPayload = strawberry.mutation(
        resolver=answer_make,
        description=(
            "Make one's own daily report out of the day's records, or add to the draft what has happened since;"
            " cards that were edited stay as they are."
        ),
    )
    submit_daily_report: DailyReportStepPayload = strawberry.mutation(
        resolver=answer_submit,
        description="Submit one's own draft to whoever stands above; what is urgent waits for the company manager.",
    )
    return_daily_report: DailyReportStepPayload = strawberry.mutation(
        resolver=answer_return,
        description=(
            "Return a report that was submitted, saying why, as who reads it; its writer mends it and submits it again."
        ),
    )
    settle_urgent_card: SettleUrgentCardPayload = strawberry.mutation(
        resolver=answer_settle,
        description="Note how something urgent was settled; whoever wrote of it is told.",
    )
    report_emergency: EmergencyReportStepPayload = strawberry.mutation(
        resolver=answer_report,
        description="Write an emergency report upward; those who lead the company are told.",
    )
    acknowledge_emergency: EmergencyReportStepPayload = strawberry.mutation(
        resolver=answer_acknowledge,
        description="Acknowledge an emergency report, with what is to be done, as who leads the company.",
    )
