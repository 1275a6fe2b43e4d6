"""Mails: what they say, the way out, and the adapters that carry them."""

from __future__ import annotations

from pathlib import Path

from kedang_platform.mail.bounces import (
    TELL_COMPANY,
    Bounced,
    ReportedMail,
    on_bounce,
    reported_mail,
    take_report,
    tell_listeners,
)
from kedang_platform.mail.folder import FolderMailer, StoredMail, list_mails, read_mail
from kedang_platform.mail.letters import Letter, Line, render
from kedang_platform.mail.outbox import (
    JOB,
    Instead,
    MailDelayed,
    OfCompany,
    Outgoing,
    Ways,
    deliver,
    forget_old_mails,
    give_up,
    mail_states,
    post,
)
from kedang_platform.mail.ports import Mail, Mailer
from kedang_platform.mail.reports import Report, read_report
from kedang_platform.mail.returning import ReturnAddress
from kedang_platform.mail.senders import Sender
from kedang_platform.mail.smtp import SmtpMailer, SmtpServer
from kedang_platform.secrets import load_secret_key
from kedang_platform.settings import Settings

__all__ = [
    "JOB",
    "TELL_COMPANY",
    "Bounced",
    "FolderMailer",
    "Instead",
    "Letter",
    "Line",
    "Mail",
    "MailDelayed",
    "Mailer",
    "OfCompany",
    "Outgoing",
    "Report",
    "ReportedMail",
    "ReturnAddress",
    "Sender",
    "SmtpMailer",
    "SmtpServer",
    "StoredMail",
    "Ways",
    "deliver",
    "forget_old_mails",
    "give_up",
    "list_mails",
    "mail_folder",
    "mail_states",
    "on_bounce",
    "open_mailer",
    "post",
    "read_mail",
    "read_report",
    "render",
    "reported_mail",
    "take_report",
    "tell_listeners",
    "ways_of",
]


def mail_folder(settings: Settings) -> Path | None:
    """The folder that mails go to; None when a mail server is set."""
    return None if settings.smtp_url else settings.var / "mail"


def open_mailer(settings: Settings) -> Mailer:
    """The adapter that the settings choose: a mail server, or the folder ``var/mail``."""
    if settings.smtp_url:
        return SmtpMailer(SmtpServer.of(settings.smtp_url.get_secret_value()))
    return FolderMailer(settings.var / "mail")


def ways_of(settings: Settings) -> Ways:
    """What the operator has set for mails."""
    returns = None
    if settings.bounce_address:
        returns = ReturnAddress(load_secret_key(settings), settings.bounce_address)
    return Ways(settings.mail_from, settings.mail_domains, returns)
