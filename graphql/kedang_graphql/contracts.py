"""The verbs of contracts: signing, ending and terminating one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
from kedang_tenants.reading import Viewer
from kedang_tenants.trade import contract_life

CONTRACT = generated_types().of["contract"].node
_VERSION = "The version that was last seen; the last write wins without it."


@strawberry.type
class ContractStepPayload:
    record: Ref | None = strawberry.field(graphql_type=CONTRACT | None)
    user_errors: list[UserError]


async def _answer(
    context: Context, public: str, version: int | None, verb: Callable[..., Awaitable[None]], **said: object
) -> ContractStepPayload:
    async def act(write: TenantWrite, viewer: Viewer) -> Ref:
        contract = record_id(public, "contract", path=("input", "id"))
        await verb(write, viewer, contract_id=contract, version=version, clock=context.clock, **said)
        return Ref("contract", contract)

    record, errors = await write_in_company(context, act)
    return ContractStepPayload(record=record, user_errors=errors)


@strawberry.input
class SignContractInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The contract, a draft.")
    signed_on: date | None = strawberry.field(
        default=None, description="As the contract says, else today, if nothing is said."
    )
    starts_on: date | None = strawberry.field(
        default=None, description="As the contract says, else when it was signed, if nothing is said."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_sign(
    info: Info[Context, None],
    input: SignContractInput,  # noqa: A002 - the API's word
) -> ContractStepPayload:
    said = {"signed_on": input.signed_on, "starts_on": input.starts_on}
    return await _answer(info.context, input.id, input.version, contract_life.sign, **said)


@strawberry.input
class EndContractInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The contract, in force until a day that has passed.")
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_end(
    info: Info[Context, None],
    input: EndContractInput,  # noqa: A002 - the API's word
) -> ContractStepPayload:
    return await _answer(info.context, input.id, input.version, contract_life.end)


@strawberry.input
class TerminateContractInput(Repeatable):
    id: strawberry.ID = strawberry.field(description="The contract, in force.")
    reason: str = strawberry.field(description="Why, for the archive.")
    terminated_on: date | None = strawberry.field(
        default=None, description="The last day on which it holds; today, if nothing is said."
    )
    version: int | None = strawberry.field(default=None, description=_VERSION)


async def answer_terminate(
    info: Info[Context, None],
    input: TerminateContractInput,  # noqa: A002 - the API's word
) -> ContractStepPayload:
    said = {"reason": input.reason, "terminated_on": input.terminated_on}
    return await _answer(info.context, input.id, input.version, contract_life.terminate, **said)


@strawberry.type
class ContractMutation:
    sign_contract: ContractStepPayload = strawberry.mutation(
        resolver=answer_sign, description="Put a draft in force."
    )
    end_contract: ContractStepPayload = strawberry.mutation(
        resolver=answer_end,
        description="Note that a contract has come to its end; nobody is reminded of it then.",
    )
    terminate_contract: ContractStepPayload = strawberry.mutation(
        resolver=answer_terminate, description="Note that a contract ends before its time, and why."
    )
