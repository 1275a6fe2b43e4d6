"""Sending what the product writes to people."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform import mail
from kedang_platform.errors import UserError
from kedang_platform.secrets import load_secret_key
from kedang_platform.work import RunningJob, handler
from kedang_tenants.customers.unsubscribing import still_wanted


async def give_up_mail(job: RunningJob, _error: UserError) -> None:
    """Say of a mail that is tried no more that it has not arrived."""
    async with job.step_control() as control:
        await mail.give_up(control, UUID(str(job.payload["mail"])))


# The waits of 16 tries add up to about five hours: a mail server may be down for an afternoon.
@handler(mail.JOB, timeout=timedelta(minutes=3), retries=16, installation=True, on_give_up=give_up_mail)
async def send_mail(job: RunningJob) -> None:
    async def wanted(message: mail.Mail) -> bool:
        secret = load_secret_key(job.settings)
        return await still_wanted(job.databases, secret, message.unsubscribe or "")

    await mail.deliver(
        job.databases,
        job.services.mail,
        UUID(str(job.payload["mail"])),
        sender=job.settings.mail_from,
        now=job.clock.now(),
        finish=job.finish_control,
        wanted=wanted,
    )
