"""Mails as files in a folder: what a machine without a mail server does with them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from kedang_platform.channel import Delivery, Outcome
from kedang_platform.mail.composing import compose
from kedang_platform.mail.ports import Mail

_SUFFIX = ".eml"


@dataclass(frozen=True, slots=True)
class StoredMail:
    """A mail as it lies in the folder; ``id`` names its file."""

    id: str
    message_id: str
    recipient: str
    sender: str
    subject: str
    sent_at: datetime
    text: str
    html: str


class FolderMailer:
    """Writes each mail to ``folder`` as one file, whole or not at all; a repeated key is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, mail: Mail, *, key: str) -> Delivery:
        try:
            await asyncio.to_thread(self._write, compose(mail), key)
        except ValueError as error:
            return Delivery(Outcome.REJECTED, str(error))
        except OSError as error:
            return Delivery(Outcome.RETRY, str(error))
        return Delivery(Outcome.ACCEPTED)

    async def forget(self, key: str) -> None:
        """Delete the mail of that key; nothing happens when it is not there."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    async def close(self) -> None:
        """Nothing is held between mails."""

    def _write(self, content: bytes, key: str) -> None:
        # Mails hold links that sign people in: nobody else on this machine reads them.
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(key)
        if path.exists():
            return
        draft = self._folder / f".{secrets.token_hex(8)}"
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{_SUFFIX}"


def list_mails(folder: Path, *, to: str | None = None, limit: int = 100) -> list[StoredMail]:
    """The newest mails of the folder, at most ``limit``; only those to the address ``to`` when it is given."""
    found: list[StoredMail] = []
    for path in _newest_first(folder):
        mail = _read(path)
        if to is None or mail.recipient.lower() == to.lower():
            found.append(mail)
        if len(found) >= limit:
            break
    return found


def read_mail(folder: Path, mail_id: str) -> StoredMail | None:
    """The mail of that id; None when there is none."""
    path = folder / f"{mail_id}{_SUFFIX}"
    if not mail_id.isalnum() or not path.is_file():
        return None
    return _read(path)


def _newest_first(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return iter(())
    files = [(entry.stat().st_mtime_ns, entry.name) for entry in os.scandir(folder) if _is_mail(entry.name)]
    return (folder / name for _, name in sorted(files, reverse=True))


def _is_mail(name: str) -> bool:
    return name.endswith(_SUFFIX) and not name.startswith(".")


def _read(path: Path) -> StoredMail:
    message = message_from_bytes(path.read_bytes(), policy=SMTP)
    return StoredMail(
        id=path.stem,
        message_id=str(message["Message-ID"]),
        recipient=str(message["To"]),
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        sent_at=message["Date"].datetime,
        text=_body(message, "plain"),
        html=_body(message, "html"),
    )


def _body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
