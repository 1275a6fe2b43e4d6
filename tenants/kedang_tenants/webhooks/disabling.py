"""Switching a webhook off by the product itself, and telling those who look after it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.i18n import msg, translate
from kedang_tenants.catalogue.languages import in_our_languages
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.people.notices import WEBHOOK_DISABLED
from kedang_tenants.people.telling import Telling, tell
from kedang_tenants.reading import Viewer
from kedang_tenants.webhooks.models import REASONS

_CALLED_OFF: Final = """
UPDATE webhook_delivery SET state = 'CANCELLED', job_id = NULL, next_try_at = NULL, updated_at = $2,
    version = version + 1
WHERE webhook_id = $1 AND state = 'WAITING'
"""
_KEEPERS: Final = """
SELECT id FROM member WHERE state = 'ACTIVE' AND archived_at IS NULL AND roles && ARRAY['OWNER', 'ADMIN'] ORDER BY id
"""


async def disable(
    write: TenantWrite, viewer: Viewer, webhook: asyncpg.Record, reason: str, *, clock: Clock
) -> None:
    """Switch the webhook off, call off what is on its way to it, and tell owners and admins why."""
    values = {"active": False, "disabled_at": clock.now(), "disabled_reason": reason}
    await change_internally(
        write, viewer, [Change("webhook", "update", webhook["id"], values=values)], clock=clock
    )
    await write.fetch(_CALLED_OFF, webhook["id"], clock.now())
    members = [row["id"] for row in await write.fetch(_KEEPERS)]
    await tell(write, viewer, [_telling(webhook, reason, member, clock) for member in members], clock=clock)


def _telling(webhook: asyncpg.Record, reason: str, member: UUID, clock: Clock) -> Telling:
    label = next(option.label for option in REASONS if option.code == reason)
    return Telling(
        kind=WEBHOOK_DISABLED,
        member_id=member,
        occasion=f"webhook-off:{webhook['id'].hex}:{clock.now().isoformat()}",
        title=msg("The webhook “{name}” was switched off"),
        body=msg(
            "{reason}. {host} is told nothing more, and what was on its way has been called off. Once this is"
            " mended, switch the webhook on again; what was called off can be sent again from its log."
        ),
        params={
            "name": webhook["name"],
            # The rest of an address may hold a secret, and this goes into mails.
            "host": urlsplit(webhook["url"]).hostname or "",
            "reason": in_our_languages(lambda language: translate(label, language)),
        },
        details={"name": webhook["name"], "host": urlsplit(webhook["url"]).hostname, "reason": reason},
        about=("webhook", webhook["id"]),
    )
