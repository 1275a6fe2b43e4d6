"""Sending what the product writes to people."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from kedang_platform import mail
from kedang_platform.work import RunningJob, handler


# The waits of 16 tries add up to about five hours: a mail server may be down for an afternoon.
@handler(mail.JOB, timeout=timedelta(minutes=3), retries=16, installation=True)
async def send_mail(job: RunningJob) -> None:
    await mail.deliver(
        job.databases,
        job.services.mail,
        UUID(str(job.payload["mail"])),
        sender=job.settings.mail_from,
        now=job.clock.now(),
        finish=job.finish_control,
    )
