"""The verbs of visit forms: submitting, calling off, finishing, and the route of the day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_tenants.classing.ordering import Place
from kedang_tenants.followups import visiting
from kedang_tenants.followups.visit_routes import plan_visit_route
from kedang_tenants.reading import Viewer

VISIT_FORM = generated_types().of["visit_form"].node
_VERSION = "The version that was last seen; the last write wins without it."


@strawberry.type
class VisitFormStepPayload:
    record: Ref | None = strawberry.field(graphql_type=VISIT_FORM | None)
    user_errors: list[UserError]


@strawberry.type
class PlanVisitRoutePayload:
    record: Ref | None = strawberry.field(
        graphql_type=VISIT_FORM | None, description="The form, its plans with their places in the route."
    )
    kilometres: float | None = strawberry.field(
        description="The length of the way as the crow flies, through the places that are known."
    )
    user_errors: list[UserError]


async def _answer(
    context: Context, public: str, version: int | None, verb: Callable[..., Awaitable[None]], **said: object
) -> VisitFormStepPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        form = record_id(public, "visit_form", path=("input", "id"))
        await verb(write, viewer, form_id=form, version=version, clock=context.clock, **said)
        return Ref("visit_form", form)

    record, errors = await write_in_company(context, act)
    return VisitFormStepPayload(record=record, user_errors=errors)


@strawberry.input
class SubmitVisitFormInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The form, with at least one visit.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_submit(
    info: Info[Context, None],
    input: SubmitVisitFormInput,  # noqa: A002 - the API's word
) -> VisitFormStepPayload:
    return await _answer(info.context, input.id, input.version, visiting.submit_visit_form)


@strawberry.input
class CallOffVisitsInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The form, not yet finished.")
    reason: str = strawberry.field(description="Why, for whoever decided and whoever keeps attendance.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_call_off(
    info: Info[Context, None],
    input: CallOffVisitsInput,  # noqa: A002 - the API's word
) -> VisitFormStepPayload:
    return await _answer(info.context, input.id, input.version, visiting.call_off_visits, reason=input.reason)


@strawberry.input
class FinishVisitsInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The form, approved, of today or before.")
    result: str = strawberry.field(description="What came of the day.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_finish(
    info: Info[Context, None],
    input: FinishVisitsInput,  # noqa: A002 - the API's word
) -> VisitFormStepPayload:
    return await _answer(info.context, input.id, input.version, visiting.finish_visits, result=input.result)


@strawberry.input
class PlanVisitRouteInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The form.")
    start_latitude: float | None = strawberry.field(
        default=None, description="Where the day begins, in degrees; with startLongitude."
    )
    start_longitude: float | None = strawberry.field(
        default=None, description="Where the day begins, in degrees; with startLatitude."
    )


_MOST_NORTH, _MOST_EAST = 90, 180


def _start(given: PlanVisitRouteInput) -> Place | None:
    latitude, longitude = given.start_latitude, given.start_longitude
    if latitude is None and longitude is None:
        return None
    message = msg("A place has a latitude from -90 to 90 and a longitude from -180 to 180.")
    if latitude is None or not -_MOST_NORTH <= latitude <= _MOST_NORTH:
        raise BadUserInput(message, path=("input", "startLatitude"))
    if longitude is None or not -_MOST_EAST <= longitude <= _MOST_EAST:
        raise BadUserInput(message, path=("input", "startLongitude"))
    return Place(latitude, longitude)


async def answer_plan_route(
    info: Info[Context, None],
    input: PlanVisitRouteInput,  # noqa: A002 - the API's word
) -> PlanVisitRoutePayload:
    async def plan(write: TenantWrite, viewer: Viewer) -> tuple[Ref, float]:
        form = record_id(input.id, "visit_form", path=("input", "id"))
        length = await plan_visit_route(
            write, viewer, form_id=form, start=_start(input), clock=info.context.clock
        )
        return Ref("visit_form", form), round(length, 1)

    planned, errors = await write_in_company(info.context, plan)
    record, length = planned if planned is not None else (None, None)
    return PlanVisitRoutePayload(record=record, kilometres=length, user_errors=errors)


@strawberry.type
class VisitMutation:
    submit_visit_form: VisitFormStepPayload = strawberry.mutation(
        resolver=answer_submit,
        description="Ask for the approval of a day out; what nobody has prepared is filled in from the archive.",
    )
    call_off_visits: VisitFormStepPayload = strawberry.mutation(
        resolver=answer_call_off,
        description="Give a day out up; whoever keeps attendance is told where it was approved.",
    )
    finish_visits: VisitFormStepPayload = strawberry.mutation(
        resolver=answer_finish, description="Say what came of an approved day out."
    )
    plan_visit_route: PlanVisitRoutePayload = strawberry.mutation(
        resolver=answer_plan_route,
        description="Put the visits of a form into the order of a short way, around those that have their time.",
    )
