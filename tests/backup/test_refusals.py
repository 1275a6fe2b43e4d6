"""What cannot be saved or brought back is refused with a code, and nothing half done stays behind."""

import asyncio
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from kedang_platform import backups
from kedang_platform.backups import Archive, find_archive, restore
from kedang_platform.backups.keeping import base_due
from kedang_platform.backups.verifying import BASE_TAR, MANIFEST, prove
from kedang_platform.backups.wal import note_sums, segment_of, segments
from kedang_platform.clock import SystemClock
from kedang_platform.embedded import FolderLock, free_port
from kedang_platform.errors import KedangError
from tests.backup.conftest import Installation

pytestmark = pytest.mark.requirement("O4")


@pytest.fixture(scope="module")
def cluster():
    """Servers for all tests here; each saves them into a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="kedang-cluster-"))
    folder.chmod(0o755)
    installation = Installation(folder).start()
    yield installation
    installation.stop()
    shutil.rmtree(folder)


@pytest.fixture
def living(cluster, folder):
    """The servers, saved into the test's folder."""
    return cluster.saved_into(folder / "saved")


@pytest.fixture(scope="module")
def saved(cluster):
    """An archive: a base, three finished segments after it, a part of a fourth. Tests work on copies of it."""
    asyncio.run(_fill(cluster))
    return cluster.archive


async def _fill(installation):
    await installation.receive()
    await installation.execute("CREATE TABLE note (number int)")
    await installation.save()
    for number in range(3):
        await installation.execute("INSERT INTO note VALUES ($1)", number)
        await installation.execute("SELECT pg_switch_wal()")
    await installation.execute("INSERT INTO note VALUES (3)")
    await installation.received()
    installation.receive_no_more()
    note_sums(installation.archive)


@pytest.fixture
def archive(saved, folder):
    """A copy of the archive, to be damaged."""
    return Archive(Path(shutil.copytree(saved.folder, folder / "saved")))


def refused(archive, folder, *, to_time=None):
    """The code that restoring is refused with; whatever was begun is gone."""
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(KedangError) as caught:
        restore(archive, folder / "new", to_time=to_time, fsync=False)
    assert sorted(path.name for path in folder.iterdir()) == before
    return caught.value.code


def flip(path, *, at):
    """Turn one bit round."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_an_archive_without_damage_is_restored(archive, folder):
    restored = restore(archive, folder / "new", fsync=False)
    assert restored.folder == folder / "new"
    assert {path.name for path in restored.folder.iterdir()} >= {"servers.json", "servers"}
    assert json.loads((restored.folder / "servers.json").read_text())["home"] == "servers"


@pytest.mark.parametrize("name", [BASE_TAR, MANIFEST, "servers.json"])
def test_one_bit_of_a_base_is_enough_to_refuse_it(archive, folder, name):
    (base,) = archive.base_folders()
    flip(base / name, at=(base / name).stat().st_size // 2)
    assert refused(archive, folder) == "BACKUP_DAMAGED"


def test_a_damaged_segment_of_the_log_is_refused(archive, folder):
    flip(archive.wal / segments(archive)[1], at=100)
    assert refused(archive, folder) == "BACKUP_DAMAGED"


def test_a_log_that_breaks_off_where_no_sum_was_noted_yet_is_not_taken_for_its_end(archive, folder):
    archive.sums.unlink()
    with (archive.wal / segments(archive)[1]).open("r+b") as file:
        file.write(b"\0" * 8192)
    assert refused(archive, folder) == "BACKUP_DAMAGED"


def test_a_missing_segment_is_refused_and_an_instant_before_it_is_not(archive, folder):
    (base,) = archive.base_folders()
    later = segments(archive)[-2]
    (archive.wal / later).unlink()
    assert refused(archive, folder) == "WAL_MISSING"
    assert refused(archive, folder, to_time=datetime.now(UTC)) == "WAL_MISSING"
    ended = backups.Base.read(base).ended_at
    assert restore(archive, folder / "new", to_time=ended, fsync=False).at == ended


def test_an_instant_beyond_either_end_of_the_archive_is_refused(archive, folder):
    assert refused(archive, folder, to_time=datetime.now(UTC) + timedelta(hours=1)) == "INSTANT_NOT_REACHED"
    assert refused(archive, folder, to_time=datetime(2020, 1, 1, tzinfo=UTC)) == "BACKUP_MISSING"


@pytest.mark.parametrize("change", [{"postgres": 17}, {"format": 2}])
def test_a_backup_of_another_version_is_refused(archive, folder, change):
    (base,) = archive.base_folders()
    told = json.loads((base / "base.json").read_text())
    (base / "base.json").write_text(json.dumps(told | change))
    assert refused(archive, folder) == "BACKUP_OF_OTHER_VERSION"


def test_a_folder_that_holds_something_is_left_alone(archive, folder):
    (folder / "new").mkdir()
    (folder / "new" / "secret").write_bytes(b"somebody's")
    assert refused(archive, folder) == "FOLDER_TAKEN"
    assert (folder / "new" / "secret").read_bytes() == b"somebody's"


def test_archives_are_found_by_the_folder_they_lie_in(archive, folder):
    (folder / "within").mkdir()
    archive.folder.rename(folder / "within" / "kedang-1")
    assert find_archive(folder / "within").folder.name == "kedang-1"
    shutil.copytree(folder / "within" / "kedang-1", folder / "within" / "kedang-2")
    with pytest.raises(backups.BackupMissing, match=r"kedang-1, kedang-2"):
        find_archive(folder / "within")
    with pytest.raises(backups.BackupMissing):
        find_archive(folder / "nowhere")


@pytest.mark.root
def test_a_full_disk_is_told_and_nothing_half_written_stays(archive, folder):
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m,mode=755", "tmpfs", disk], check=False
    ).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        assert refused(archive, disk) == "DISK_FULL"
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.root
def test_a_backup_onto_a_full_disk_is_told_and_leaves_the_ones_before(living):
    disk = living.settings.backup_dir
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", disk], check=False).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        first = asyncio.run(living.save())
        room = os.statvfs(disk)
        (disk / "filler").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 2_000_000))
        with pytest.raises(backups.DiskFull):
            asyncio.run(living.save())
        assert living.archive.base_folders() == [first.folder]
        assert living.archive.unfinished() == []
    finally:
        subprocess.run(["umount", disk], check=True)


async def test_bases_are_kept_as_many_as_wanted_and_the_log_only_as_far_as_they_need_it(living):
    await living.receive()
    taken = [await living.save(keep=2) for _ in range(3)]
    await living.received()
    living.receive_no_more()
    assert living.archive.base_folders() == [each.folder for each in taken[1:]]
    kept = segments(living.archive)
    assert kept
    first = segment_of(taken[1].base.start, timeline=1)
    assert all(name >= first for name in kept)


async def test_contents_are_copied_once_and_kept_while_a_base_needs_them(living):
    files = living.settings.var / "files" / "t_aaaaaaaa" / "ab" / "cd"
    files.mkdir(parents=True)
    (files / "abcd1").write_bytes(b"one")
    (files / "abcd2.part").write_bytes(b"being written")
    first = await living.save(keep=1)
    assert first.files == 1
    (files / "abcd1").unlink()
    (files / "abcd3").write_bytes(b"three")
    assert (await living.save(keep=2)).files == 1
    kept = [path.name for path in living.archive.gone.rglob("abcd*")]
    assert kept == ["abcd1"]
    await living.save(keep=1)
    assert list(living.archive.gone.rglob("abcd*")) == []
    assert [path.name for path in living.archive.files.rglob("abcd*")] == ["abcd3"]


async def test_two_backups_at_once_and_one_of_servers_that_do_not_run_are_refused(living):
    living.archive.make()
    lock = FolderLock(living.archive.folder / "backup.lock")
    lock.acquire()
    with pytest.raises(backups.BackupRunning):
        await living.save()
    lock.release()
    (living.archive.bases / "unfinished-0").mkdir()  # of one that was killed
    nobody = replace(living.source, url=f"postgresql://postgres:x@127.0.0.1:{free_port()}/kedang")
    with pytest.raises(backups.InstallationStopped):
        await backups.take(living.archive, nobody, var=living.settings.var, keep=1, clock=SystemClock())
    assert list(living.archive.bases.iterdir()) == []


def test_a_base_that_is_not_what_the_manifest_says_never_counts(archive):
    (base,) = archive.base_folders()
    shutil.copyfile(base / "pg_wal.tar.gz", base / BASE_TAR)
    with pytest.raises(backups.BackupDamaged):
        prove(base)


def test_a_base_is_due_once_a_day_from_its_time_on(archive):
    (base,) = archive.base_folders()
    ended = backups.Base.read(base).ended_at
    at = time((ended.hour + 1) % 24)
    day = ended.replace(minute=0, second=0, microsecond=0)
    assert not base_due(archive, at=at, now=ended)
    assert not base_due(archive, at=at, now=day + timedelta(minutes=59, seconds=59))
    assert base_due(archive, at=at, now=day + timedelta(hours=1, seconds=1))
    assert base_due(Archive(archive.folder / "nothing"), at=at, now=ended)


def test_servers_of_ones_own_are_saved_by_their_own_means(living):
    with pytest.raises(backups.BackupsUnsupported):
        backups.embedded_source(living.named)


@pytest.mark.parametrize(
    ("lsn", "before", "name"),
    [
        ("0/3000028", False, "000000010000000000000003"),
        ("0/4000000", False, "000000010000000000000004"),
        ("0/4000000", True, "000000010000000000000003"),
        ("1/0", False, "000000010000000100000000"),
        ("1/0", True, "0000000100000000000000FF"),
    ],
)
def test_places_of_the_log_lie_in_segments(lsn, before, name):
    assert segment_of(lsn, timeline=1, before=before) == name
