"""The write-ahead log in an archive: received as it is written, summed, kept as long as a base needs it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kedang_platform.backups.archive import Archive, damaged
from kedang_platform.backups.errors import WalMissing
from kedang_platform.backups.server import SLOT, Source
from kedang_platform.backups.verifying import sum_of
from kedang_platform.embedded.processes import end, launch
from kedang_platform.i18n import msg

SEGMENT_BYTES: Final = 16 * 1024 * 1024
_PER_FILE: Final = 0x1_0000_0000 // SEGMENT_BYTES
_NAME_LENGTH: Final = 24
PARTIAL: Final = ".partial"


class Receiver:
    """``pg_receivewal``, started again by whoever looks after it; what it has is on disk within moments."""

    def __init__(self, source: Source, archive: Archive, *, log: Path) -> None:
        self._source = source
        self._archive = archive
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Go on behind what the archive has. Call it from the main thread; the slot must be there."""
        self._process = launch(
            self._source.command(
                "pg_receivewal", "-D", self._archive.wal, "-S", SLOT, "--synchronous", "--no-loop", "-s", "1"
            ),
            account=None,
            log=self._log,
            death_signal=signal.SIGINT,
            env=self._source.environment,
        )

    def stop(self) -> None:
        if self._process:
            end(self._process, signals=((signal.SIGINT, 10.0),))


async def ensure_slot(source: Source) -> None:
    """Make the replication slot that keeps the log until it is received; one that was lost is made anew."""
    connection = await source.connect()
    try:
        found = await connection.fetchrow(
            "SELECT wal_status, active FROM pg_replication_slots WHERE slot_name = $1", SLOT
        )
        if found and found["wal_status"] == "lost" and not found["active"]:
            await connection.execute("SELECT pg_drop_replication_slot($1)", SLOT)
            found = None
        if found is None:
            await connection.execute("SELECT pg_create_physical_replication_slot($1, true)", SLOT)
    finally:
        await connection.close()


async def drop_slot(source: Source) -> None:
    """Take the slot away where nothing is received any more, so that the log does not pile up for nobody."""
    connection = await source.connect()
    try:
        await connection.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE slot_name = $1 AND NOT active",
            SLOT,
        )
    finally:
        await connection.close()


def segment_of(lsn: str, *, timeline: int, before: bool = False) -> str:
    """The name of the segment that holds this place of the log, as ``0/3000028``, or the byte ``before`` it."""
    high, low = (int(part, 16) for part in lsn.split("/"))
    return name_of(timeline, ((high << 32) + low - before) // SEGMENT_BYTES)


def name_of(timeline: int, number: int) -> str:
    return f"{timeline:08X}{number // _PER_FILE:08X}{number % _PER_FILE:08X}"


def number_of(name: str) -> int:
    """Where a segment stands in the row of them."""
    return int(name[8:16], 16) * _PER_FILE + int(name[16:24], 16)


def segments(archive: Archive) -> list[str]:
    """Finished segments, the oldest first."""
    return sorted(
        path.name for path in archive.wal.glob("*") if len(path.name) == _NAME_LENGTH and path.is_file()
    )


def note_sums(archive: Archive) -> None:
    """Write down the sums of segments that have been finished since the last time."""
    known = read_sums(archive)
    fresh = [name for name in segments(archive) if name not in known]
    if fresh:
        with archive.sums.open("a") as file:
            file.writelines(f"{sum_of(archive.wal / name)}  {name}\n" for name in fresh)


def read_sums(archive: Archive) -> dict[str, str]:
    """SHA-256 by segment."""
    if not archive.sums.exists():
        return {}
    lines = (line.split() for line in archive.sums.read_text().splitlines())
    return {parts[1]: parts[0] for parts in lines if len(parts) == 2}


def check_sums(archive: Archive, names: Iterable[str]) -> None:
    """Raises BackupDamaged, naming the segment, when one is not as it was received."""
    known = read_sums(archive)
    for name in names:
        if name in known and sum_of(archive.wal / name) != known[name]:
            raise damaged(archive.wal / name)


def gapless(names: Iterable[str], *, first: str) -> list[str]:
    """The segments from ``first`` up to the first gap. Raises WalMissing when ``first`` is not there."""
    there = {name for name in names if name >= first and name[:8] == first[:8]}
    if first not in there:
        raise missing(first)
    row = []
    timeline, number = int(first[:8], 16), number_of(first)
    while (name := name_of(timeline, number)) in there:
        row.append(name)
        number += 1
    return row


def missing(name: str) -> WalMissing:
    return WalMissing(
        msg("The write-ahead log is not whole: {name} is missing. An instant before it can be restored."),
        name=name,
    )


def forget_before(archive: Archive, first: str) -> None:
    """Remove segments that no base needs: those before ``first``."""
    for name in segments(archive):
        if name[:8] == first[:8] and name < first:
            (archive.wal / name).unlink()
    kept = {name: total for name, total in read_sums(archive).items() if name >= first}
    draft = archive.sums.with_suffix(".part")
    draft.write_text("".join(f"{total}  {name}\n" for name, total in kept.items()))
    draft.rename(archive.sums)
