"""Who one is, signing up, in and out, and sessions, as the API has them.

What has to be proved here works without being signed in; answers tell nobody who is known.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Self

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id, remember
from kedang_graphql.context import Context, SessionCookie
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.types import UserError, generated_types
from kedang_platform import identity, registry
from kedang_platform.errors import Forbidden, NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity import Challenged, Entered
from kedang_platform.identity.people import PersonInfo, companies_of, find_person
from kedang_platform.licensing import seats_of
from kedang_tenants.opening import SignUp, confirm_email, sign_up

MEMBER = generated_types().of["member"].node
COMPANY, PERSON, SESSION = "com", "per", "ses"


@strawberry.type(description="A person, who may belong to several companies.")
class Person:
    id: strawberry.ID
    email: str
    name: str
    language: str

    @classmethod
    def of(cls, person: PersonInfo) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(PERSON, person.id)),
            email=person.email,
            name=person.name,
            language=person.language,
        )


@strawberry.type(description="Seats of a company: full members hold one, view-only members none.")
class Seats:
    free: int
    paid: int
    taken: int


@strawberry.type
class Company:
    id: strawberry.ID
    name: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2")
    language: str
    time_zone: str = strawberry.field(description="IANA name, such as Asia/Shanghai")
    currency: str = strawberry.field(description="ISO 4217")

    @classmethod
    def of(cls, company: registry.Company) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(COMPANY, company.id)),
            name=company.name,
            country=company.country,
            language=company.language,
            time_zone=company.time_zone,
            currency=company.currency,
        )


async def answer_member(info: Info[Context, None]) -> Ref:
    return Ref("member", info.context.signed_in().member_id)


async def answer_seats(info: Info[Context, None]) -> Seats:
    context = info.context
    async with context.databases.control_read() as read:
        seats = await seats_of(read, company_id=context.company.id)
    return Seats(free=seats.free, paid=seats.paid, taken=seats.taken)


async def answer_companies(info: Info[Context, None]) -> list[Company]:
    context = info.context
    async with context.databases.control_read() as read:
        found = await companies_of(read, person_id=context.signed_in().person_id)
    return [Company.of(company) for company in found]


@strawberry.type(description="Who asks: the person, the member that they are here, the company.")
class Me:
    person: Person
    company: Company
    member: Ref = strawberry.field(resolver=answer_member, graphql_type=MEMBER)
    seats: Seats = strawberry.field(resolver=answer_seats, description="The seats of the company.")
    companies: list[Company] = strawberry.field(
        resolver=answer_companies, description="All companies that the person can sign in to."
    )


@strawberry.enum(description="How somebody showed who they are.")
class SignInMethod(Enum):
    PASSWORD = strawberry.enum_value("password", description="With the password.")
    OPENID = strawberry.enum_value("openid", description="With an account of a provider (OpenID Connect).")
    LINK = strawberry.enum_value("link", description="With a link that was sent to the mailbox.")


@strawberry.type(description="A browser that is signed in.")
class Session:
    id: strawberry.ID
    company_id: strawberry.ID = strawberry.field(description="The company that it is signed in to.")
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime = strawberry.field(
        description="When it ends by itself; earlier where it is not used for long."
    )
    user_agent: str
    network: str | None = strawberry.field(
        description="Roughly where it was opened, a network in CIDR notation; null if it is not known."
    )
    method: SignInMethod | None = strawberry.field(
        description="How its person showed who they are; null if it is not known."
    )
    second_factor: bool = strawberry.field(description="Whether a one-time code was given as well.")
    current: bool = strawberry.field(description="Whether this request came with it.")


async def answer_me(info: Info[Context, None]) -> Me:
    context = info.context
    context.require_scope("read")
    await context.viewer()
    async with context.databases.control_read() as read:
        person = await find_person(read, person_id=context.signed_in().person_id)
    return Me(person=Person.of(person), company=Company.of(context.company))


async def answer_sessions(info: Info[Context, None]) -> list[Session]:
    context = info.context
    signed_in = require_session(context)
    idle = context.identity.credentials.idle
    async with context.databases.control_read() as read:
        found = await identity.sessions_of(
            read, person_id=signed_in.person_id, now=context.clock.now(), idle=idle
        )
    return [
        Session(
            id=strawberry.ID(opaque_id(SESSION, session.id)),
            created_at=session.created_at,
            last_used_at=session.last_used_at,
            expires_at=session.expires_at,
            user_agent=session.user_agent,
            company_id=strawberry.ID(opaque_id(COMPANY, session.company_id)),
            network=session.place,
            method=SignInMethod(session.method) if session.method else None,
            second_factor=session.second_factor,
            current=session.id == signed_in.credential_id,
        )
        for session in found
    ]


@strawberry.type
class IdentityQuery:
    me: Me = strawberry.field(resolver=answer_me, description="Who asks.")
    sessions: list[Session] = strawberry.field(
        resolver=answer_sessions,
        description="The sessions of who asks, in all companies, the latest used first.",
    )


@strawberry.input
class SignUpInput:
    email: str
    password: str
    name: str
    company_name: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2")
    language: str = strawberry.field(description="en or zh-CN")
    time_zone: str = strawberry.field(description="IANA name, such as Asia/Shanghai")
    currency: str = strawberry.field(description="ISO 4217")


@strawberry.type(description="Accepted says nothing of whether the address is known: a mail tells its owner.")
class AcceptedPayload:
    accepted: bool
    user_errors: list[UserError]


@strawberry.input
class ConfirmEmailInput:
    token: str = strawberry.field(description="From the link in the mail.")


@strawberry.input
class SignInInput:
    email: str
    password: str
    company_id: strawberry.ID | None = strawberry.field(
        default=None, description="Which company, for who belongs to several; else the one last used."
    )


@strawberry.type(description="What completes a sign-in, with a one-time code.")
class SignInChallenge:
    token: str = strawberry.field(description="For `completeSignIn`. It is good for one sign-in.")
    expires_at: datetime = strawberry.field(description="When it is too late for that.")


@strawberry.type(description="The session is in the answer's cookie.")
class SignedInPayload:
    person: Person | None
    company: Company | None
    challenge: SignInChallenge | None = strawberry.field(
        default=None, description="Instead of a session, for who signs in with a second factor."
    )
    must_enrol: bool = strawberry.field(
        default=False,
        description="Whether nothing else can be done before a second factor is set up (`startTwoFactor`).",
    )
    user_errors: list[UserError]


@strawberry.input
class CompleteSignInInput:
    token: str = strawberry.field(description="Of the challenge that `signIn` answered with.")
    code: str = strawberry.field(description="The code that the app shows, or a recovery code.")


@strawberry.input
class RequestPasswordResetInput:
    email: str


@strawberry.input
class ResetPasswordInput:
    token: str = strawberry.field(description="From the link in the mail.")
    password: str


@strawberry.type
class DonePayload:
    done: bool
    user_errors: list[UserError]


@strawberry.input
class EndSessionInput:
    id: strawberry.ID


async def answer_sign_up(info: Info[Context, None], input: SignUpInput) -> AcceptedPayload:  # noqa: A002
    context = info.context
    wish = SignUp(
        email=input.email,
        name=input.name,
        company=input.company_name,
        country=input.country,
        language=input.language,
        time_zone=input.time_zone,
        currency=input.currency,
    )
    work = sign_up(context.identity, wish, password=input.password, address=context.request_address)
    _, errors = await attempt(context, work)
    return AcceptedPayload(accepted=not errors, user_errors=errors)


async def answer_confirm_email(
    info: Info[Context, None],
    input: ConfirmEmailInput,  # noqa: A002
) -> SignedInPayload:
    context = info.context
    work = confirm_email(
        context.identity,
        token=input.token,
        address=context.request_address,
        user_agent=context.user_agent,
        device=context.device,
    )
    return signed_in_payload(context, *await attempt(context, work))


async def answer_sign_in(info: Info[Context, None], input: SignInInput) -> SignedInPayload:  # noqa: A002
    context = info.context
    return signed_in_payload(context, *await attempt(context, _sign_in(context, input)))


async def answer_complete_sign_in(
    info: Info[Context, None],
    input: CompleteSignInInput,  # noqa: A002
) -> SignedInPayload:
    context = info.context
    work = identity.complete_sign_in(
        context.identity, challenge=input.token, code=input.code, browser=context.browser
    )
    return signed_in_payload(context, *await attempt(context, work))


async def answer_sign_out(info: Info[Context, None]) -> DonePayload:
    context = info.context
    signed_in = context.person()
    done = await identity.sign_out(
        context.identity, person_id=signed_in.person_id, session_id=signed_in.credential_id
    )
    context.answer.session = SessionCookie(None, None)
    return DonePayload(done=done, user_errors=[])


async def answer_end_session(info: Info[Context, None], input: EndSessionInput) -> DonePayload:  # noqa: A002
    context = info.context
    _, errors = await attempt(context, _end_session(context, input.id))
    return DonePayload(done=not errors, user_errors=errors)


async def answer_request_password_reset(
    info: Info[Context, None],
    input: RequestPasswordResetInput,  # noqa: A002
) -> AcceptedPayload:
    context = info.context
    work = identity.request_password_reset(
        context.identity, email=input.email, address=context.request_address
    )
    _, errors = await attempt(context, work)
    return AcceptedPayload(accepted=not errors, user_errors=errors)


async def answer_reset_password(
    info: Info[Context, None],
    input: ResetPasswordInput,  # noqa: A002
) -> DonePayload:
    context = info.context
    work = identity.reset_password(
        context.identity, token=input.token, password=input.password, device=context.device
    )
    context.answer.device, errors = await attempt(context, work)
    return DonePayload(done=not errors, user_errors=errors)


@strawberry.type
class IdentityMutation:
    sign_up: AcceptedPayload = strawberry.mutation(
        resolver=answer_sign_up,
        description="Ask for a company of one's own; a mail brings the link that makes it.",
    )
    confirm_email: SignedInPayload = strawberry.mutation(
        resolver=answer_confirm_email,
        description="Use the link of a sign-up: the company is made, its owner signed in.",
    )
    sign_in: SignedInPayload = strawberry.mutation(
        resolver=answer_sign_in, description="Open a session, which is in the answer's cookie."
    )
    complete_sign_in: SignedInPayload = strawberry.mutation(
        resolver=answer_complete_sign_in,
        description="The second step of a sign-in with a second factor: the session is in the answer's cookie.",
    )
    sign_out: DonePayload = strawberry.mutation(
        resolver=answer_sign_out, description="End the session that this request came with."
    )
    end_session: DonePayload = strawberry.mutation(
        resolver=answer_end_session, description="End a session of one's own, here or elsewhere."
    )
    request_password_reset: AcceptedPayload = strawberry.mutation(
        resolver=answer_request_password_reset,
        description="Have a link for a new password sent, if the address is known.",
    )
    reset_password: DonePayload = strawberry.mutation(
        resolver=answer_reset_password,
        description="Set a new password by the link of a mail; every session ends, a second factor stays.",
    )


def signed_in_payload(context: Context, entered: Entered | None, errors: list[UserError]) -> SignedInPayload:
    """Who was signed in, the session in the cookie; or what else is needed; or why not."""
    if entered is None:
        return SignedInPayload(person=None, company=None, user_errors=errors)
    if isinstance(entered, Challenged):
        challenge = SignInChallenge(token=entered.challenge, expires_at=entered.expires_at)
        return SignedInPayload(person=None, company=None, challenge=challenge, user_errors=[])
    remember(context, entered)
    return SignedInPayload(
        person=Person.of(entered.person),
        company=Company.of(entered.company),
        must_enrol=entered.must_enrol,
        user_errors=[],
    )


async def _sign_in(context: Context, given: SignInInput) -> Entered:
    company_id = None
    if given.company_id is not None:
        company_id = id_inside(COMPANY, given.company_id, path=("companyId",))
    return await identity.sign_in(
        context.identity,
        email=given.email,
        password=given.password,
        company_id=company_id,
        address=context.request_address,
        user_agent=context.user_agent,
        device=context.device,
    )


async def _end_session(context: Context, session_id: str) -> None:
    person_id = require_session(context).person_id
    wanted = id_inside(SESSION, session_id)
    if not await identity.sign_out(context.identity, person_id=person_id, session_id=wanted):
        raise NotFound(msg("There is no such record."), path=("id",))


def require_session(context: Context) -> identity.Identified:
    """What belongs to a person at a browser is not for keys."""
    signed_in = context.signed_in()
    if signed_in.kind != "session":
        raise Forbidden(msg("This needs a person who is signed in, not an API key."))
    return signed_in
