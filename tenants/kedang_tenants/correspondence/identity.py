"""Who a company's mails come from (T10): set by who runs the company, within what the operator allows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantRead, TenantWrite
from kedang_platform.errors import BadUserInput, Forbidden, Refused, UserError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.mail import Sender
from kedang_platform.mail.senders import domains_of
from kedang_platform.registry import Company
from kedang_tenants.changing import Change, change_internally
from kedang_tenants.reading import Scope, Viewer

_FIELDS: Final = ("display_name", "reply_to", "postal_address", "from_address")
_STANDING: Final = f"SELECT id, version, {', '.join(_FIELDS)} FROM mail_identity WHERE archived_at IS NULL"
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('mail identity'), hashtext($1))"


class DomainNotAllowed(BadUserInput):
    """The operator has not allowed the company to send mails from this domain."""


async def sender_of(read: TenantRead, *, company: Company) -> Sender:
    """Who the company's mails come from: what it has set, else its name."""
    row = await read.fetchrow(_STANDING)
    name = (row["display_name"] if row else None) or company.name
    lines = (row["postal_address"] or "").splitlines() if row else []
    return Sender(
        display_name=name,
        reply_to=row["reply_to"] if row else None,
        from_address=row["from_address"] if row else None,
        footer=(company.name, *(line.strip() for line in lines if line.strip())),
    )


# What a header holds without quotes: with anything else all mails of the company would be refused, or go astray.
_PLAIN: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9.-]+", re.IGNORECASE)


def _check_addresses(values: Mapping[str, object]) -> None:
    faults = [
        UserError("INVALID_EMAIL", msg("This is not an e-mail address."), ("input", path))
        for name, path in (("reply_to", "replyTo"), ("from_address", "fromAddress"))
        if values.get(name) and not _PLAIN.fullmatch(str(values[name]).strip())
    ]
    if faults:
        raise Refused(faults)


async def set_identity(
    write: TenantWrite,
    viewer: Viewer,
    *,
    company: Company,
    values: Mapping[str, object],
    allowed: Mapping[str, Sequence[str]],
    clock: Clock,
) -> UUID:
    """Set who the mails come from; what is not in ``values`` stays. Returns the record's id.

    ``allowed`` are the domains that companies may send from, by their handles. Raises Forbidden, DomainNotAllowed and
    Refused.
    """
    if viewer.on("mail_identity").update is not Scope.ALL:
        raise Forbidden(msg("You may not do this."))
    address = values.get("from_address")
    domains = domains_of(allowed, company.handle)
    if address and str(address).rpartition("@")[2].lower().strip() not in domains:
        message = msg("Mails cannot be sent from this domain. Possible are: {domains}.")
        raise DomainNotAllowed(message, path=("input", "fromAddress"), domains=", ".join(domains) or "–")
    _check_addresses(values)
    await write.fetch(_ONE_AT_A_TIME, write.company.schema)
    row = await write.fetchrow(_STANDING)
    given = {name: values[name] for name in _FIELDS if name in values}
    if row is None:
        change = Change("mail_identity", "create", new_id(), values=given)
    else:
        change = Change("mail_identity", "update", row["id"], row["version"], values=given)
    (changed,) = await change_internally(write, viewer, [change], clock=clock)
    return changed.id
