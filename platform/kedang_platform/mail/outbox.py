"""The way of a mail out: rendered and stored with its job in one transaction, sent once, recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from kedang_platform.database import ControlTransaction, Databases
from kedang_platform.errors import KedangError
from kedang_platform.i18n import msg
from kedang_platform.ids import new_id
from kedang_platform.mail.letters import Letter, render
from kedang_platform.mail.ports import Delivery, Mail, Mailer, Outcome, message_id
from kedang_platform.mail.tables import mail
from kedang_platform.work import NewJob, enqueue

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
    rows = [_row(outgoing, sender=sender, now=now) for outgoing in mails]
    statement = insert(mail).values(rows).on_conflict_do_nothing(index_elements=[mail.c.key])
    made = (await control.execute(statement.returning(mail.c.id))).scalars().all()
    await enqueue(control, *(NewJob(JOB, {"mail": str(mail_id)}, key=f"mail:{mail_id}") for mail_id in made))


def _row(outgoing: Outgoing, *, sender: str, now: datetime) -> dict[str, Any]:
    rendered = render(outgoing.letter, language=outgoing.language)
    return {
        "id": new_id(),
        "key": outgoing.key,
        "recipient": outgoing.recipient,
        "subject": rendered.subject,
        "text": rendered.text,
        "html": rendered.html,
        "language": outgoing.language,
        "message_id": message_id(outgoing.key, sender),
        "state": "queued",
        "attempts": 0,
        "unknowns": 0,
        "created_at": now,
    }


async def deliver(databases: Databases, mailer: Mailer, mail_id: UUID, *, sender: str, now: datetime) -> None:
    """Send the mail unless it has been; record what became of it. Raises ``MailDelayed`` to be called again.

    The try is recorded before it is made: where the process dies in between, the next call finds it
    open, counts an unknown outcome, and sends the mail once more with the same Message-ID, or not at all.
    """
    async with databases.control() as control:
        found = await _begin(control, mail_id, sender=sender)
    if found is None:
        return
    key, message = found
    delivery = await mailer.send(message, key=key)
    async with databases.control() as control:
        state = await _record(control, mail_id, delivery, now=now)
    if state in {"queued", "sending"}:
        raise MailDelayed


async def _begin(control: ControlTransaction, mail_id: UUID, *, sender: str) -> tuple[str, Mail] | None:
    row = (await control.execute(select(mail).where(mail.c.id == mail_id).with_for_update())).one_or_none()
    if row is None or row.state not in {"queued", "sending"}:
        return None
    unknowns = row.unknowns + (row.state == "sending")
    if unknowns > _REPEATS:
        await _update(control, mail_id, state="unknown", unknowns=unknowns, text="", html="")
        return None
    await _update(control, mail_id, state="sending", unknowns=unknowns, attempts=row.attempts + 1)
    return row.key, Mail(
        sender=sender,
        recipient=row.recipient,
        subject=row.subject,
        text=row.text,
        html=row.html,
        language=row.language,
        message_id=row.message_id,
        created_at=row.created_at,
    )


async def _record(control: ControlTransaction, mail_id: UUID, delivery: Delivery, *, now: datetime) -> str:
    match delivery.outcome:
        case Outcome.ACCEPTED:
            state = "sent"
            await _update(control, mail_id, state=state, sent_at=now, text="", html="", error=None)
        case Outcome.REJECTED:
            state = "rejected"
            await _update(control, mail_id, state=state, text="", html="", error=delivery.detail)
        case Outcome.RETRY:
            state = "queued"
            await _update(control, mail_id, state=state, error=delivery.detail)
        case Outcome.UNKNOWN:
            state = "sending"
            await _update(control, mail_id, error=delivery.detail)
    return state


async def _update(control: ControlTransaction, mail_id: UUID, **values: object) -> None:
    await control.execute(update(mail).where(mail.c.id == mail_id).values(**values))


async def forget_old_mails(control: ControlTransaction, *, now: datetime) -> None:
    """Remove the records of mails that left a month ago."""
    await control.execute(
        delete(mail).where(mail.c.created_at < now - _KEPT, mail.c.state.not_in(["queued", "sending"]))
    )
