"""A PostgreSQL of its own out of an archive, at the end of its log or at an instant before."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from kedang_platform.backups.archive import Archive, Base, damaged
from kedang_platform.backups.errors import (
    BackupOfOtherVersion,
    InstantNotReached,
    no_room,
    room_on,
)
from kedang_platform.backups.verifying import BASE_TAR, TAR_ERRORS, WAL_TAR, check, opened
from kedang_platform.backups.wal import (
    PARTIAL,
    check_sums,
    gapless,
    missing,
    name_of,
    number_of,
    segment_of,
    segments,
)
from kedang_platform.embedded import Echo, ServerFailed
from kedang_platform.embedded.places import Account, Place
from kedang_platform.embedded.postgres import PostgresServer
from kedang_platform.embedded.processes import free_port
from kedang_platform.embedded.servers import known_installation
from kedang_platform.i18n import msg

_HEADROOM: Final = 64 * 1024 * 1024
_SEGMENT: Final = 16 * 1024 * 1024
_NOT_REACHED: Final = "recovery ended before configured recovery target was reached"
_REDO_DONE: Final = re.compile(r"redo done at ([0-9A-F]+/[0-9A-F]+)")
_LAST_COMMIT: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be recovered: a base, the segments after it, the instant (None: as far as the log goes)."""

    archive: Archive
    folder: Path
    base: Base
    to_time: datetime | None
    inside: tuple[str, ...]  # segments that lie in the base
    received: tuple[str, ...]  # finished segments of the archive that are needed
    following: str  # the segment that is being received, and may be finished before it is copied
    gap: str | None  # the first segment that is missing although later ones are there

    @property
    def bytes(self) -> int:
        """What the recovered server will take on disk, at least."""
        return self.base.size + _SEGMENT * (len(self.inside) + len(self.received) + 1) + _HEADROOM


@dataclass(frozen=True, slots=True)
class Recovered:
    """A server that runs on what was recovered. ``at`` is the instant that it stands for."""

    server: PostgresServer
    base: Base
    at: datetime


def plan(archive: Archive, *, to_time: datetime | None, postgres: int) -> Plan:
    """Choose a base and see that everything for it is there and as it was written.

    Raises BackupMissing, BackupDamaged, BackupOfOtherVersion, WalMissing; nothing has been written then.
    """
    folder, base = archive.choose(to_time)
    if base.postgres != postgres:
        raise BackupOfOtherVersion(
            msg("The backup was made by PostgreSQL {theirs}; this release runs {ours}."),
            theirs=base.postgres,
            ours=postgres,
        )
    check(folder, base)
    first = segment_of(base.start, timeline=base.timeline)
    # Behind the end of the base, PostgreSQL may have put the beginning of a segment into it, filled up with zeros.
    last = segment_of(base.end, timeline=base.timeline, before=True)
    inside = [name for name in _names_in(folder / WAL_TAR) if name <= last]
    received = segments(archive)
    row = gapless([*inside, *received], first=first)
    following = name_of(base.timeline, number_of(row[-1]) + 1)
    later = [name for name in received if name > following and name[:8] == first[:8]]
    if later and to_time is None:
        raise missing(following)
    needed = [name for name in row if name in received]
    check_sums(archive, needed)
    return Plan(
        archive=archive,
        folder=folder,
        base=base,
        to_time=to_time,
        inside=tuple(inside),
        received=tuple(needed),
        following=following,
        gap=following if later else None,
    )


@contextmanager
def recovered(chosen: Plan, place: Place, *, fsync: bool, log: Path, echo: Echo) -> Iterator[Recovered]:
    """Write the data into ``place``, let PostgreSQL bring them to the instant, and stop it at the end.

    Raises DiskFull, BackupDamaged, WalMissing, InstantNotReached, ServerFailed. What was written stays: the
    caller removes the folder it gave.
    """
    if shutil.disk_usage(place.home).free < chosen.bytes:
        raise no_room(place.home)
    echo(msg("Writing the data of {moment} ..."), moment=chosen.base.ended_at.isoformat(timespec="seconds"))
    with room_on(place.home):
        _write_data(chosen, place)
    installation = known_installation(chosen.folder)
    if installation is None:
        raise damaged(chosen.folder / "servers.json")
    server = PostgresServer(
        place, port=free_port(), password=installation.postgres_password, fsync=fsync, log=log
    )
    echo(msg("Replaying the log ..."))
    try:
        try:
            server.start(echo=echo, recovery=_recovery(chosen.to_time))
        except ServerFailed as failure:
            raise _told(failure, chosen, log) from failure
        _require_whole(chosen, log)
        yield Recovered(server, chosen.base, chosen.to_time or _instant(chosen, log))
    finally:
        server.stop()


def _recovery(to_time: datetime | None) -> dict[str, str]:
    values = {"restore_command": "false", "hot_standby": "off", "recovery_target_timeline": "current"}
    if to_time is not None:
        values |= {
            "recovery_target_time": to_time.astimezone(UTC).isoformat(sep=" "),
            "recovery_target_action": "promote",
        }
    return values


def _write_data(chosen: Plan, place: Place) -> None:
    data = place.home / "postgres"
    place.make_folder(data)
    _extract(chosen.folder / BASE_TAR, data, place.account)
    _extract(chosen.folder / WAL_TAR, data / "pg_wal", place.account)
    for name in chosen.received:
        _copy(chosen.archive.wal / name, data / "pg_wal" / name, place.account)
    _copy_following(chosen, data / "pg_wal" / chosen.following, place.account)
    signal_file = data / "recovery.signal"
    signal_file.touch(mode=0o600)
    _give(signal_file, place.account)


def _extract(archive: Path, target: Path, account: Account | None) -> None:
    def owned(member: tarfile.TarInfo, _path: str) -> tarfile.TarInfo:
        # tarfile's own filter asks the file system about each of a hundred thousand paths.
        inside = not member.name.startswith("/") and ".." not in member.name.split("/")
        if not inside or not (member.isreg() or member.isdir()):
            raise damaged(archive)
        kept = member.replace(mode=member.mode & 0o700, deep=False)
        return kept.replace(uid=account.uid, gid=account.gid, deep=False) if account else kept

    try:
        with opened(archive) as tar:
            tar.extractall(target, filter=owned, numeric_owner=True)  # noqa: S202 - `owned` filters
    except TAR_ERRORS as problem:
        if isinstance(problem, OSError) and not isinstance(problem, EOFError) and problem.errno:
            raise
        raise damaged(archive) from problem


def _copy(source: Path, target: Path, account: Account | None) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)
    _give(target, account)


def _copy_following(chosen: Plan, target: Path, account: Account | None) -> None:
    """The segment that is being received, as far as it is; it may be renamed at any moment."""
    whole = chosen.archive.wal / chosen.following
    for source in (whole, whole.with_name(whole.name + PARTIAL), whole):
        with suppress(FileNotFoundError):
            _copy(source, target, account)
            return


def _give(path: Path, account: Account | None) -> None:
    if account:
        shutil.chown(path, account.uid, account.gid)


def _names_in(archive: Path) -> Sequence[str]:
    try:
        with opened(archive) as tar:
            return [member.name for member in tar if re.fullmatch(r"[0-9A-F]{24}", member.name)]
    except TAR_ERRORS as problem:
        raise damaged(archive) from problem


def _told(failure: ServerFailed, chosen: Plan, log: Path) -> Exception:
    """The failure of a recovery in the words of whoever asked for it."""
    if _NOT_REACHED not in log.read_text(errors="replace"):
        return failure
    if chosen.gap:
        return missing(chosen.gap)
    return InstantNotReached(
        msg("The archive ends at {last}, before the instant asked for."),
        last=_instant(chosen, log).isoformat(timespec="seconds"),
    )


def _require_whole(chosen: Plan, log: Path) -> None:
    """PostgreSQL takes the first record that it cannot read for the end of the log: see that it is not.

    Raises BackupDamaged when finished segments lie beyond the place that it came to.
    """
    if chosen.to_time is not None or not chosen.received:
        return
    done = _REDO_DONE.findall(log.read_text(errors="replace"))
    if done and segment_of(done[-1], timeline=chosen.base.timeline) < chosen.received[-1]:
        broken = segment_of(done[-1], timeline=chosen.base.timeline)
        raise damaged(chosen.archive.wal / broken)


def _instant(chosen: Plan, log: Path) -> datetime:
    """The instant of the last transaction that was replayed, or that of the base where there was none."""
    found = _LAST_COMMIT.findall(log.read_text(errors="replace"))
    last = datetime.fromisoformat(found[-1]) if found else chosen.base.ended_at
    return max(last, chosen.base.ended_at)
