"""The way of a mail out: rendered and stored with its job in one transaction, sent once, recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.database import (
    CompanyRef,
    ControlRead,
    ControlTransaction,
    Databases,
    DatabaseUnavailable,
)
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.mail.bounces import telling_of
from kedang_platform.mail.letters import Letter, render
from kedang_platform.mail.ports import Mail, Mailer, message_id
from kedang_platform.mail.reports import HARD
from kedang_platform.mail.returning import ReturnAddress
from kedang_platform.mail.senders import Sender, allowed_sender, domains_of, written
from kedang_platform.work import JobLost, JobPutOff, NewJob, enqueue
from kedang_platform.work.priorities import BULK, URGENT, USUAL

JOB = "mail.send"
_KEPT = timedelta(days=30)
# After an unknown outcome a mail is sent once more, never a third time (design 6, effects outside).
_REPEATS = 1


class MailDelayed(KedangError):
    """The mail was not taken, or nobody knows: the job tries again, not before ``retry_after`` where that is known."""

    passing = True

    def __init__(self, retry_after: timedelta | None = None) -> None:
        super().__init__(msg("The mail server does not take the mail at this moment."))
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A letter to a person. Two of the same ``key`` are the same mail: the second is not even stored.

    A mail of a ``company`` comes from its ``sender``, is not sent to addresses that it suppresses, and what comes back
    reaches it (``on_bounce``). ``kind`` says what it is: "survey", "notice", "report", "letter" ….
    It leaves at ``due_at``, at once if None.
    """

    letter: Letter
    recipient: str
    language: str
    key: str
    company: CompanyRef | None = None
    sender: Sender | None = None
    kind: str | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OfCompany:
    """Whose a mail is when it leaves: the company with its zone, and the mail's key and kind."""

    company: CompanyRef
    time_zone: str
    key: str
    kind: str | None


Instead: TypeAlias = Delivery | datetime
"""What becomes of a mail that does not leave: that, or it waits until the instant."""
Wanted: TypeAlias = Callable[[Mail, OfCompany | None], Awaitable[Instead | None]]
"""Asked right before a mail leaves: what becomes of it instead, None where it may leave."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What the operator has set for mails: the installation's sender, which domains companies may send from by their
    handles, and where mails come back to.
    """

    sender: str
    domains: Mapping[str, Sequence[str]] = field(default_factory=dict)
    returns: ReturnAddress | None = None


async def post(control: ControlTransaction, mails: Sequence[Outgoing], *, sender: str, now: datetime) -> None:
    """Store the mails, rendered, with a job for each; they leave after this transaction commits."""
    if not mails:
        return
    rows = [_row(outgoing, sender=sender) for outgoing in mails]
    columns = [list(column) for column in zip(*rows, strict=True)]
    of = dict(zip((row[0] for row in rows), mails, strict=True))
    made = [row["id"] for row in await control.fetch(_INSERT, *columns, now)]
    await enqueue(control, *(_job(mail_id, of[mail_id]) for mail_id in made))


_NOBODY_WAITS = frozenset({"survey", "care", "campaign", "report"})


def _job(mail_id: UUID, outgoing: Outgoing) -> NewJob:
    """Takes its turn among the company's work; somebody sits before a screen for a mail of their account."""
    usual = BULK if outgoing.kind in _NOBODY_WAITS else USUAL
    return NewJob(
        JOB,
        {"mail": str(mail_id)},
        key=f"mail:{mail_id}",
        due_at=outgoing.due_at,
        priority=URGENT if outgoing.company is None else usual,
        turn_of=outgoing.company,
    )


# Arrays make one statement text for any number of mails, so that it stays prepared.
_INSERT = """
INSERT INTO platform.mail (id, key, recipient, subject, text, html, language, message_id, state, attempts, unknowns,
                           created_at, unsubscribe, company_id, kind, sender, reply_to)
SELECT given.id, given.key, given.recipient, given.subject, given.text, given.html, given.language, given.message_id,
       'queued', 0, 0, $14, given.unsubscribe, given.company_id, given.kind, given.sender, given.reply_to
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::uuid[], $11::text[], $12::text[], $13::text[])
     AS given (id, key, recipient, subject, text, html, language, message_id, unsubscribe, company_id, kind, sender,
               reply_to)
ON CONFLICT (key) DO NOTHING RETURNING id
"""


def _row(
    outgoing: Outgoing, *, sender: str
) -> tuple[UUID, str, str, str, str, str, str, str, str | None, UUID | None, str | None, str, str | None]:
    by = outgoing.sender
    rendered = render(outgoing.letter, language=outgoing.language, footer=by.footer if by else ())
    return (
        new_id(),
        outgoing.key,
        outgoing.recipient,
        rendered.subject,
        rendered.text,
        rendered.html,
        outgoing.language,
        message_id(outgoing.key, sender),
        outgoing.letter.unsubscribe,
        outgoing.company.id if outgoing.company else None,
        outgoing.kind,
        written(by, installation=sender),
        by.reply_to if by else None,
    )


async def deliver(
    databases: Databases,
    mailer: Mailer,
    mail_id: UUID,
    *,
    ways: Ways,
    now: datetime,
    finish: Callable[[], AbstractAsyncContextManager[ControlTransaction]] | None = None,
    wanted: Wanted | None = None,
) -> None:
    """Send the mail unless it has been; record what became of it. Raises ``MailDelayed`` to be called again,
    ``JobPutOff`` where it waits.

    Whether it is ``wanted`` is asked before the try, so that what fails there leaves no doubt. The try is recorded
    before it is made: where the process dies in between, the next call finds it open, counts an unknown outcome, and
    sends the mail once more with the same Message-ID, or not at all.
    ``finish`` opens the last transaction of the job that sends, so that a mail's end and its job's are one.
    """
    async with databases.control_read() as read:
        stored = await _stored(read, mail_id, ways=ways)
    if stored is None:
        return
    instead = await wanted(stored.mail, stored.of_company) if wanted and not stored.exhausted else None
    if isinstance(instead, datetime):
        raise JobPutOff(instead)
    delivery = instead or await _tried(databases, mailer, mail_id, stored)
    if delivery is None:
        return
    if delivery.outcome in _DELAYED:
        async with databases.control() as control:
            await _record(control, mail_id, stored, delivery, now=now)
        raise MailDelayed(delivery.retry_after)
    try:
        async with (finish or databases.control)() as control:
            await _record(control, mail_id, stored, delivery, now=now)
    except JobLost:
        # Another worker took over a job that seemed dead: it had better learn that the mail has gone.
        async with databases.control() as control:
            await _record(control, mail_id, stored, delivery, now=now)
        raise


@dataclass(frozen=True, slots=True)
class _Stored:
    """A mail that has not ended, and whose it is; it is ``exhausted`` when it may have been taken too often."""

    key: str
    mail: Mail
    of_company: OfCompany | None
    exhausted: bool


_READ = """
SELECT m.key, m.recipient, m.subject, m.text, m.html, m.language, m.message_id, m.created_at, m.unsubscribe, m.reply_to,
       m.sender, m.company_id, m.kind, m.unknowns + (m.state = 'sending')::int > $2 AS exhausted,
       c.handle, c.schema_name, c.database, c.time_zone
FROM platform.mail m LEFT JOIN platform.company c ON c.id = m.company_id
WHERE m.id = $1 AND m.state IN ('queued', 'sending') AND (m.company_id IS NULL OR c.id IS NOT NULL)
"""
_BEGIN = """
UPDATE platform.mail SET state = 'sending', unknowns = unknowns + (state = 'sending')::int, attempts = attempts + 1
WHERE id = $1 AND state IN ('queued', 'sending') AND unknowns + (state = 'sending')::int <= $2
RETURNING attempts
"""
_NOT_TRIED = "UPDATE platform.mail SET state = 'queued' WHERE id = $1 AND state = 'sending' AND attempts = $2"
_GIVE_UP = """
UPDATE platform.mail SET state = 'unknown', unknowns = unknowns + 1, text = '', html = '', unsubscribe = NULL
WHERE id = $1 AND state = 'sending' AND unknowns + 1 > $2
"""


async def _tried(databases: Databases, mailer: Mailer, mail_id: UUID, stored: _Stored) -> Delivery | None:
    """What came of a try; None where none is made any more."""
    attempt = None
    try:
        async with databases.control() as control:
            attempt = await _begin(control, mail_id)
    except DatabaseUnavailable:
        await _take_back(databases, mail_id, attempt)
        raise
    return None if attempt is None else await mailer.send(stored.mail, key=stored.key)


async def _begin(control: ControlTransaction, mail_id: UUID) -> int | None:
    """Note that the mail is tried now; the number of the try, None where the mail has ended, or ends hereby."""
    attempt: int | None = await control.fetchval(_BEGIN, mail_id, _REPEATS)
    if attempt is None:
        await control.fetch(_GIVE_UP, mail_id, _REPEATS)
    return attempt


async def _take_back(databases: Databases, mail_id: UUID, attempt: int | None) -> None:
    """A try that is perhaps noted, since the answer to the COMMIT was lost, and surely was not made, leaves no doubt.

    Otherwise two such answers would end a mail that nobody ever sent.
    """
    if attempt is not None:
        with suppress(DatabaseUnavailable):
            async with databases.control() as control:
                await control.fetch(_NOT_TRIED, mail_id, attempt)


async def _stored(read: ControlRead, mail_id: UUID, *, ways: Ways) -> _Stored | None:
    row = await read.fetchrow(_READ, mail_id, _REPEATS)
    if row is None:
        return None
    domains = domains_of(ways.domains, row["handle"])
    message = Mail(
        sender=allowed_sender(row["sender"], installation=ways.sender, domains=domains),
        return_path=ways.returns.of(mail_id) if ways.returns else None,
        **{name: row[name] for name in _COLUMNS},
    )
    return _Stored(row["key"], message, _of_company(row), row["exhausted"])


_COLUMNS = (
    "recipient",
    "subject",
    "text",
    "html",
    "language",
    "message_id",
    "created_at",
    "unsubscribe",
    "reply_to",
)


def _of_company(row: asyncpg.Record) -> OfCompany | None:
    if row["schema_name"] is None:
        return None
    company = CompanyRef(row["company_id"], row["schema_name"], row["database"])
    return OfCompany(company, row["time_zone"], row["key"], row["kind"])


_DELAYED = {Outcome.RETRY, Outcome.UNKNOWN}
_STATES = {
    Outcome.ACCEPTED: "sent",
    Outcome.REJECTED: "rejected",
    Outcome.RETRY: "queued",
    Outcome.WITHHELD: "withheld",
    Outcome.SUPPRESSED: "suppressed",
    Outcome.UNKNOWN: "sending",  # the next call finds it so, and counts that nobody knows
}
_RECORD = """
UPDATE platform.mail SET state = $2, error = $3, sent_at = $4,
    text = CASE WHEN $5 THEN '' ELSE text END, html = CASE WHEN $5 THEN '' ELSE html END,
    unsubscribe = CASE WHEN $5 THEN NULL ELSE unsubscribe END
WHERE id = $1 AND state NOT IN ('sent', 'bounced')
"""


async def _record(
    control: ControlTransaction, mail_id: UUID, stored: _Stored, delivery: Delivery, *, now: datetime
) -> None:
    accepted = delivery.outcome is Outcome.ACCEPTED
    ended = delivery.outcome not in _DELAYED
    state, error = _STATES[delivery.outcome], None if accepted else delivery.detail
    await control.fetch(_RECORD, mail_id, state, error, now if accepted else None, ended)
    if delivery.refused_address and stored.of_company:
        await enqueue(control, telling_of(mail_id, stored.of_company.company, HARD))


_GIVEN_UP = """
UPDATE platform.mail SET text = '', html = '', unsubscribe = NULL,
    state = CASE WHEN state = 'sending' OR unknowns > 0 THEN 'unknown' ELSE 'rejected' END
WHERE id = $1 AND state IN ('queued', 'sending')
"""


async def give_up(control: ControlTransaction, mail_id: UUID) -> None:
    """Note that a mail is tried no more: rejected where it was surely not taken, else unknown."""
    await control.fetch(_GIVEN_UP, mail_id)


async def mail_states(control: ControlRead, keys: Sequence[str]) -> dict[str, str]:
    """The state of the mails of these keys that are known: ``queued sending sent rejected unknown withheld`` (its reader
    wants none), ``suppressed`` (the company sends nothing to this address) or ``bounced`` (it came back after it was sent).
    """
    rows = await control.fetch("SELECT key, state FROM platform.mail WHERE key = ANY($1)", list(keys))
    return {row["key"]: row["state"] for row in rows}


# A job that was called off leaves its mail behind; one that waits for its day does not.
_FORGET = """
DELETE FROM platform.mail m WHERE m.created_at < $1 AND coalesce(m.sent_at, m.created_at) < $1
  AND (m.state NOT IN ('queued', 'sending') OR NOT EXISTS (
      SELECT FROM work.job j WHERE j.key = 'mail:' || m.id AND j.finished_at IS NULL AND j.tenant IN (
          '', (SELECT c.schema_name FROM platform.company c WHERE c.id = m.company_id))))
"""


async def forget_old_mails(control: ControlTransaction, *, now: datetime) -> None:
    """Remove the records of mails that left a month ago, and of those that nothing sends any more."""
    await control.fetch(_FORGET, now - _KEPT)
