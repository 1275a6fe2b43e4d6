"""Sending what the product writes to people."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform import mail
from kedang_platform.channel import Delivery, Outcome
from kedang_platform.errors import UserError
from kedang_platform.secrets import SecretKey, load_secret_key
from kedang_platform.work import RunningJob, handler
from kedang_tenants.correspondence.checking import instead_of_sending
from kedang_tenants.customers.unsubscribing import still_wanted
from kedang_tenants.surveys.links import invitation_of
from kedang_tenants.surveys.mailing import still_asked


async def give_up_mail(job: RunningJob, _error: UserError) -> None:
    """Say of a mail that is tried no more that it has not arrived."""
    async with job.step_control() as control:
        await mail.give_up(control, UUID(str(job.payload["mail"])))


# The waits of 16 tries add up to about five hours: a mail server may be down for an afternoon.
@handler(
    mail.JOB,
    timeout=timedelta(minutes=3),
    retries=16,
    installation=True,
    on_give_up=give_up_mail,
    channel="mail",
)
async def send_mail(job: RunningJob) -> None:
    async def instead(message: mail.Mail, whose: mail.OfCompany | None) -> mail.Instead | None:
        return await _instead(job, load_secret_key(job.settings), message, whose)

    await mail.deliver(
        job.databases,
        job.services.mail,
        UUID(str(job.payload["mail"])),
        ways=mail.ways_of(job.settings),
        now=job.clock.now(),
        finish=job.finish_control,
        wanted=instead,
    )


async def _instead(
    job: RunningJob, secret: SecretKey, message: mail.Mail, whose: mail.OfCompany | None
) -> mail.Instead | None:
    """What becomes of the mail instead of leaving, as its company wants it; those of accounts leave."""
    if whose is not None:
        async with job.databases.tenant_read(whose.company) as read:
            invited = invitation_of(whose.key)
            if invited is not None and not await still_asked(read, *invited, clock=job.clock):
                return Delivery(Outcome.WITHHELD)
            return await instead_of_sending(read, secret, message, whose, now=job.clock.now())
    if message.unsubscribe is None or await still_wanted(job.databases, secret, message.unsubscribe):
        return None
    return Delivery(Outcome.WITHHELD)
