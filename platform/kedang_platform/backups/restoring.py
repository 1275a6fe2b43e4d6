"""A whole installation out of an archive, into a folder that holds nothing yet."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg

from kedang_platform.backups.archive import Archive
from kedang_platform.backups.contents import bring_back, size_of_contents
from kedang_platform.backups.errors import FolderTaken, no_room, room_on
from kedang_platform.backups.recovering import Recovered, plan, recovered
from kedang_platform.embedded import Echo, silent
from kedang_platform.embedded.places import Place, choose_home, find_place
from kedang_platform.embedded.servers import known_installation, remember_installation
from kedang_platform.i18n import msg

POSTGRES: Final = 18
_MARKS: Final = ("servers.json", "servers", "secret", "servers.lock", "up.lock", "files")


@dataclass(frozen=True, slots=True)
class Restored:
    """What stands in the folder now. ``secret`` tells whether the installation's secret came with it."""

    folder: Path
    at: datetime
    companies: int
    files: int
    secret: bool


def restore(
    archive: Archive, var: Path, *, to_time: datetime | None = None, fsync: bool = True, echo: Echo = silent
) -> Restored:
    """Make ``var`` an installation as it was at ``to_time``, or at the end of the archive.

    It has been started once when this returns, and stopped again. Raises FolderTaken, and what ``plan`` and
    ``recovered`` raise; ``var`` is then as it was.
    """
    var = var.absolute()
    _require_free(var)
    chosen = plan(archive, to_time=to_time, postgres=POSTGRES)
    var.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(var.parent).free < size_of_contents(archive):
        raise no_room(var.parent)
    draft = var.with_name(f"{var.name}.restoring-{secrets.token_hex(4)}")
    with working_folder(draft) as place:
        log = draft / "restore.log"
        with recovered(chosen, place, fsync=fsync, log=log, echo=echo) as running:
            companies = asyncio.run(_count_companies(running))
        echo(msg("Copying files ..."))
        with room_on(draft):
            files = bring_back(archive, draft / "files", schema=None, to=None, at=running.at)
            _remember(chosen.folder, draft, place)
        log.unlink()
        if var.exists():
            var.rmdir()
        draft.rename(var)
    return Restored(var, running.at, companies, files, (var / "secret").exists())


@contextmanager
def working_folder(draft: Path) -> Iterator[Place]:
    """A folder for servers that only this block needs; gone at its end, unless it was renamed by then."""
    draft.mkdir(mode=0o755)
    home = choose_home(draft)
    finished = False
    try:
        yield find_place(home)
        finished = not draft.exists()
    finally:
        if not finished:
            shutil.rmtree(draft, ignore_errors=True)
            shutil.rmtree(home, ignore_errors=True)


def _require_free(var: Path) -> None:
    taken = [name for name in _MARKS if (var / name).exists()]
    if taken or (var.exists() and (not var.is_dir() or any(var.iterdir()))):
        raise FolderTaken(
            msg("{folder} is not empty; KEDANG_VAR names a new folder for what is restored."), folder=str(var)
        )


def _remember(base: Path, draft: Path, place: Place) -> None:
    """Give the folder the passwords and the secret that its data were made with."""
    known = known_installation(base)
    assert known is not None
    inside = place.home.parent == draft
    remember_installation(draft, replace(known, home=place.home.name if inside else str(place.home)))
    if (base / "secret").exists():
        shutil.copyfile(base / "secret", draft / "secret")
        (draft / "secret").chmod(0o600)


async def _count_companies(running: Recovered) -> int:
    """Ask the recovered database something that only a whole one can answer."""
    connection = await asyncpg.connect(running.server.url)
    try:
        if await connection.fetchval("SELECT to_regclass('platform.company') IS NULL"):
            return 0
        return int(await connection.fetchval("SELECT count(*) FROM platform.company"))
    finally:
        await connection.close()
