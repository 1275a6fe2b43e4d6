"""After kill -9 of whatever: the next start ends what is left, recovers and has every committed row."""

import subprocess

import asyncpg
import psutil
import pytest

from kedang_platform.embedded.places import Account
from kedang_platform.embedded.processes import working_in
from tests.embedded.support import Holder, note, notes, until


@pytest.mark.requirement("O1")
async def test_everything_killed_at_once(folder):
    holder = Holder(folder / "var")
    await note(holder, "committed")
    killed = [*holder.server_processes()]
    holder.kill()
    for process in killed:
        _kill(process)
    holder = Holder(folder / "var")
    try:
        assert await notes(holder) == (["committed"], ["committed"])
    finally:
        holder.stop()


async def test_servers_do_not_outlive_a_killed_supervisor(folder):
    holder = Holder(folder / "var")
    await note(holder, "committed")
    servers = holder.server_processes()
    holder.kill()
    until(lambda: not any(_lives(process) for process in servers))
    log = (folder / "var" / "log" / "postgres.log").read_text()
    assert "database system is shut down" in log


async def test_a_backend_that_outlived_its_postmaster_is_ended(folder):
    holder = Holder(folder / "var")
    await note(holder, "committed")
    connection = await asyncpg.connect(holder.database_url)
    busy = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    # A backend that does not listen cannot notice that its postmaster is gone.
    busy.suspend()
    holder.process.kill()
    _kill(psutil.Process(holder.pids["PostgreSQL"]))
    holder.process.communicate()
    connection.terminate()
    assert _lives(busy)
    holder = Holder(folder / "var")
    try:
        assert not _lives(busy)
        assert (await notes(holder))[0] == ["committed"]
    finally:
        holder.stop()


async def test_a_pid_file_that_names_a_stranger_stops_nobody(folder, start):
    running = start(folder / "var")
    await note(running, "committed")
    running.stop()
    data = folder / "var" / "servers" / "postgres"
    owner = data.stat()
    account = Account(uid=owner.st_uid, gid=owner.st_gid)
    stranger = _sleeping_as(account)
    try:
        (data / "postmaster.pid").write_text(f"{stranger.pid}\n{data}\n1700000000\n5432\n\n\n\n\n")
        assert (await notes(start(folder / "var")))[0] == ["committed"]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_server_that_ended_is_noticed_and_started_again(folder, start):
    running = start(folder / "var", fsync=True)
    await note(running, "committed")
    _kill(psutil.Process(running.pids["PostgreSQL"]))
    until(lambda: running.dead() == ["PostgreSQL"])
    running.start(echo=lambda *_args, **_params: None)
    assert running.dead() == []
    assert (await notes(running))[0] == ["committed"]


def test_leftovers_are_found_by_the_folder_they_work_in(folder, start):
    running = start(folder / "var")
    home = folder / "var" / "servers"
    found = working_in(home / "postgres", program="postgres")
    assert running.pids["PostgreSQL"] in {process.pid for process in found}
    found = working_in(home / "valkey", program="valkey-server")
    assert [process.pid for process in found] == [running.pids["Valkey"]]


def _sleeping_as(account: Account) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "60"], **account.popen())


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return  # it noticed that its parent is gone


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
