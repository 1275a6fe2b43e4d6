"""The verb of verification: an archive is confirmed, or corrected in the same step."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import custom_of, values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import Repeatable, given
from kedang_platform.database import TenantWrite
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.verification.verifying import verify_customer

_TYPES = generated_types()
CUSTOMER = _TYPES.of["customer"].node
_UPDATE_CUSTOMER: Any = _TYPES.of["customer"].update
_WHICH = frozenset({"id", "version", "idempotencyKey"})


@strawberry.input
class VerifyCustomerInput(Repeatable):
    customer: object = strawberry.field(
        graphql_type=_UPDATE_CUSTOMER,
        description="Which archive, with the fields that had to be corrected; none where all of it holds.",
    )


@strawberry.type
class VerifyCustomerPayload:
    record: Ref | None = strawberry.field(
        graphql_type=CUSTOMER | None, description="With the day until which it is to be verified next."
    )
    user_errors: list[UserError]


async def answer_verify(
    info: Info[Context, None],
    input: VerifyCustomerInput,  # noqa: A002 - the API's word
) -> VerifyCustomerPayload:
    async def verify(write: TenantWrite, viewer: Viewer) -> Ref:
        record, said = catalogue().record("customer"), given(input.customer)
        customer = record_id(said["id"], "customer", path=("input", "customer", "id"))
        corrections = {name: value for name, value in said.items() if name not in _WHICH}
        await verify_customer(
            write,
            viewer,
            customer_id=customer,
            corrections=values_of(record, corrections),
            custom=custom_of(viewer, record, said.get("customFields")),
            version=said.get("version"),
            clock=info.context.clock,
        )
        return Ref("customer", customer)

    done, errors = await write_in_company(info.context, verify)
    return VerifyCustomerPayload(record=done, user_errors=errors)


@strawberry.type
class VerificationMutation:
    verify_customer: VerifyCustomerPayload = strawberry.mutation(
        resolver=answer_verify,
        description="Note that a whole archive holds as of today, with the corrections that were needed.",
    )
