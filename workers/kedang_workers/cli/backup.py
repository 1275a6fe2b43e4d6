"""``kedang backup`` and ``kedang restore``."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from kedang_platform.backups import (
    BackupFolderUnset,
    Restored,
    Taken,
    archive_of,
    embedded_source,
    find_archive,
    restore,
    take,
)
from kedang_platform.backups.errors import writing_into
from kedang_platform.clock import SystemClock
from kedang_platform.database import urls_of
from kedang_platform.embedded import Echo, silent
from kedang_platform.errors import BadUserInput
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings
from kedang_workers.beside import Beside, restore_beside
from kedang_workers.beside.restoring import Wanted
from kedang_workers.cli.reaching import named


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of ``restore``, as it was typed."""

    source: Path | None
    to_time: str | None
    company: str | None
    called: str | None


def back_up(settings: Settings, *, folder: Path | None, echo: Echo, as_json: bool) -> None:
    """Take a base backup and tell what came of it. Raises as ``take``."""
    source = embedded_source(settings)
    archive = archive_of(settings, folder=folder)
    with writing_into(archive.folder):
        archive.make()
    taken = asyncio.run(
        take(
            archive,
            source,
            var=settings.var.absolute(),
            keep=settings.backup_keep,
            clock=SystemClock(),
            echo=silent if as_json else echo,
        )
    )
    if as_json:
        print(json.dumps(_taken(taken), ensure_ascii=False))
        return
    echo(
        msg("Saved into {folder}: {megabytes} MB, {files} new files."),
        folder=taken.folder,
        megabytes=round(taken.bytes / 1_000_000, 1),
        files=taken.files,
    )
    if taken.secret:
        echo(msg("Passwords and the secret key lie in it: whoever reads it has everything. Keep it apart."))
    else:
        echo(msg("KEDANG_SECRET_KEY is not in it: keep that one elsewhere, a restore needs it."))


def bring_back(settings: Settings, asked: Asked, *, echo: Echo, as_json: bool) -> None:
    """Restore the installation, or one company of it. Raises as ``restore`` and ``restore_beside``."""
    progress = silent if as_json else echo
    to_time = _instant(asked.to_time)
    if asked.company is None:
        if asked.called is not None:
            raise BadUserInput(msg("--as goes with --company."), path=("as",))
        archive = find_archive(asked.source or _folder(settings))
        with writing_into(settings.var):
            whole = restore(archive, settings.var, to_time=to_time, echo=progress)
        print(json.dumps(_restored(whole), ensure_ascii=False)) if as_json else _tell_restored(whole, echo)
        return
    told = named(settings)
    archive = find_archive(asked.source) if asked.source else archive_of(settings)
    wanted = Wanted(asked.company, asked.called, to_time)
    one = restore_beside(told, archive, wanted, urls=urls_of(told), clock=SystemClock(), echo=progress)
    print(json.dumps(_beside(one), ensure_ascii=False)) if as_json else _tell_beside(one, echo)


def _folder(settings: Settings) -> Path:
    if settings.backup_dir is None:
        raise BackupFolderUnset(msg("Name the archive: --from FOLDER, or KEDANG_BACKUP_DIR."))
    return settings.backup_dir.absolute()


def _instant(text: str | None) -> datetime | None:
    """An instant as typed; without a zone it is meant as the terminal's clock shows it."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as problem:
        raise BadUserInput(
            msg("{text} is no instant; write it as 2026-11-22T09:10:00+08:00."), path=("toTime",), text=text
        ) from problem


def _tell_restored(done: Restored, echo: Echo) -> None:
    echo(
        msg("Restored into {folder} as of {instant}: {companies} companies, {files} files."),
        folder=done.folder,
        instant=done.at.isoformat(timespec="seconds"),
        companies=done.companies,
        files=done.files,
    )
    if not done.secret:
        echo(msg("KEDANG_SECRET_KEY was not in the backup: set it to what it was before you start."))
    echo(msg("KEDANG_VAR={folder} kedang up starts it."), folder=done.folder)


def _tell_beside(done: Beside, echo: Echo) -> None:
    echo(
        msg(
            "{name} stands beside the living company, as of {instant}: {members} members, {seats} with a seat, {files} files."
        ),
        name=done.name,
        instant=done.at.isoformat(timespec="seconds"),
        members=done.settled.members,
        seats=done.settled.seats,
        files=done.files,
    )
    for email in done.settled.missing:
        echo(msg("  {email} has no account any more and is no member of it."), email=email)
    echo(
        msg("It is quiet: nothing is sent by itself until `kedang company resume {id}`."), id=done.company_id
    )


def _taken(taken: Taken) -> dict[str, object]:
    return {
        "folder": str(taken.folder),
        "beganAt": taken.base.began_at.isoformat(),
        "endedAt": taken.base.ended_at.isoformat(),
        "bytes": taken.bytes,
        "newFiles": taken.files,
        "secretIncluded": taken.secret,
    }


def _restored(done: Restored) -> dict[str, object]:
    return {
        "folder": str(done.folder),
        "at": done.at.isoformat(),
        "companies": done.companies,
        "files": done.files,
        "secretIncluded": done.secret,
    }


def _beside(done: Beside) -> dict[str, object]:
    return {
        "id": str(done.company_id),
        "name": done.name,
        "takenFrom": str(done.taken_from),
        "at": done.at.isoformat(),
        "members": done.settled.members,
        "seats": done.settled.seats,
        "missingPersons": list(done.settled.missing),
        "files": done.files,
    }
