"""What becomes of a mail that came back: noted once, and told to the company that sent it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import CompanyRef, ControlRead, ControlTransaction, TenantWrite
from kedang_platform.mail.reports import COMPLAINT, DELAYED, Report
from kedang_platform.mail.returning import mail_in
from kedang_platform.secrets import SecretKey
from kedang_platform.work import NewJob, enqueue

TELL_COMPANY: Final = "correspondence.report"
"""The kind of job in which the company of a mail learns what was reported of it."""


@dataclass(frozen=True, slots=True)
class Bounced:
    """A mail of a company that did not arrive. ``key`` is the mail's; ``hard`` where its address takes no mail at all."""

    key: str
    recipient: str
    hard: bool


Listener: TypeAlias = Callable[[TenantWrite, Bounced, Clock], Awaitable[None]]
_listeners: dict[str, Listener] = {}


def on_bounce(prefix: str) -> Callable[[Listener], Listener]:
    """Have the decorated function told of mails that came back, whose keys begin so.

    It runs in the transaction in which the company notes the bounce, once a mail. Raises ValueError where
    another has the prefix.
    """

    def register(listener: Listener) -> Listener:
        if _listeners.setdefault(prefix, listener) is not listener:
            raise ValueError(f"mails {prefix} are listened for already")
        return listener

    return register


async def tell_listeners(write: TenantWrite, bounced: Bounced, *, clock: Clock) -> None:
    """Tell whoever asked for the mail that it came back."""
    for prefix, listener in _listeners.items():
        if bounced.key.startswith(prefix):
            await listener(write, bounced, clock)


async def take_report(control: ControlTransaction, secret: SecretKey, report: Report) -> bool:
    """Note a report and have the company told of it, once; False where it is about no mail of ours."""
    mail_id = mail_in(secret, report.addresses)
    return mail_id is not None and await note_report(control, mail_id, report)


# What was refused or withheld at once cannot come back; a mail that is still tried can: an earlier try arrived somewhere.
_NOTE = """
WITH noted AS (
    UPDATE platform.mail SET error = $2, state = CASE WHEN $3 THEN 'bounced' ELSE state END,
        text = CASE WHEN $3 THEN '' ELSE text END, html = CASE WHEN $3 THEN '' ELSE html END,
        unsubscribe = CASE WHEN $3 THEN NULL ELSE unsubscribe END
    WHERE id = $1 AND state IN ('queued', 'sending', 'sent', 'unknown', 'bounced')
      AND (state NOT IN ('queued') OR attempts > 0)
    RETURNING company_id
)
SELECT noted.company_id, c.schema_name, c.database FROM noted LEFT JOIN platform.company c ON c.id = noted.company_id
"""


async def note_report(control: ControlTransaction, mail_id: UUID, report: Report) -> bool:
    """Note what is reported of a mail of which we know that it is ours."""
    failed = report.kind not in {DELAYED, COMPLAINT}
    row = await control.fetchrow(_NOTE, mail_id, report.said, failed)
    if row is None:
        return False
    if row["schema_name"] is not None:
        company = CompanyRef(row["company_id"], row["schema_name"], row["database"])
        await enqueue(control, telling_of(mail_id, company, report.kind))
    return True


def telling_of(mail_id: UUID, company: CompanyRef, kind: str) -> NewJob:
    """The job that tells the company; one a mail and kind of report."""
    payload = {"mail": str(mail_id), "report": kind}
    return NewJob(TELL_COMPANY, payload, key=f"mail-report:{mail_id}:{kind}", company=company)


@dataclass(frozen=True, slots=True)
class ReportedMail:
    """What the company has to know of the mail: its key, to whom it went, and what was said."""

    key: str
    recipient: str
    said: str


async def reported_mail(control: ControlRead, mail_id: UUID, *, company: CompanyRef) -> ReportedMail | None:
    """The mail of that company; None where it is another's, or forgotten."""
    row = await control.fetchrow(
        "SELECT key, recipient, error FROM platform.mail WHERE id = $1 AND company_id = $2",
        mail_id,
        company.id,
    )
    return ReportedMail(row["key"], row["recipient"], row["error"] or "") if row else None
