"""How verbs answer: refusals in ``userErrors``, ids of things that are no records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from kedang_graphql.context import Context, SessionCookie
from kedang_graphql.engine.types import UserError
from kedang_graphql.errors import user_errors
from kedang_platform.database import DatabaseUnavailable, TenantWrite
from kedang_platform.errors import KedangError, NotFound, Unauthenticated
from kedang_platform.i18n import msg
from kedang_platform.identity import SignedIn
from kedang_tenants.reading import Viewer

T = TypeVar("T")


async def attempt(context: Context, work: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """What ``work`` gives, or why it was refused, in the language of the request."""
    try:
        return await work, []
    except (Unauthenticated, DatabaseUnavailable):
        raise  # nothing that the input could mend
    except KedangError as error:
        return None, [_in_input(told) for told in user_errors(error, context.language)]


async def write_in_company(
    context: Context, verb: Callable[[TenantWrite, Viewer], Awaitable[T]]
) -> tuple[T | None, list[UserError]]:
    """As ``attempt``, what the verb gives in the field's transaction; needs the scope ``write``.

    A refusal undoes all that the field has written.
    """
    context.require_scope("write")
    viewer = await context.viewer()

    async def act() -> T:
        async with context.writing.transaction(context.databases, viewer.company) as write:
            return await verb(write, viewer)

    return await attempt(context, act())


def _in_input(told: UserError) -> UserError:
    return replace(told, path=["input", *told.path]) if told.path[:1] != ["input"] else told


def remember(context: Context, signed_in: SignedIn) -> None:
    """Give the browser the session that was opened."""
    expires_at = signed_in.expires_at - timedelta(seconds=1)
    context.answer.session = SessionCookie(signed_in.token, expires_at, signed_in.device)


def renew(context: Context, token: str) -> None:
    """Give the browser the new token of the session that it has."""
    context.answer.session = SessionCookie(token, context.person().expires_at)


def opaque_id(kind: str, value: UUID) -> str:
    """The id of something that is no record of the catalogue: a company, a session, a key."""
    return f"{kind}_{value.hex}"


def id_inside(kind: str, text: str, *, path: tuple[str, ...] = ("id",)) -> UUID:
    """The id inside; raises NotFound for anything that is not an id of this kind."""
    prefix, _, digits = text.partition("_")
    try:
        if prefix == kind and len(digits) == 32:
            return UUID(hex=digits)
    except ValueError:
        pass
    raise NotFound(msg("There is no such record."), path=path)
