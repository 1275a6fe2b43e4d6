"""Starting and stopping: data stay, folders of every kind work, nothing foreign is touched."""

import json
import os
import shutil
import socket
import stat
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis

from kedang_platform import embedded
from kedang_platform.embedded import places
from kedang_platform.settings import Settings
from tests.embedded.support import Holder, give, modes, note, notes, owners


@pytest.mark.requirement("O1")
async def test_a_second_start_finds_all_data(folder, start):
    running = start(folder / "var")
    await note(running, "客户")
    running.stop()
    running = start(folder / "var")
    await note(running, "again")
    rows, _ = await notes(running)
    assert rows == ["客户", "again"]


async def test_the_cluster_is_as_the_design_says(folder, start):
    running = start(folder / "var")
    connection = await asyncpg.connect(running.database_url)
    settings = {
        name: await connection.fetchval(f"SHOW {name}")
        for name in ("server_encoding", "max_locks_per_transaction", "jit", "recovery_init_sync_method")
    }
    locale = await connection.fetchrow(
        "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
    )
    await connection.close()
    assert settings == {
        "server_encoding": "UTF8",
        "max_locks_per_transaction": "256",
        "jit": "off",
        "recovery_init_sync_method": "syncfs",
    }
    assert tuple(locale) == (b"b", "C.UTF-8")
    with redis.Redis.from_url(running.redis_url, decode_responses=True) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


async def test_only_this_machine_and_only_with_the_password(folder, start):
    running = start(folder / "var")
    for pid in running.pids.values():
        listening = [c.laddr.ip for c in psutil.Process(pid).net_connections() if c.status == "LISTEN"]
        assert listening == ["127.0.0.1"]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(running.database_url.replace("postgres:", "postgres:x"))
    with (
        redis.Redis.from_url(running.redis_url.replace("redis://:", "redis://:x")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    assert stat.S_IMODE((folder / "var" / "servers.json").stat().st_mode) == 0o600


async def test_passwords_stand_in_no_list_of_processes(folder, start):
    running = start(folder / "var")
    told = json.loads((folder / "var" / "servers.json").read_text())
    seen = " ".join(" ".join(psutil.Process(pid).cmdline()) for pid in running.pids.values())
    assert told["postgres_password"] not in seen
    assert told["valkey_password"] not in seen


async def test_a_long_path_with_spaces_and_chinese(folder, start):
    var = folder / ("客 档" * 20) / ("deep " * 20) / ("'quoted\" " * 10) / "var"
    running = start(var)
    assert len(os.fsencode(var)) > 300
    await note(running, "far away")
    assert (await notes(running))[0] == ["far away"]


async def test_two_installations_side_by_side(folder, start):
    first, second = start(folder / "one"), start(folder / "two")
    await note(first, "first")
    await note(second, "second")
    assert await notes(first) == (["first"], ["first"])
    assert await notes(second) == (["second"], ["second"])


async def test_a_second_start_in_the_same_folder_is_refused_and_hurts_nothing(folder, start):
    running = start(folder / "var")
    with pytest.raises(embedded.AlreadyRunning) as refused:
        start(folder / "var")
    assert refused.value.params["pid"] == os.getpid()
    await note(running, "still here")
    assert running.dead() == []


async def test_a_taken_port_is_told_with_the_setting_and_nothing_stays_running(folder, start):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(embedded.PortTaken) as refused:
            start(folder / "var", valkey_port=taken)
        assert refused.value.params["port"] == taken
        assert refused.value.params["setting"] == "KEDANG_VALKEY_PORT"
        # PostgreSQL had been started by then: it is stopped again and the folder is free.
        assert not list((folder / "var" / "servers" / "postgres").glob("postmaster.pid"))
    start(folder / "var")


async def test_lost_passwords_are_told_and_the_data_left_alone(folder, start):
    start(folder / "var").stop()
    (folder / "var" / "servers.json").unlink()
    with pytest.raises(embedded.SecretLost):
        start(folder / "var")
    assert (folder / "var" / "servers" / "postgres" / "PG_VERSION").read_text() == "18\n"
    assert not (folder / "var" / "servers.json").exists()


async def test_a_cluster_left_half_made_is_made_again(folder, start):
    start(folder / "var").stop()
    home = folder / "var" / "servers"
    (home / "postgres").rename(home / "postgres.unfinished")
    shutil.rmtree(home / "postgres.unfinished" / "global")
    running = start(folder / "var")
    await note(running, "whole")
    assert not (home / "postgres.unfinished").exists()


async def test_a_moved_folder_keeps_its_data(folder, start):
    running = start(folder / "var")
    await note(running, "moved")
    running.stop()
    (folder / "var").rename(folder / "elsewhere")
    assert (await notes(start(folder / "elsewhere")))[0] == ["moved"]


def test_servers_of_ones_own_are_used_and_nothing_is_started(folder):
    own = {"database_url": "postgresql://db.example/kedang", "redis_url": "redis://queue.example/0"}
    running = embedded.start(Settings(var=folder / "var", **own))
    assert (running.database_url, running.redis_url) == (own["database_url"], own["redis_url"])
    assert running.pids == {}
    assert not (folder / "var").exists()


async def test_one_server_of_ones_own_leaves_the_other_embedded(folder, start):
    running = start(folder / "var", database_url="postgresql://db.example/kedang")
    assert list(running.pids) == ["Valkey"]
    assert running.database_url == "postgresql://db.example/kedang"


@pytest.mark.root
async def test_root_runs_the_servers_as_an_unprivileged_account(folder, start):
    running = start(folder / "var")
    assert 0 not in owners(running.pids.values())
    assert (folder / "var" / "servers" / "postgres").exists()


@pytest.mark.root
async def test_root_in_a_folder_that_only_root_enters(tmp_path, start):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    before = modes(private)
    running = start(private / "var")
    home = Path(json.loads((private / "var" / "servers.json").read_text())["home"])
    try:
        assert home.is_relative_to("/var/lib/kedang")
        await note(running, "kept")
        running.stop()
        running = start(private / "var")
        assert (await notes(running))[0] == ["kept"]
        assert modes(private) == before
    finally:
        _stop_and_remove(running, home)


def _stop_and_remove(running, home: Path) -> None:
    running.stop()
    shutil.rmtree(home)


@pytest.mark.root
async def test_programs_that_the_account_cannot_run_are_copied_to_where_it_can(folder, start, monkeypatch):
    place = folder / "place"
    monkeypatch.setattr(places, "READABLE_PLACE", place)
    monkeypatch.setattr(places.Account, "reaches", lambda _self, path: path.is_relative_to(place))
    before = os.umask(0o077)
    try:
        running = start(folder / "var")
    finally:
        os.umask(before)
    for pid in running.pids.values():
        assert psutil.Process(pid).exe().startswith(str(place / "programs"))
    await note(running, "from the copy")
    assert (await notes(running))[0] == ["from the copy"]
    assert [path.name for path in place.iterdir() if not path.name.startswith("programs")] == [
        Path(json.loads((folder / "var" / "servers.json").read_text())["home"]).name
    ]


@pytest.mark.root
@pytest.mark.requirement("O1")
async def test_an_ordinary_user_and_then_root_on_the_same_data(folder, start):
    var = give(folder / "var", "nobody")
    holder = Holder(var, account="nobody")
    try:
        assert holder.uid != 0
        assert owners(holder.pids.values()) == {holder.uid}
        await note(holder, "by nobody")
    finally:
        holder.stop()
    running = start(var)
    assert owners(running.pids.values()) == {holder.uid}
    assert (await notes(running))[0] == ["by nobody"]
