"""The verbs of webhooks: make, change, try; a new secret; send something again."""

from __future__ import annotations

from enum import Enum
from functools import partial
from typing import Any
from uuid import UUID

import strawberry
from strawberry.types import Info

from kedang_graphql.answering import write_in_company
from kedang_graphql.context import Context
from kedang_graphql.engine.arguments import values_of
from kedang_graphql.engine.executor import Ref
from kedang_graphql.engine.ids import record_id, split_id
from kedang_graphql.engine.types import UserError, generated_types
from kedang_graphql.inputs import given
from kedang_graphql.webhook_queries import read_webhook_query
from kedang_platform.database import TenantWrite
from kedang_platform.errors import NotFound
from kedang_platform.i18n import msg
from kedang_platform.secrets import load_secret_key
from kedang_tenants.catalogue import catalogue
from kedang_tenants.reading import Viewer
from kedang_tenants.webhooks import operations

_RECORD = catalogue().record("webhook")
_EVENTS: Any = generated_types().scalar(_RECORD, _RECORD.fields["events"])
_QUERY = (
    "A GraphQL document whose answer for the record of the event is told as data.payload:"
    " query ($id: ID!) { node(id: $id) { ... on Customer { name } } }, or { customer(id: $id) { name } }"
    " where all events are of customers."
)
WEBHOOK = generated_types().of["webhook"].node
DELIVERY = generated_types().of["webhook_delivery"].node


@strawberry.input
class CreateWebhookInput:
    name: str
    url: str = strawberry.field(description="Begins with https:// and leads into the public Internet.")
    events: list[Enum] = strawberry.field(graphql_type=_EVENTS)
    query: str | None = strawberry.field(default=strawberry.UNSET, description=_QUERY)
    active: bool | None = strawberry.UNSET


@strawberry.input
class UpdateWebhookInput:
    id: strawberry.ID
    version: int | None = strawberry.field(
        default=strawberry.UNSET, description="The one last seen; another one refuses the change."
    )
    name: str | None = strawberry.UNSET
    url: str | None = strawberry.UNSET
    events: list[Enum] | None = strawberry.field(graphql_type=_EVENTS | None, default=strawberry.UNSET)
    query: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"{_QUERY} Null takes it away."
    )
    active: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True switches on again what the product has switched off."
    )


@strawberry.input
class WebhookInput:
    id: strawberry.ID


@strawberry.input
class TestWebhookInput:
    id: strawberry.ID
    record_id: strawberry.ID | None = strawberry.field(
        default=strawberry.UNSET,
        description="A record of a kind that events are of: the test tells what the webhook's query brings of it.",
    )


@strawberry.input
class ReplayWebhookDeliveryInput:
    id: strawberry.ID


@strawberry.type
class UpdateWebhookPayload:
    record: Ref | None = strawberry.field(graphql_type=WEBHOOK | None)
    user_errors: list[UserError]


@strawberry.type
class WebhookSecretPayload:
    record: Ref | None = strawberry.field(graphql_type=WEBHOOK | None)
    secret: str | None = strawberry.field(
        description="What signatures are verified with, beginning with whsec_. It is told this once."
    )
    user_errors: list[UserError]


@strawberry.type
class WebhookDeliveryPayload:
    record: Ref | None = strawberry.field(graphql_type=DELIVERY | None)
    user_errors: list[UserError]


async def answer_create_webhook(
    info: Info[Context, None],
    input: CreateWebhookInput,  # noqa: A002 - the API's word
) -> WebhookSecretPayload:
    context = info.context

    async def create(write: TenantWrite, viewer: Viewer) -> tuple[UUID, str]:
        made = await operations.create_webhook(
            write,
            viewer,
            values=_values(given(input)),
            settings=context.settings,
            clock=context.clock,
            asks=await _asks(info, viewer),
        )
        return made, await operations.tell_secret(write, load_secret_key(context.settings), webhook_id=made)

    return _with_secret(*await write_in_company(context, create))


async def answer_update_webhook(
    info: Info[Context, None],
    input: UpdateWebhookInput,  # noqa: A002 - the API's word
) -> UpdateWebhookPayload:
    async def update(write: TenantWrite, viewer: Viewer) -> Ref:
        said = given(input)
        webhook = record_id(said.pop("id"), "webhook", path=("input", "id"))
        await operations.update_webhook(
            write,
            viewer,
            webhook_id=webhook,
            version=said.pop("version", None),
            values=_values(said),
            settings=info.context.settings,
            clock=info.context.clock,
            asks=await _asks(info, viewer),
        )
        return Ref("webhook", webhook)

    record, errors = await write_in_company(info.context, update)
    return UpdateWebhookPayload(record=record, user_errors=errors)


async def answer_rotate_webhook_secret(
    info: Info[Context, None],
    input: WebhookInput,  # noqa: A002 - the API's word
) -> WebhookSecretPayload:
    context = info.context

    async def rotate(write: TenantWrite, viewer: Viewer) -> tuple[UUID, str]:
        webhook = record_id(input.id, "webhook", path=("input", "id"))
        await operations.rotate_secret(write, viewer, webhook_id=webhook, clock=context.clock)
        key = load_secret_key(context.settings)
        return webhook, await operations.tell_secret(write, key, webhook_id=webhook)

    return _with_secret(*await write_in_company(context, rotate))


async def answer_test_webhook(
    info: Info[Context, None],
    input: TestWebhookInput,  # noqa: A002 - the API's word
) -> WebhookDeliveryPayload:
    async def attempt(write: TenantWrite, viewer: Viewer) -> Ref:
        webhook = record_id(input.id, "webhook", path=("input", "id"))
        about = split_id(input.record_id) if input.record_id else None
        if input.record_id and about is None:
            raise NotFound(msg("There is no such record."), path=("recordId",))
        made = await operations.try_webhook(
            write, viewer, webhook_id=webhook, about=about, clock=info.context.clock
        )
        return Ref("webhook_delivery", made)

    record, errors = await write_in_company(info.context, attempt)
    return WebhookDeliveryPayload(record=record, user_errors=errors)


async def answer_replay_webhook_delivery(
    info: Info[Context, None],
    input: ReplayWebhookDeliveryInput,  # noqa: A002 - the API's word
) -> WebhookDeliveryPayload:
    async def replay(write: TenantWrite, viewer: Viewer) -> Ref:
        delivery = record_id(input.id, "webhook_delivery", path=("input", "id"))
        await operations.replay_delivery(write, viewer, delivery_id=delivery, clock=info.context.clock)
        return Ref("webhook_delivery", delivery)

    record, errors = await write_in_company(info.context, replay)
    return WebhookDeliveryPayload(record=record, user_errors=errors)


async def _asks(info: Info[Context, None], viewer: Viewer) -> operations.Asks:
    return partial(read_webhook_query, await info.context.schema(), viewer)


def _values(said: dict[str, Any]) -> dict[str, Any]:
    """What was said, where null for a field that always has a value is as good as nothing."""
    values = values_of(_RECORD, said)
    return {name: value for name, value in values.items() if value is not None or name == "query"}


def _with_secret(made: tuple[UUID, str] | None, errors: list[UserError]) -> WebhookSecretPayload:
    if made is None:
        return WebhookSecretPayload(record=None, secret=None, user_errors=errors)
    return WebhookSecretPayload(record=Ref("webhook", made[0]), secret=made[1], user_errors=[])


@strawberry.type
class WebhookMutation:
    create_webhook: WebhookSecretPayload = strawberry.mutation(
        resolver=answer_create_webhook,
        description="Have an address told of events, with one's own rights. The secret is told this once.",
    )
    update_webhook: UpdateWebhookPayload = strawberry.mutation(
        resolver=answer_update_webhook, description="Change a webhook, or switch it on or off."
    )
    rotate_webhook_secret: WebhookSecretPayload = strawberry.mutation(
        resolver=answer_rotate_webhook_secret,
        description="Give a webhook a new secret; for a day the one before signs as well.",
    )
    test_webhook: WebhookDeliveryPayload = strawberry.mutation(
        resolver=answer_test_webhook,
        description="Send the event webhook.test, with the answer to the query where a record is named.",
    )
    replay_webhook_delivery: WebhookDeliveryPayload = strawberry.mutation(
        resolver=answer_replay_webhook_delivery,
        description="Send something again that has come to its end, with the same webhook-id and the same body.",
    )
