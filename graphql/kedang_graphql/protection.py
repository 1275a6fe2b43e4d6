"""The verbs of data protection: export and erase one person's data, hold a customer, try a retention rule."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import strawberry
from strawberry.scalars import JSON
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_tenants.catalogue import catalogue
from kedang_tenants.protection.erasing import start_erasure
from kedang_tenants.protection.exporting import start_person_export
from kedang_tenants.protection.holding import hold, lift_hold
from kedang_tenants.protection.retention import try_retention
from kedang_tenants.protection.retention_rules import TEMPLATE
from kedang_tenants.protection.subjects import PERSONS, Person
from kedang_tenants.reading import Viewer

_REQUEST, _RUN, _CUSTOMER = "person_request", "retention_run", "customer"
REQUEST = generated_types().of[_REQUEST].node
RUN = generated_types().of[_RUN].node
CUSTOMER = generated_types().of[_CUSTOMER].node


@strawberry.type
class PersonRequestVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=REQUEST | None)
    user_errors: list[UserError]


@strawberry.type
class RetentionRunVerbPayload:
    record: Ref | None = strawberry.field(graphql_type=RUN | None)
    user_errors: list[UserError]


@strawberry.type
class CustomerHoldPayload:
    record: Ref | None = strawberry.field(graphql_type=CUSTOMER | None)
    user_errors: list[UserError]


@strawberry.input
class ExportPersonInput(Repeatable):
    id: strawberry.ID | None = strawberry.field(
        default=None, description="A contact, a customer or a member; or say an e-mail address."
    )
    email: str | None = strawberry.field(
        default=None, description="Everybody who has this address, and what was sent to it."
    )


@strawberry.input
class ErasePersonInput(Repeatable):
    id: strawberry.ID = strawberry.field(
        description="A contact, a customer who is an individual, or a member who has left"
    )


@strawberry.input
class HoldCustomerInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Which customer")
    reason: str = strawberry.field(description="At most 500 characters")


@strawberry.input
class LiftHoldInput(Repeatable):
    customer_id: strawberry.ID = strawberry.field(description="Which customer")


@strawberry.input
class TryRetentionInput(Repeatable):
    rule_version_id: strawberry.ID | None = strawberry.field(
        default=None, description="A version of any state; the one in force, if none is named."
    )


def _person(text: str) -> Person:
    """The person with that id; raises NotFound for the id of anything else."""
    found = catalogue().by_prefix(text.partition("_")[0])
    if found is None or found.name not in PERSONS:
        raise NotFound(msg("There is no such record."), path=("input", "id"))
    return Person(found.name, record_id(strawberry.ID(text), found.name, path=("input", "id")))


async def answer_export_person(
    info: Info[Context, None],
    input: ExportPersonInput,  # noqa: A002 - the API's word
) -> PersonRequestVerbPayload:
    info.context.require_recent_authentication()

    async def start(write: TenantWrite, viewer: Viewer) -> Ref:
        person = _person(input.id) if input.id is not None else None
        clock = info.context.clock
        return Ref(
            _REQUEST, await start_person_export(write, viewer, person=person, email=input.email, clock=clock)
        )

    record, errors = await write_in_company(info.context, start)
    return PersonRequestVerbPayload(record=record, user_errors=errors)


async def answer_erase_person(
    info: Info[Context, None],
    input: ErasePersonInput,  # noqa: A002 - the API's word
) -> PersonRequestVerbPayload:
    info.context.require_recent_authentication()

    async def start(write: TenantWrite, viewer: Viewer) -> Ref:
        person = _person(input.id)
        return Ref(_REQUEST, await start_erasure(write, viewer, person=person, clock=info.context.clock))

    record, errors = await write_in_company(info.context, start)
    return PersonRequestVerbPayload(record=record, user_errors=errors)


async def answer_hold_customer(
    info: Info[Context, None],
    input: HoldCustomerInput,  # noqa: A002 - the API's word
) -> CustomerHoldPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        customer = record_id(input.customer_id, _CUSTOMER, path=("input", "customerId"))
        await hold(write, viewer, customer_id=customer, reason=input.reason, clock=info.context.clock)
        return Ref(_CUSTOMER, customer)

    record, errors = await write_in_company(info.context, act)
    return CustomerHoldPayload(record=record, user_errors=errors)


async def answer_lift_hold(
    info: Info[Context, None],
    input: LiftHoldInput,  # noqa: A002 - the API's word
) -> CustomerHoldPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        customer = record_id(input.customer_id, _CUSTOMER, path=("input", "customerId"))
        await lift_hold(write, viewer, customer_id=customer, clock=info.context.clock)
        return Ref(_CUSTOMER, customer)

    record, errors = await write_in_company(info.context, act)
    return CustomerHoldPayload(record=record, user_errors=errors)


async def answer_try_retention(
    info: Info[Context, None],
    input: TryRetentionInput,  # noqa: A002 - the API's word
) -> RetentionRunVerbPayload:
    async def start(write: TenantWrite, viewer: Viewer) -> Ref:
        version: UUID | None = None
        if input.rule_version_id is not None:
            version = record_id(input.rule_version_id, "rule_version", path=("input", "ruleVersionId"))
        return Ref(_RUN, await try_retention(write, viewer, version_id=version, clock=info.context.clock))

    record, errors = await write_in_company(info.context, start)
    return RetentionRunVerbPayload(record=record, user_errors=errors)


async def answer_retention_template(info: Info[Context, None]) -> Any:
    info.context.require_scope("read")
    await info.context.viewer()
    return dict(TEMPLATE)


@strawberry.type
class ProtectionQuery:
    retention_template: JSON = strawberry.field(
        resolver=answer_retention_template,
        description="What a rule of the kind “retention” may begin with; it holds only once it is in force.",
    )


@strawberry.type
class ProtectionMutation:
    export_person: PersonRequestVerbPayload = strawberry.mutation(
        resolver=answer_export_person,
        description="Have everything that is kept about a person written into a ZIP file, named by the request.",
    )
    erase_person: PersonRequestVerbPayload = strawberry.mutation(
        resolver=answer_erase_person,
        description="Have a person erased wherever their data has got to; figures stay. It cannot be undone.",
    )
    hold_customer: CustomerHoldPayload = strawberry.mutation(
        resolver=answer_hold_customer,
        description="Put a customer on legal hold: nothing of it is deleted or anonymised until it is lifted.",
    )
    lift_hold: CustomerHoldPayload = strawberry.mutation(
        resolver=answer_lift_hold, description="End the legal hold of a customer."
    )
    try_retention: RetentionRunVerbPayload = strawberry.mutation(
        resolver=answer_try_retention,
        description="Count what a version of the retention rules would do now, with the ids of some; nothing is done.",
    )
