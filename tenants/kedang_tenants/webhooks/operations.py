"""Making, changing and trying webhooks; sending something again."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import Forbidden, KedangError, NotFound
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.outgoing import AddressRefused, AllowedNetworks, UrlRefused, check_url
from kedang_platform.secrets import SecretKey
from kedang_platform.settings import Settings
from kedang_tenants.catalogue import catalogue
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Lookup, Scope, Viewer, read_lookup
from kedang_tenants.webhooks.models import TEST, TOLD_RECORDS, WAITING
from kedang_tenants.webhooks.questions import (
    Question,
    decode_question,
    encode_question,
    ensure_events_fit,
    ensure_open,
    ensure_readable,
)
from kedang_tenants.webhooks.queueing import send_now
from kedang_tenants.webhooks.signing import secret_of

RECORD: Final = "webhook"
QUERY: Final = ("query",)
_LINE_END: Final = re.compile(r"\r\n?")


class WebhookInactive(KedangError):
    """The webhook is switched off or archived: nothing is sent to it."""


class StillOnItsWay(KedangError):
    """The delivery has not come to its end."""


Asks = Callable[[str], Question]
"""Makes the question of a query; raises InvalidWebhookQuery and what else is wrong with a query, at ``query``."""


async def create_webhook(
    write: TenantWrite,
    viewer: Viewer,
    *,
    values: Mapping[str, Any],
    settings: Settings,
    clock: Clock,
    asks: Asks | None = None,
) -> UUID:
    """Make a webhook of the viewer's; ``asks`` is needed where ``values`` have a query.

    Raises Forbidden, UrlRefused, AddressRefused, Refused, EventNotOfQuery, MaskedField and
    what ``asks`` raises.
    """
    _ensure_may(viewer)
    _check_url(values, settings)
    query = _plain(values.get("query"))
    question = await _question(write, viewer, query, asks)
    if question is not None:
        ensure_events_fit(question, values["events"], path=QUERY)
    given = {**values, "query": query, "owner_id": viewer.member_id}
    (done,) = await change_internally(
        write, viewer, [Change(RECORD, "create", new_id(), values=given)], clock=clock
    )
    await _keep_question(write, done.id, question)
    return done.id


async def update_webhook(
    write: TenantWrite,
    viewer: Viewer,
    *,
    webhook_id: UUID,
    values: Mapping[str, Any],
    version: int | None,
    settings: Settings,
    clock: Clock,
    asks: Asks | None = None,
) -> None:
    """Change address, events, query or name, switch on or off; raises as ``create_webhook``, and NotFound.

    Switching on forgets why it was switched off and how often it failed, and makes the question of the
    query anew: what another release or other fields of the company's own have done to it is seen then.
    Where the owner is no longer an active member, whoever switches it on is its owner from then on.
    """
    row = await _hold(write, viewer, webhook_id)
    _check_url(values, settings)
    changed = dict(values)
    if "query" in changed:
        changed["query"] = _plain(changed["query"])
    if values.get("active"):
        changed |= {"disabled_at": None, "disabled_reason": None, "failures": 0}
        if not await write.fetchval(_STILL_THERE, row["owner_id"]):
            changed["owner_id"] = viewer.member_id
    anew = "query" in changed or bool(values.get("active"))
    if anew:
        question = await _question(write, viewer, changed.get("query", row["query"]), asks)
    else:
        question = decode_question(row["question"]) if row["question"] and "events" in changed else None
    if question is not None:
        path = QUERY if anew else ("events",)
        ensure_events_fit(question, changed.get("events", row["events"]), path=path)
    change = Change(RECORD, "update", webhook_id, version, values=changed)
    await change_internally(write, viewer, [change], clock=clock)
    if anew:
        await _keep_question(write, webhook_id, question)


async def _question(
    read: TenantRead, viewer: Viewer, query: str | None, asks: Asks | None
) -> Question | None:
    """The question of a query, which the viewer can ask now."""
    if not query:
        return None
    assert asks is not None, "whoever hands on queries knows how to read them"
    question = asks(query)
    try:
        ensure_open(viewer, question)
        await ensure_readable(read, viewer, question)
    except KedangError as error:
        raise type(error)(error.message, path=QUERY, **error.params) from error
    return question


def _plain(query: str | None) -> str | None:
    """The query as it is kept, which means the same: without tabs, with line feeds only."""
    return None if query is None else _LINE_END.sub("\n", query.replace("\t", "  "))


async def _keep_question(write: TenantWrite, webhook_id: UUID, question: Question | None) -> None:
    stored = None if question is None else encode_question(question)
    await write.fetch("UPDATE webhook SET question = $2::jsonb WHERE id = $1", webhook_id, stored)


async def rotate_secret(write: TenantWrite, viewer: Viewer, *, webhook_id: UUID, clock: Clock) -> None:
    """Give the webhook its next secret; the one before signs as well for a day. Raises Forbidden, NotFound."""
    row = await _hold(write, viewer, webhook_id)
    values = {"secret_number": row["secret_number"] + 1, "rotated_at": clock.now()}
    await change_internally(write, viewer, [Change(RECORD, "update", webhook_id, values=values)], clock=clock)


async def tell_secret(write: TenantWrite, key: SecretKey, *, webhook_id: UUID) -> str:
    """The secret of a webhook as it is now, for whoever has just made or rotated it."""
    number = await write.fetchval("SELECT secret_number FROM webhook WHERE id = $1", webhook_id)
    return secret_of(key, company_id=write.company.id, webhook_id=webhook_id, number=number)


_STILL_THERE: Final = (
    "SELECT EXISTS (SELECT 1 FROM member WHERE id = $1 AND state = 'ACTIVE' AND archived_at IS NULL)"
)
_TEST: Final = """
INSERT INTO webhook_delivery (id, version, created_at, updated_at, custom, webhook_id, event, about, state, attempts)
VALUES ($1, 1, $2, $2, '{}', $3, $4, $5, 'WAITING', 0)
"""
_DELIVERY: Final = "SELECT id, webhook_id, state FROM webhook_delivery WHERE id = $1 AND archived_at IS NULL"
_AGAIN: Final = """
UPDATE webhook_delivery SET state = 'WAITING', attempts = 0, updated_at = $2, version = version + 1 WHERE id = $1
"""


async def try_webhook(
    write: TenantWrite,
    viewer: Viewer,
    *,
    webhook_id: UUID,
    about: tuple[str, UUID] | None = None,
    clock: Clock,
) -> UUID:
    """Send the event ``webhook.test``, of a record where one is named; returns the id of its delivery.

    ``about`` is a kind of record that events are of, and an id. Raises Forbidden, NotFound, WebhookInactive.
    """
    _ensure_active(await _hold(write, viewer, webhook_id))
    public = f"whk_{webhook_id.hex}"
    if about is not None:
        record = catalogue().record(about[0])
        public = f"{record.prefix}_{about[1].hex}"
        found = await read_lookup(write, viewer, Lookup(record.name, (about[1],)))
        if record.name not in TOLD_RECORDS or not found.page.rows:
            raise NotFound(msg("There is no such record."), path=("recordId",))
    delivery = new_id()
    await write.fetch(_TEST, delivery, clock.now(), webhook_id, TEST, public)
    await send_now(write, [delivery], now=clock.now())
    return delivery


async def replay_delivery(write: TenantWrite, viewer: Viewer, *, delivery_id: UUID, clock: Clock) -> None:
    """Send something again that has come to its end, with the same ``webhook-id`` and the same body.

    Raises Forbidden, NotFound, StillOnItsWay, WebhookInactive.
    """
    _ensure_may(viewer)
    found = await write.fetchrow(_DELIVERY, delivery_id)
    if found is None:
        raise NotFound(msg("There is no such record."), path=("id",))
    _ensure_active(await _hold(write, viewer, found["webhook_id"]))
    state = await write.fetchval("SELECT state FROM webhook_delivery WHERE id = $1 FOR UPDATE", delivery_id)
    if state == WAITING:
        raise StillOnItsWay(msg("This is still on its way."), path=("id",))
    await write.fetch(_AGAIN, delivery_id, clock.now())
    await send_now(write, [delivery_id], now=clock.now())


_HOLD: Final = "SELECT * FROM webhook WHERE id = $1 FOR NO KEY UPDATE"


async def _hold(write: TenantWrite, viewer: Viewer, webhook_id: UUID) -> asyncpg.Record:
    _ensure_may(viewer)
    row = await write.fetchrow(_HOLD, webhook_id)
    if row is None or row["archived_at"] is not None:
        raise NotFound(msg("There is no such record."), path=("id",))
    return row


def _ensure_may(viewer: Viewer) -> None:
    if viewer.on(RECORD).update is not Scope.ALL or viewer.member_id is None:
        raise Forbidden(msg("You may not do this."))


def _ensure_active(row: asyncpg.Record) -> None:
    if not row["active"]:
        raise WebhookInactive(msg("This webhook is switched off."), path=("id",))


def _check_url(values: Mapping[str, Any], settings: Settings) -> None:
    if not isinstance(values.get("url"), str):
        return  # left as it is, or refused with the other fields
    try:
        check_url(values["url"].strip(), AllowedNetworks.of(settings.outgoing_allowed))
    except (UrlRefused, AddressRefused) as error:
        raise type(error)(error.message, path=("url",)) from error
