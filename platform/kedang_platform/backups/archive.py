"""The folder that one installation's backups lie in."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from kedang_platform.backups.errors import (
    BackupDamaged,
    BackupFolderUnset,
    BackupMissing,
    BackupOfOtherVersion,
)
from kedang_platform.embedded import FolderLock
from kedang_platform.i18n import msg
from kedang_platform.settings import Settings

FORMAT: Final = 1
BASE_FILE: Final = "base.json"
_STAMP: Final = "%Y%m%dT%H%M%S.%fZ"
_PREFIX: Final = "kedang-"
_UNFINISHED: Final = "unfinished-"


@dataclass(frozen=True, slots=True)
class Base:
    """A whole copy of the servers. It stands for what was there at ``ended_at``, at the earliest.

    ``start`` and ``end`` are the places in the log between which it was made; ``sums`` are SHA-256 of
    the folder's files by name; ``size`` is that of the restored data in bytes.
    """

    format: int
    postgres: int
    product: str
    began_at: datetime
    ended_at: datetime
    timeline: int
    start: str
    end: str
    size: int
    sums: Mapping[str, str]

    def text(self) -> str:
        told = asdict(self) | {"began_at": self.began_at.isoformat(), "ended_at": self.ended_at.isoformat()}
        return json.dumps(told, indent=1)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises BackupDamaged, or BackupOfOtherVersion for a later format."""
        try:
            told = json.loads((folder / BASE_FILE).read_text())
            if told["format"] > FORMAT:
                raise BackupOfOtherVersion(
                    msg("{folder} was made by a later release; restore it with that one."), folder=str(folder)
                )
            for name in ("began_at", "ended_at"):
                told[name] = datetime.fromisoformat(told[name])
            return cls(**told)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise damaged(folder / BASE_FILE) from problem


@dataclass(frozen=True, slots=True)
class Archive:
    """The places of an archive. Only one installation ever writes into it."""

    folder: Path

    @property
    def bases(self) -> Path:
        return self.folder / "bases"

    @property
    def wal(self) -> Path:
        return self.folder / "wal"

    @property
    def sums(self) -> Path:
        """SHA-256 of each finished segment of the log, one line each as ``sha256sum`` writes them."""
        return self.folder / "wal.sums"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    @property
    def gone(self) -> Path:
        return self.folder / "gone"

    def lock(self) -> FolderLock:
        return FolderLock(self.folder / "backup.lock")

    def make(self) -> None:
        """Make the folders, which only we can enter: what lies in them is everything the companies have."""
        for path in (self.folder, self.bases, self.wal, self.files, self.gone):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def base_folders(self) -> list[Path]:
        """Finished bases, the oldest first."""
        if not self.bases.is_dir():
            return []
        return sorted(path for path in self.bases.iterdir() if not path.name.startswith(_UNFINISHED))

    def unfinished(self) -> list[Path]:
        return [path for path in self.bases.iterdir() if path.name.startswith(_UNFINISHED)]

    def draft(self) -> Path:
        return self.bases / f"{_UNFINISHED}{secrets.token_hex(4)}"

    def place_of(self, moment: datetime) -> Path:
        return self.bases / stamp(moment)

    def choose(self, to_time: datetime | None) -> tuple[Path, Base]:
        """The base to begin with: the latest that had ended by ``to_time``. Raises BackupMissing."""
        for folder in reversed(self.base_folders()):
            base = Base.read(folder)
            if to_time is None or base.ended_at <= to_time:
                return folder, base
        raise BackupMissing(
            msg("There is no backup in {folder} as early as that.")
            if self.base_folders()
            else msg("There is no backup in {folder}."),
            folder=str(self.folder),
        )


def archive_of(settings: Settings, *, folder: Path | None = None) -> Archive:
    """The archive of the installation in ``settings.var``, which remembers its name.

    ``folder`` stands in for ``KEDANG_BACKUP_DIR``. Raises BackupFolderUnset.
    """
    within = folder or settings.backup_dir
    if within is None:
        raise BackupFolderUnset(msg("No folder for backups is set: KEDANG_BACKUP_DIR names it."))
    return Archive(within.absolute() / f"{_PREFIX}{_name(settings.var)}")


def find_archive(folder: Path) -> Archive:
    """The archive to restore from: ``folder`` itself, or the only one in it. Raises BackupMissing."""
    if (folder / "bases").is_dir():
        return Archive(folder)
    found = sorted(folder.glob(f"{_PREFIX}*/bases")) if folder.is_dir() else []
    if len(found) == 1:
        return Archive(found[0].parent)
    if not found:
        raise BackupMissing(msg("There is no backup in {folder}."), folder=str(folder))
    raise BackupMissing(
        msg("{folder} holds several archives; name one of them: {names}."),
        folder=str(folder),
        names=", ".join(path.parent.name for path in found),
    )


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime(_STAMP)


def damaged(path: Path) -> BackupDamaged:
    return BackupDamaged(msg("{file} is damaged: it is not what the backup wrote."), file=str(path))


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only we can read, on disk when this returns."""
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "wb") as output:
        output.write(data)
        output.flush()
        os.fsync(output.fileno())


def sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _name(var: Path) -> str:
    """What the archive of this installation is called: chosen once, never carried along by a restore."""
    file = var / "backup.json"
    if not file.exists():
        draft = file.with_name(f"backup.{secrets.token_hex(4)}")
        write_private(draft, json.dumps({"archive": secrets.token_hex(4)}).encode())
        try:
            os.link(draft, file)  # of two processes that name it at once, one wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return str(json.loads(file.read_text())["archive"])
