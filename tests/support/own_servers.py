"""Runs pytest on Debian's own PostgreSQL and redis: ``python -m tests.support.own_servers [pytest arguments]``.

Missing packages are installed with apt-get (as root). A cluster of our own is made in a temporary
folder on a free port; clusters that the machine already has are left alone.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kedang_platform.embedded import free_port, silent
from kedang_platform.embedded.places import Account, unprivileged_account
from kedang_platform.embedded.processes import end, launch, wait_until

LIBRARIES = Path("/usr/lib/postgresql")
PASSWORD = "of the test run"


def postgres_programs() -> Path | None:
    """The folder of the newest installed PostgreSQL server."""
    found = [path.parent for path in LIBRARIES.glob("*/bin/postgres")]
    return max(found, key=lambda path: float(path.parent.name), default=None)


def redis_program() -> str | None:
    return shutil.which("redis-server") or shutil.which("valkey-server")


def install_missing() -> None:
    if postgres_programs() and redis_program():
        return
    if os.geteuid() != 0:
        sys.exit("PostgreSQL and redis are missing: apt-get install postgresql redis-server")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "postgresql", "redis-server"]):
        subprocess.run(["apt-get", "-q", *command], check=True, env=environment, stdout=subprocess.DEVNULL)


@contextmanager
def servers() -> Iterator[Mapping[str, str]]:
    """The environment that points the tests at servers which live as long as the block."""
    folder = Path(tempfile.mkdtemp(prefix="kedang-own-"))
    account = unprivileged_account() if os.geteuid() == 0 else None
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        if account:
            os.chown(folder, account.uid, account.gid)
        yield {
            "KEDANG_TEST_DATABASE_URL": _start_postgres(folder, account, stack),
            "KEDANG_TEST_REDIS_URL": _start_redis(folder, account, stack),
        }


def _start_postgres(folder: Path, account: Account | None, stack: ExitStack) -> str:
    programs, data, port = postgres_programs(), folder / "data", str(free_port())
    assert programs
    secret = folder / "password"
    secret.write_text(PASSWORD)
    make = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    as_account = account.popen() if account else {}
    subprocess.run(
        [*make, f"--pwfile={secret}"], check=True, cwd=folder, stdout=subprocess.DEVNULL, **as_account
    )
    options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", f"port={port}", "fsync=off"]
    options += ["max_locks_per_transaction=256", "max_connections=200", "jit=off"]
    process = launch(
        [programs / "postgres", "-D", data, *(part for option in options for part in ("-c", option))],
        account=account,
        log=folder / "postgres.log",
        cwd=folder,
        death_signal=signal.SIGINT,
    )
    stack.callback(end, process, signals=((signal.SIGINT, 20.0),))
    asking = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", port]
    wait_until(
        lambda: subprocess.run(asking, check=False).returncode == 0,
        process=process,
        name="PostgreSQL",
        log=folder / "postgres.log",
        echo=silent,
    )
    return f"postgresql://postgres:{quote(PASSWORD)}@127.0.0.1:{port}/postgres"


def _start_redis(folder: Path, account: Account | None, stack: ExitStack) -> str:
    program, port = redis_program(), str(free_port())
    assert program
    process = launch(
        [program, "--port", port, "--bind", "127.0.0.1", "--save", ""],
        account=account,
        log=folder / "redis.log",
        cwd=folder,
        death_signal=signal.SIGTERM,
    )
    stack.callback(end, process, signals=((signal.SIGTERM, 20.0),))
    with redis.Redis(port=int(port), retry=Retry(NoBackoff(), 0)) as client:
        wait_until(
            lambda: _answers(client),
            process=process,
            name="redis",
            log=folder / "redis.log",
            echo=silent,
        )
    return f"redis://127.0.0.1:{port}/0"


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def main(arguments: list[str]) -> int:
    install_missing()
    with servers() as addresses:
        command = [sys.executable, "-m", "pytest", *arguments]
        return subprocess.run(command, check=False, env=os.environ | addresses).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
