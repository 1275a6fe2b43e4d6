"""The verbs of service: a request's steps from its assignment to its closing, notes, and repairs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_graphql.scalars import MinorUnits
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.service import handling, notes
from kedang_tenants.service.repairs import record_repair

_TYPES = generated_types()
REQUEST = _TYPES.of["service_request"].node
NOTE = _TYPES.of["service_note"].node
REPAIR = _TYPES.of["repair_record"].node
CUSTOMER = _TYPES.of["customer"].node
_NOTE_RECORD = catalogue().record("service_note")
_NOTE_KIND: Any = _TYPES.scalar(_NOTE_RECORD, _NOTE_RECORD.fields["kind"])
_VERSION = "The version that was last seen; the last write wins without it."


@strawberry.type
class ServiceRequestStepPayload:
    record: Ref | None = strawberry.field(graphql_type=REQUEST | None)
    user_errors: list[UserError]


async def _answer(
    context: Context, public: str, version: int | None, verb: Callable[..., Awaitable[None]], **said: object
) -> ServiceRequestStepPayload:
    """Take one step with a request."""

    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        request = record_id(public, "service_request", path=("input", "id"))
        await verb(write, viewer, request_id=request, version=version, clock=context.clock, **said)
        return Ref("service_request", request)

    record, errors = await write_in_company(context, act)
    return ServiceRequestStepPayload(record=record, user_errors=errors)


@strawberry.input
class AssignServiceRequestInput(Repeatable):
    id: strawberry.ID
    owner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is to be responsible; by turn in the department where nobody is said."
    )
    department_id: strawberry.ID | None = None
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_assign(
    info: Info[Context, None],
    input: AssignServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    async def assign(write: TenantWrite, viewer: Viewer, **step: Any) -> None:
        owner = _maybe(input.owner_id, "member", "ownerId")
        department = _maybe(input.department_id, "department", "departmentId")
        await handling.assign(write, viewer, owner_id=owner, department_id=department, **step)

    return await _answer(info.context, input.id, input.version, assign)


def _maybe(public: str | None, record: str, field: str) -> UUID | None:
    return None if public is None else record_id(public, record, path=("input", field))


@strawberry.input
class AnswerServiceRequestInput(Repeatable):
    id: strawberry.ID
    text: str = strawberry.field(description="What the customer was told.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_answer(
    info: Info[Context, None],
    input: AnswerServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, notes.answer, text=input.text)


@strawberry.input
class WaitForCustomerInput(Repeatable):
    id: strawberry.ID
    text: str | None = strawberry.field(
        default=None, description="What the customer was asked; needed where nobody has answered them yet."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_wait(
    info: Info[Context, None],
    input: WaitForCustomerInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.wait_for_customer, text=input.text)


@strawberry.input
class ResumeServiceRequestInput(Repeatable):
    id: strawberry.ID
    text: str | None = strawberry.field(default=None, description="What the customer said.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_resume(
    info: Info[Context, None],
    input: ResumeServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.resume, text=input.text)


@strawberry.input
class SolveServiceRequestInput(Repeatable):
    id: strawberry.ID
    result: str
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_solve(
    info: Info[Context, None],
    input: SolveServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.solve, result=input.result)


@strawberry.input
class CloseServiceRequestInput(Repeatable):
    id: strawberry.ID
    result: str | None = strawberry.field(
        default=None, description="Needed where the request has none from its solution."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_close(
    info: Info[Context, None],
    input: CloseServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.close, result=input.result)


@strawberry.input
class ReopenServiceRequestInput(Repeatable):
    id: strawberry.ID
    reason: str
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_reopen(
    info: Info[Context, None],
    input: ReopenServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.reopen, reason=input.reason)


@strawberry.input
class CancelServiceRequestInput(Repeatable):
    id: strawberry.ID
    reason: str
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_cancel(
    info: Info[Context, None],
    input: CancelServiceRequestInput,  # noqa: A002 - the API's word
) -> ServiceRequestStepPayload:
    return await _answer(info.context, input.id, input.version, handling.cancel, reason=input.reason)


@strawberry.input
class AddServiceNoteInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The service request.")
    kind: Enum = strawberry.field(graphql_type=_NOTE_KIND)
    text: str


@strawberry.type
class AddServiceNotePayload:
    record: Ref | None = strawberry.field(graphql_type=NOTE | None)
    request: Ref | None = strawberry.field(
        graphql_type=REQUEST | None, description="As it is now: a note may answer it, or end the waiting."
    )
    user_errors: list[UserError]


async def answer_add_note(
    info: Info[Context, None],
    input: AddServiceNoteInput,  # noqa: A002 - the API's word
) -> AddServiceNotePayload:
    async def add(write: TenantWrite, viewer: Viewer) -> tuple[UUID, UUID]:
        request = record_id(input.id, "service_request", path=("input", "id"))
        values = values_of(_NOTE_RECORD, {"kind": input.kind})
        note = await notes.add_note(
            write,
            viewer,
            request_id=request,
            kind=str(values["kind"]),
            text=input.text,
            clock=info.context.clock,
        )
        return note, request

    done, errors = await write_in_company(info.context, add)
    if done is None:
        return AddServiceNotePayload(record=None, request=None, user_errors=errors)
    return AddServiceNotePayload(
        record=Ref("service_note", done[0]), request=Ref("service_request", done[1]), user_errors=[]
    )


@strawberry.input
class RecordRepairInput(Repeatable):
    fault: str
    request_id: strawberry.ID | None = strawberry.UNSET
    customer_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="May be left out where a request is named."
    )
    product_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="The request's where nothing is said."
    )
    serial_number: str | None = strawberry.UNSET
    owned_product_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="What of the customer's; the request's where nothing is said."
    )
    maintained: bool | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whether its next maintenance counts from here; true, if nothing is said.",
    )
    counter: int | None = strawberry.field(
        default=strawberry.UNSET, description="What its counter stood at; as last read, if nothing is said."
    )
    work_done: str | None = strawberry.UNSET
    parts: str | None = strawberry.UNSET
    technician_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET, description="Whoever records it, if nobody is said."
    )
    repaired_on: date | None = strawberry.field(
        default=strawberry.UNSET, description="Today, if nothing is said."
    )
    cost: MinorUnits | None = strawberry.UNSET
    currency: str | None = strawberry.UNSET


@strawberry.type
class RecordRepairPayload:
    record: Ref | None = strawberry.field(graphql_type=REPAIR | None)
    customer: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    user_errors: list[UserError]


async def answer_record_repair(
    info: Info[Context, None],
    input: RecordRepairInput,  # noqa: A002 - the API's word
) -> RecordRepairPayload:
    async def record(write: TenantWrite, viewer: Viewer) -> tuple[UUID, UUID]:
        values = values_of(catalogue().record("repair_record"), given(input))
        return await record_repair(write, viewer, values=values, clock=info.context.clock)

    done, errors = await write_in_company(info.context, record)
    if done is None:
        return RecordRepairPayload(record=None, customer=None, user_errors=errors)
    return RecordRepairPayload(
        record=Ref("repair_record", done[0]), customer=Ref("customer", done[1]), user_errors=[]
    )


@strawberry.type
class ServiceMutation:
    assign_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_assign, description="Give a request to a member, or to a department, by turn."
    )
    answer_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_answer, description="Answer the customer; the first answer ends its clock."
    )
    wait_for_customer: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_wait, description="Stop the solution clock until the customer comes back."
    )
    resume_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_resume, description="The customer came back: the solution clock runs again."
    )
    solve_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_solve, description="Note the solution; the clocks end."
    )
    close_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_close, description="Close a request with its result."
    )
    reopen_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_reopen,
        description="Go on with a request that was solved or closed, with what was left of its time.",
    )
    cancel_service_request: ServiceRequestStepPayload = strawberry.mutation(
        resolver=answer_cancel, description="End an open request without a solution."
    )
    add_service_note: AddServiceNotePayload = strawberry.mutation(
        resolver=answer_add_note,
        description="Note something; a word to the customer answers the request, one from them ends the waiting.",
    )
    record_repair: RecordRepairPayload = strawberry.mutation(
        resolver=answer_record_repair, description="Keep a repair in the archive of the customer."
    )
