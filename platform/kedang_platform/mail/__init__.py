"""Mails: what they say, the way out, and the adapters that carry them."""

from __future__ import annotations

from pathlib import Path

from kedang_platform.mail.folder import FolderMailer, StoredMail, list_mails, read_mail
from kedang_platform.mail.letters import Letter, Line, render
from kedang_platform.mail.outbox import (
    JOB,
    MailDelayed,
    Outgoing,
    deliver,
    forget_old_mails,
    give_up,
    mail_states,
    post,
)
from kedang_platform.mail.ports import Delivery, Mail, Mailer, Outcome
from kedang_platform.mail.smtp import SmtpMailer, SmtpServer
from kedang_platform.settings import Settings

__all__ = [
    "JOB",
    "Delivery",
    "FolderMailer",
    "Letter",
    "Line",
    "Mail",
    "MailDelayed",
    "Mailer",
    "Outcome",
    "Outgoing",
    "SmtpMailer",
    "SmtpServer",
    "StoredMail",
    "deliver",
    "forget_old_mails",
    "give_up",
    "list_mails",
    "mail_folder",
    "mail_states",
    "open_mailer",
    "post",
    "read_mail",
    "render",
]


def mail_folder(settings: Settings) -> Path | None:
    """The folder that mails go to; None when a mail server is set."""
    return None if settings.smtp_url else settings.var / "mail"


def open_mailer(settings: Settings) -> Mailer:
    """The adapter that the settings choose: a mail server, or the folder ``var/mail``."""
    if settings.smtp_url:
        return SmtpMailer(SmtpServer.of(settings.smtp_url.get_secret_value()))
    return FolderMailer(settings.var / "mail")
