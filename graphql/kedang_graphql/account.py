"""One's own account, as the API has it: proving who one is, password, address, second factor, sessions, company."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, renew
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_graphql.identity import COMPANY, AcceptedPayload, Company, DonePayload
from kedang_platform.identity import own_account, proving, second_factors, switching, two_factor
from kedang_tenants.people import operations_two_factor


@strawberry.type(description="Two-factor sign-in of who asks.")
class TwoFactor:
    enabled_at: datetime | None = strawberry.field(description="Since when it is on; null if it is off.")
    recovery_codes_left: int = strawberry.field(description="How many recovery codes were not used yet.")
    required: bool = strawberry.field(description="Whether the company asks every member for it.")


@strawberry.input
class ReauthenticateInput:
    password: str | None = strawberry.field(default=None, description="The password.")
    code: str | None = strawberry.field(
        default=None, description="Instead of it, a code of the app or a recovery code."
    )


@strawberry.input
class ChangePasswordInput:
    current_password: str
    password: str = strawberry.field(description="The new one.")


@strawberry.input
class RequestEmailChangeInput:
    email: str = strawberry.field(description="The new one.")


@strawberry.input
class ConfirmEmailChangeInput:
    token: str = strawberry.field(description="From the link in the mail.")


@strawberry.input
class ConfirmTwoFactorInput:
    code: str = strawberry.field(description="The code that the app shows.")


@strawberry.input
class RequireTwoFactorInput:
    required: bool = strawberry.field(description="Whether every member has to sign in with a second factor.")


@strawberry.input
class SwitchCompanyInput:
    company_id: strawberry.ID = strawberry.field(description="One of `me.companies`.")


@strawberry.type(description="What an app for one-time codes needs (RFC 6238).")
class StartTwoFactorPayload:
    secret: str | None = strawberry.field(description="In base 32, to be typed in. It is told this once.")
    uri: str | None = strawberry.field(
        description="The same as an `otpauth:` address, to be shown as a QR code."
    )
    user_errors: list[UserError]


@strawberry.type(description="Recovery codes, each for one sign-in without the app. They are told this once.")
class RecoveryCodesPayload:
    codes: list[str] | None
    user_errors: list[UserError]


@strawberry.type
class EndedSessionsPayload:
    ended: int = strawberry.field(description="How many were ended.")
    user_errors: list[UserError]


@strawberry.type(description="The session's new token is in the answer's cookie.")
class SwitchedCompanyPayload:
    company: Company | None = strawberry.field(description="Where the session is now.")
    user_errors: list[UserError]


async def answer_two_factor(info: Info[Context, None]) -> TwoFactor:
    context = info.context
    person = context.person()
    async with context.databases.control_read() as read:
        found = await second_factors.second_factor_of(read, person_id=person.person_id)
        required = await two_factor.is_required(read, company_id=person.company.id)
    return TwoFactor(enabled_at=found.since, recovery_codes_left=found.recovery_codes_left, required=required)


@strawberry.type
class AccountQuery:
    two_factor: TwoFactor = strawberry.field(
        resolver=answer_two_factor, description="Two-factor sign-in of who asks."
    )


async def answer_reauthenticate(
    info: Info[Context, None],
    input: ReauthenticateInput,  # noqa: A002
) -> DonePayload:
    context = info.context
    work = proving.reauthenticate(
        context.identity, context.person(), password=input.password, code=input.code
    )
    return await _renewed(context, work)


async def answer_change_password(
    info: Info[Context, None],
    input: ChangePasswordInput,  # noqa: A002
) -> DonePayload:
    context = info.context
    context.require_recent_authentication()
    work = own_account.change_password(
        context.identity,
        context.person(),
        current=input.current_password,
        password=input.password,
        device=context.device,
    )
    return await _renewed(context, work)


async def answer_request_email_change(
    info: Info[Context, None],
    input: RequestEmailChangeInput,  # noqa: A002
) -> AcceptedPayload:
    context = info.context
    context.require_recent_authentication()
    work = own_account.request_email_change(context.identity, context.person(), email=input.email)
    _, errors = await attempt(context, work)
    return AcceptedPayload(accepted=not errors, user_errors=errors)


async def answer_confirm_email_change(
    info: Info[Context, None],
    input: ConfirmEmailChangeInput,  # noqa: A002
) -> DonePayload:
    context = info.context
    _, errors = await attempt(context, own_account.confirm_email_change(context.identity, token=input.token))
    return DonePayload(done=not errors, user_errors=errors)


async def answer_start_two_factor(info: Info[Context, None]) -> StartTwoFactorPayload:
    context = info.context
    context.require_recent_authentication()
    begun, errors = await attempt(context, two_factor.start_two_factor(context.identity, context.person()))
    return StartTwoFactorPayload(
        secret=begun.secret if begun else None, uri=begun.uri if begun else None, user_errors=errors
    )


async def answer_confirm_two_factor(
    info: Info[Context, None],
    input: ConfirmTwoFactorInput,  # noqa: A002
) -> RecoveryCodesPayload:
    context = info.context
    context.require_recent_authentication()
    person = context.person()
    done, errors = await attempt(
        context, two_factor.confirm_two_factor(context.identity, person, code=input.code)
    )
    if done is None:
        return RecoveryCodesPayload(codes=None, user_errors=errors)
    codes, token = done
    renew(context, token)
    return RecoveryCodesPayload(codes=codes, user_errors=[])


async def answer_disable_two_factor(info: Info[Context, None]) -> DonePayload:
    context = info.context
    context.require_recent_authentication()
    return await _renewed(context, two_factor.disable_two_factor(context.identity, context.person()))


async def answer_renew_recovery_codes(info: Info[Context, None]) -> RecoveryCodesPayload:
    context = info.context
    context.require_recent_authentication()
    codes, errors = await attempt(context, two_factor.new_recovery_codes(context.identity, context.person()))
    return RecoveryCodesPayload(codes=codes, user_errors=errors)


async def answer_require_two_factor(
    info: Info[Context, None],
    input: RequireTwoFactorInput,  # noqa: A002
) -> DonePayload:
    context = info.context
    context.require_recent_authentication()
    work = operations_two_factor.require_two_factor(
        context.identity,
        await context.viewer(),
        person_id=context.signed_in().person_id,
        required=input.required,
    )
    _, errors = await attempt(context, work)
    return DonePayload(done=not errors, user_errors=errors)


async def answer_end_other_sessions(info: Info[Context, None]) -> EndedSessionsPayload:
    context = info.context
    ended = await switching.end_other_sessions(context.identity, context.person())
    return EndedSessionsPayload(ended=ended, user_errors=[])


async def answer_switch_company(
    info: Info[Context, None],
    input: SwitchCompanyInput,  # noqa: A002
) -> SwitchedCompanyPayload:
    context = info.context
    switched, errors = await attempt(context, _switch(context, input.company_id))
    return SwitchedCompanyPayload(company=switched, user_errors=errors)


@strawberry.type
class AccountMutation:
    reauthenticate: DonePayload = strawberry.mutation(
        resolver=answer_reauthenticate,
        description="Show again who one is, for sensitive changes in the next 15 minutes.",
    )
    change_password: DonePayload = strawberry.mutation(
        resolver=answer_change_password, description="Set another password; every other session ends."
    )
    request_email_change: AcceptedPayload = strawberry.mutation(
        resolver=answer_request_email_change,
        description="Have a link sent to a new address, with which one signs in once the link was used.",
    )
    confirm_email_change: DonePayload = strawberry.mutation(
        resolver=answer_confirm_email_change,
        description="Use the link of a change of address; the old address is told.",
    )
    start_two_factor: StartTwoFactorPayload = strawberry.mutation(
        resolver=answer_start_two_factor,
        description="Begin to set up two-factor sign-in: what an app for one-time codes needs.",
    )
    confirm_two_factor: RecoveryCodesPayload = strawberry.mutation(
        resolver=answer_confirm_two_factor,
        description="Switch two-factor sign-in on with a code of the app; every other session ends.",
    )
    disable_two_factor: DonePayload = strawberry.mutation(
        resolver=answer_disable_two_factor,
        description="Switch two-factor sign-in off; every other session ends.",
    )
    renew_recovery_codes: RecoveryCodesPayload = strawberry.mutation(
        resolver=answer_renew_recovery_codes, description="Ten new recovery codes; the old ones are void."
    )
    require_two_factor: DonePayload = strawberry.mutation(
        resolver=answer_require_two_factor,
        description="Ask every member of the company for a second factor, or no longer.",
    )
    end_other_sessions: EndedSessionsPayload = strawberry.mutation(
        resolver=answer_end_other_sessions, description="End all sessions of one's own but this one."
    )
    switch_company: SwitchedCompanyPayload = strawberry.mutation(
        resolver=answer_switch_company,
        description="Move the session to another company of one's own; subscriptions in the old one end.",
    )


async def _renewed(context: Context, work: Awaitable[str]) -> DonePayload:
    token, errors = await attempt(context, work)
    if token is not None:
        renew(context, token)
    return DonePayload(done=token is not None, user_errors=errors)


async def _switch(context: Context, company_id: str) -> Company:
    person = context.person()
    wanted = id_inside(COMPANY, company_id, path=("companyId",))
    company, token = await switching.switch_company(context.identity, person, company_id=wanted)
    if token is not None:
        renew(context, token)
    return Company.of(company)
