"""The way of a mail out: rendered and stored with its job in one transaction, sent once, recorded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete

from kedang_platform.database import ControlRead, ControlTransaction, Databases
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.mail.letters import Letter, render
from kedang_platform.mail.ports import Delivery, Mail, Mailer, Outcome, message_id
from kedang_platform.mail.tables import mail
from kedang_platform.work import JobLost, NewJob, enqueue

JOB = "mail.send"
_KEPT = timedelta(days=30)
# After an unknown outcome a mail is sent once more, never a third time (design 6, effects outside).
_REPEATS = 1


class MailDelayed(KedangError):
    """The mail was not taken, or nobody knows: the job tries again."""

    passing = True

    def __init__(self) -> None:
        super().__init__(msg("The mail server does not take the mail at this moment."))


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A letter to a person. Two of the same ``key`` are the same mail: the second is not even stored."""

    letter: Letter
    recipient: str
    language: str
    key: str


async def post(control: ControlTransaction, mails: Sequence[Outgoing], *, sender: str, now: datetime) -> None:
    """Store the mails, rendered, with a job for each; they leave after this transaction commits."""
    if not mails:
        return
    rows = [_row(outgoing, sender=sender) for outgoing in mails]
    columns = [list(column) for column in zip(*rows, strict=True)]
    made = [row["id"] for row in await control.fetch(_INSERT, *columns, now)]
    await enqueue(control, *(NewJob(JOB, {"mail": str(mail_id)}, key=f"mail:{mail_id}") for mail_id in made))


# Arrays make one statement text for any number of mails, so that it stays prepared.
_INSERT = """
INSERT INTO platform.mail (id, key, recipient, subject, text, html, language, message_id, state, attempts, unknowns,
                           created_at, unsubscribe)
SELECT given.id, given.key, given.recipient, given.subject, given.text, given.html, given.language, given.message_id,
       'queued', 0, 0, $10, given.unsubscribe
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     AS given (id, key, recipient, subject, text, html, language, message_id, unsubscribe)
ON CONFLICT (key) DO NOTHING RETURNING id
"""


def _row(outgoing: Outgoing, *, sender: str) -> tuple[object, ...]:
    rendered = render(outgoing.letter, language=outgoing.language)
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
    )


async def deliver(
    databases: Databases,
    mailer: Mailer,
    mail_id: UUID,
    *,
    sender: str,
    now: datetime,
    finish: Callable[[], AbstractAsyncContextManager[ControlTransaction]] | None = None,
    wanted: Callable[[Mail], Awaitable[bool]] | None = None,
) -> None:
    """Send the mail unless it has been; record what became of it. Raises ``MailDelayed`` to be called again.

    The try is recorded before it is made: where the process dies in between, the next call finds it
    open, counts an unknown outcome, and sends the mail once more with the same Message-ID, or not at all.
    ``finish`` opens the last transaction of the job that sends, so that a mail's end and its job's are one.
    ``wanted`` is asked right before a mail that can be unsubscribed from leaves; what is not wanted is withheld.
    """
    async with databases.control() as control:
        found = await _begin(control, mail_id, sender=sender)
    if found is None:
        return
    key, message = found
    if wanted is not None and message.unsubscribe is not None and not await wanted(message):
        delivery = Delivery(Outcome.WITHHELD)
    else:
        delivery = await mailer.send(message, key=key)
    if delivery.outcome in _DELAYED:
        async with databases.control() as control:
            await _record(control, mail_id, delivery, now=now)
        raise MailDelayed
    try:
        async with (finish or databases.control)() as control:
            await _record(control, mail_id, delivery, now=now)
    except JobLost:
        # Another worker took over a job that seemed dead: it had better learn that the mail has gone.
        async with databases.control() as control:
            await _record(control, mail_id, delivery, now=now)
        raise


_BEGIN = """
UPDATE platform.mail
SET state = 'sending', unknowns = unknowns + (state = 'sending')::int, attempts = attempts + 1
WHERE id = $1 AND state IN ('queued', 'sending') AND unknowns + (state = 'sending')::int <= $2
RETURNING key, recipient, subject, text, html, language, message_id, created_at, unsubscribe
"""
_GIVE_UP = """
UPDATE platform.mail SET state = 'unknown', unknowns = unknowns + 1, text = '', html = '', unsubscribe = NULL
WHERE id = $1 AND state = 'sending' AND unknowns + 1 > $2
"""


async def _begin(control: ControlTransaction, mail_id: UUID, *, sender: str) -> tuple[str, Mail] | None:
    row = await control.fetchrow(_BEGIN, mail_id, _REPEATS)
    if row is None:
        await control.fetch(_GIVE_UP, mail_id, _REPEATS)
        return None
    values = dict(row)
    return values.pop("key"), Mail(sender=sender, **values)


_DELAYED = {Outcome.RETRY, Outcome.UNKNOWN}
_STATES = {
    Outcome.ACCEPTED: "sent",
    Outcome.REJECTED: "rejected",
    Outcome.RETRY: "queued",
    Outcome.WITHHELD: "withheld",
    Outcome.UNKNOWN: "sending",  # the next call finds it so, and counts that nobody knows
}
_RECORD = """
UPDATE platform.mail SET state = $2, error = $3, sent_at = $4,
    text = CASE WHEN $5 THEN '' ELSE text END, html = CASE WHEN $5 THEN '' ELSE html END,
    unsubscribe = CASE WHEN $5 THEN NULL ELSE unsubscribe END
WHERE id = $1
"""


async def _record(control: ControlTransaction, mail_id: UUID, delivery: Delivery, *, now: datetime) -> None:
    accepted = delivery.outcome is Outcome.ACCEPTED
    ended = delivery.outcome not in _DELAYED
    state, error = _STATES[delivery.outcome], None if accepted else delivery.detail
    await control.fetch(_RECORD, mail_id, state, error, now if accepted else None, ended)


_GIVEN_UP = """
UPDATE platform.mail SET text = '', html = '', unsubscribe = NULL,
    state = CASE WHEN state = 'sending' OR unknowns > 0 THEN 'unknown' ELSE 'rejected' END
WHERE id = $1 AND state IN ('queued', 'sending')
"""


async def give_up(control: ControlTransaction, mail_id: UUID) -> None:
    """Note that a mail is tried no more: rejected where it was surely not taken, else unknown."""
    await control.fetch(_GIVEN_UP, mail_id)


async def mail_states(control: ControlRead, keys: Sequence[str]) -> dict[str, str]:
    """The state (``queued sending sent rejected unknown withheld``) of the mails of these keys that are known."""
    rows = await control.fetch("SELECT key, state FROM platform.mail WHERE key = ANY($1)", list(keys))
    return {row["key"]: row["state"] for row in rows}


async def forget_old_mails(control: ControlTransaction, *, now: datetime) -> None:
    """Remove the records of mails that left a month ago."""
    await control.execute(
        delete(mail).where(mail.c.created_at < now - _KEPT, mail.c.state.not_in(["queued", "sending"]))
    )
