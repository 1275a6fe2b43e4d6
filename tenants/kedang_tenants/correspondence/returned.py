"""What a company does about a mail that was reported: it notes it, suppresses the address, tells whoever follows the mail."""

from __future__ import annotations

from uuid import UUID

from kedang_platform.clock import Clock
from kedang_platform.database import TenantWrite
from kedang_platform.mail import Bounced, ReportedMail, tell_listeners
from kedang_tenants.correspondence.suppressing import HARD, SOFT, note_report
from kedang_tenants.reading import Viewer


async def take_in(
    write: TenantWrite, viewer: Viewer, mail_id: UUID, mail: ReportedMail, *, report: str, clock: Clock
) -> None:
    """Take in one report about a mail of the company; once, however often it is told."""
    noted = await note_report(
        write, viewer, mail_id=mail_id, address=mail.recipient, report=report, said=mail.said, clock=clock
    )
    if noted and report in {HARD, SOFT}:
        bounced = Bounced(key=mail.key, recipient=mail.recipient, hard=report == HARD)
        await tell_listeners(write, bounced, clock=clock)
