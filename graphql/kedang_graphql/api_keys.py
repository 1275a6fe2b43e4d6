"""Keys for programs, as the API has them: made by people at a browser, told once, ended at any time."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import attempt, id_inside, opaque_id
from kedang_graphql.context import Context
from kedang_graphql.engine.ids import public_id
from kedang_graphql.engine.types import UserError
from kedang_graphql.identity import DonePayload
from kedang_platform import identity
from kedang_tenants.people import operations_keys as keys

KEY = "key"
_MORE_THAN_A_WEEK = 24 * 8


@strawberry.enum(description="What an API key may be used for.")
class ApiKeyScope(Enum):
    READ = "read"
    WRITE = "write"


@strawberry.type(description="A key for programs. The key itself was told once, when it was made.")
class ApiKey:
    id: strawberry.ID
    name: str
    prefix: str = strawberry.field(description="The part of the key by which it is recognised.")
    scopes: list[ApiKeyScope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    member_id: strawberry.ID = strawberry.field(description="The member as whom the key acts.")

    @classmethod
    def of(cls, key: identity.ApiKeyInfo) -> Self:
        return cls(
            id=strawberry.ID(opaque_id(KEY, key.id)),
            name=key.name,
            prefix=key.prefix,
            scopes=[ApiKeyScope(scope) for scope in key.scopes],
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
            member_id=strawberry.ID(public_id("member", key.member_id)),
        )


@strawberry.input
class CreateApiKeyInput:
    name: str
    scopes: list[ApiKeyScope] = strawberry.field(description="READ, or READ and WRITE.")
    expires_at: datetime | None = None


@strawberry.type
class CreateApiKeyPayload:
    api_key: ApiKey | None
    secret: str | None = strawberry.field(description="The key. It is told this once.")
    user_errors: list[UserError]


@strawberry.input
class RotateApiKeyInput:
    id: strawberry.ID
    overlap_hours: int = strawberry.field(
        default=24, description="How long the old key lives on, at most 168 hours; with 0 it ends at once."
    )


@strawberry.input
class RevokeApiKeyInput:
    id: strawberry.ID


async def answer_api_keys(info: Info[Context, None]) -> list[ApiKey]:
    context = info.context
    context.require_scope("read")
    found = await keys.list_api_keys(context.identity, await context.viewer())
    return [ApiKey.of(key) for key in found]


async def answer_create_api_key(
    info: Info[Context, None],
    input: CreateApiKeyInput,  # noqa: A002
) -> CreateApiKeyPayload:
    context = info.context
    context.require_recent_authentication()
    work = keys.create_api_key(
        context.identity,
        await context.viewer(),
        name=input.name,
        scopes=[scope.value for scope in input.scopes],
        expires_at=input.expires_at,
    )
    return await _told(context, work)


async def answer_rotate_api_key(
    info: Info[Context, None],
    input: RotateApiKeyInput,  # noqa: A002
) -> CreateApiKeyPayload:
    context = info.context
    context.require_recent_authentication()
    return await _told(context, _rotate(context, input))


async def _rotate(context: Context, given: RotateApiKeyInput) -> identity.NewApiKey:
    # Bounded first: no calendar holds what an Int can say in hours, and the rule refuses it just the same.
    hours = max(-1, min(given.overlap_hours, _MORE_THAN_A_WEEK))
    return await keys.rotate_api_key(
        context.identity,
        await context.viewer(),
        key_id=id_inside(KEY, given.id),
        overlap=timedelta(hours=hours),
    )


async def _told(context: Context, work: Awaitable[identity.NewApiKey]) -> CreateApiKeyPayload:
    made, errors = await attempt(context, work)
    return CreateApiKeyPayload(
        api_key=ApiKey.of(made.info) if made else None,
        secret=made.text if made else None,
        user_errors=errors,
    )


async def answer_revoke_api_key(info: Info[Context, None], input: RevokeApiKeyInput) -> DonePayload:  # noqa: A002
    context = info.context
    context.require_scope("write")
    _, errors = await attempt(context, _revoke(context, input.id))
    return DonePayload(done=not errors, user_errors=errors)


@strawberry.type
class ApiKeyQuery:
    api_keys: list[ApiKey] = strawberry.field(
        resolver=answer_api_keys, description="The keys of the company, the newest first."
    )


@strawberry.type
class ApiKeyMutation:
    create_api_key: CreateApiKeyPayload = strawberry.mutation(
        resolver=answer_create_api_key,
        description="Make a key that acts as who makes it. A key makes no keys.",
    )
    rotate_api_key: CreateApiKeyPayload = strawberry.mutation(
        resolver=answer_rotate_api_key,
        description="Make a key like one of your own, which lives on for a while beside it.",
    )
    revoke_api_key: DonePayload = strawberry.mutation(
        resolver=answer_revoke_api_key, description="End a key of the company."
    )


async def _revoke(context: Context, key_id: str) -> None:
    viewer = await context.viewer()
    await keys.revoke_api_key(context.identity, viewer, key_id=id_inside(KEY, key_id))
