"""A process that holds embedded servers until its input ends: what the tests kill."""

import json
import os
import sys
from pathlib import Path

from kedang_platform import embedded
from kedang_platform.settings import Settings


def main(var: str, postgres_port: str, valkey_port: str) -> None:
    settings = Settings(var=Path(var), postgres_port=int(postgres_port), valkey_port=int(valkey_port))
    running = embedded.start(settings)
    try:
        told = {
            "database_url": running.database_url,
            "redis_url": running.redis_url,
            "pids": dict(running.pids),
            "uid": os.geteuid(),
        }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        running.stop()


main(*sys.argv[1:])
