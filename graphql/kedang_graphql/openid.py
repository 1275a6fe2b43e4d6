"""Accounts of providers with which people sign in, and opening a further company, as the API has them."""

from __future__ import annotations

from datetime import datetime

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.types import UserError
from kedang_graphql.identity import Company, DonePayload, require_session
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.identity.openid.linking import LinkedIdentity as Linked
from kedang_platform.identity.openid.linking import identities_of, unlink
from kedang_platform.registry import NewCompany
from kedang_tenants.opening import open_further

IDENTITY = "oid"


@strawberry.type(description="A provider that people of this installation may sign in with (OpenID Connect).")
class IdentityProvider:
    key: str
    name: str
    sign_in_path: str = strawberry.field(description="Where a browser begins to sign in with it.")
    link_path: str = strawberry.field(
        description="Where the browser of who is signed in begins to link an account of it."
    )


@strawberry.type(description="An account of a provider that signs its person in.")
class LinkedIdentity:
    id: strawberry.ID
    provider: str = strawberry.field(
        description="The provider's name, or its issuer where it is no longer set."
    )
    email: str = strawberry.field(description="The address that the provider last told; may be empty.")
    created_at: datetime
    last_used_at: datetime


@strawberry.input
class UnlinkIdentityInput:
    id: strawberry.ID


@strawberry.input
class OpenCompanyInput:
    company_name: str
    country: str = strawberry.field(description="ISO 3166-1 alpha-2")
    language: str = strawberry.field(description="en or zh-CN")
    time_zone: str = strawberry.field(description="IANA name, such as Asia/Shanghai")
    currency: str = strawberry.field(description="ISO 4217")


@strawberry.type
class OpenedCompanyPayload:
    company: Company | None = strawberry.field(description="It can be switched to at once.")
    user_errors: list[UserError]


async def answer_identity_providers(info: Info[Context, None]) -> list[IdentityProvider]:
    return [
        IdentityProvider(
            key=provider.given.key,
            name=provider.given.name,
            sign_in_path=f"/sign-in/with/{provider.given.key}",
            link_path=f"/account/link/{provider.given.key}",
        )
        for provider in info.context.identity.openid
    ]


async def answer_linked_identities(info: Info[Context, None]) -> list[LinkedIdentity]:
    context = info.context
    person_id = require_session(context).person_id
    async with context.databases.control_read() as read:
        found = await identities_of(read, person_id=person_id)
    names = {provider.given.issuer: provider.given.name for provider in context.identity.openid}
    return [_identity(linked, names.get(linked.issuer, linked.issuer)) for linked in found]


def _identity(linked: Linked, provider: str) -> LinkedIdentity:
    return LinkedIdentity(
        id=strawberry.ID(opaque_id(IDENTITY, linked.id)),
        provider=provider,
        email=linked.email,
        created_at=linked.created_at,
        last_used_at=linked.last_used_at,
    )


async def answer_unlink_identity(info: Info[Context, None], input: UnlinkIdentityInput) -> DonePayload:  # noqa: A002
    context = info.context
    _, errors = await attempt(context, _unlink(context, input.id))
    return DonePayload(done=not errors, user_errors=errors)


async def _unlink(context: Context, identity_id: str) -> None:
    person_id = require_session(context).person_id
    context.require_recent_authentication()
    wanted = id_inside(IDENTITY, identity_id)
    async with context.databases.control() as control:
        if not await unlink(control, person_id=person_id, identity_id=wanted):
            raise NotFound(msg("There is no such record."), path=("id",))


async def answer_open_company(
    info: Info[Context, None],
    input: OpenCompanyInput,  # noqa: A002
) -> OpenedCompanyPayload:
    context = info.context
    wish = NewCompany(
        name=input.company_name,
        country=input.country,
        language=input.language,
        time_zone=input.time_zone,
        currency=input.currency,
    )
    person_id = require_session(context).person_id
    opened, errors = await attempt(context, open_further(context.identity, person_id=person_id, wish=wish))
    return OpenedCompanyPayload(company=Company.of(opened) if opened else None, user_errors=errors)


@strawberry.type
class OpenIdQuery:
    identity_providers: list[IdentityProvider] = strawberry.field(
        resolver=answer_identity_providers,
        description="Providers that people may sign in with here; asked without being signed in.",
    )
    linked_identities: list[LinkedIdentity] = strawberry.field(
        resolver=answer_linked_identities,
        description="Accounts of providers that sign in who asks, the oldest link first.",
    )


@strawberry.type
class OpenIdMutation:
    unlink_identity: DonePayload = strawberry.mutation(
        resolver=answer_unlink_identity, description="Take the link to an account of a provider away."
    )
    open_company: OpenedCompanyPayload = strawberry.mutation(
        resolver=answer_open_company,
        description="Open a further company, whose owner is who asks; the session stays in this one.",
    )
