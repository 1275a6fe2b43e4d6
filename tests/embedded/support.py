"""What the tests of the embedded servers say to them."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil
import redis

from kedang_platform import embedded
from tests.support.accounts import become

ROOT = Path(__file__).parents[2]


async def note(running, text: str) -> None:
    """Write ``text`` to both servers so that it must survive anything but a lost disk."""
    connection = await asyncpg.connect(running.database_url)
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        await connection.execute("INSERT INTO note VALUES ($1)", text)
    finally:
        await connection.close()
    with redis.Redis.from_url(running.redis_url) as client:
        client.rpush("note", text)
        if client.config_get("appendonly")["appendonly"] == "yes":
            client.execute_command("WAITAOF", 1, 0, 5000)


async def notes(running) -> tuple[list[str], list[str]]:
    """What PostgreSQL and Valkey remember."""
    connection = await asyncpg.connect(running.database_url)
    try:
        rows = [row["text"] for row in await connection.fetch("SELECT text FROM note ORDER BY ctid")]
    finally:
        await connection.close()
    with redis.Redis.from_url(running.redis_url, decode_responses=True) as client:
        return rows, client.lrange("note", 0, -1)


class Holder:
    """Servers held by another process, started as ourselves or as an ordinary user."""

    def __init__(self, var: Path, *, account: str | None = None):
        ports = [str(embedded.free_port()), str(embedded.free_port())]
        self.process = subprocess.Popen(
            [*become(account), sys.executable, "-m", "tests.embedded.holder", str(var), *ports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        line = self.process.stdout.readline()
        assert line, "the holder ended before its servers were ready"
        told = json.loads(line)
        self.database_url, self.redis_url = told["database_url"], told["redis_url"]
        self.pids, self.uid = told["pids"], told["uid"]

    def server_processes(self) -> list[psutil.Process]:
        heads = [psutil.Process(pid) for pid in self.pids.values()]
        return [process for head in heads for process in (head, *head.children(recursive=True))]

    def kill(self) -> None:
        """kill -9, no good-bye."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0


def until(true: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait until something holds; fails when it does not in time."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def give(path: Path, account: str) -> Path:
    path.mkdir()
    shutil.chown(path, account)
    return path


def modes(path: Path) -> list[int]:
    return [part.stat().st_mode for part in (path, *path.parents)]


def owners(pids) -> set[int]:
    return {psutil.Process(pid).uids().real for pid in pids}
